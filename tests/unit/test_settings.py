"""Settings come from the environment, the key file is made once and privately."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError

from service.settings import ROOT, Settings, master_keys


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("TOCSIN_") or name == "PORT":
            monkeypatch.delenv(name)


def test_defaults_point_into_the_checkout() -> None:
    settings = Settings()
    assert (settings.data_dir, settings.workflows_dir, settings.forms_dir) == (
        ROOT / "var",
        ROOT / "workflows",
        ROOT / "forms",
    )
    assert settings.database == f"sqlite:///{ROOT / 'var' / 'tocsin.db'}"
    assert settings.is_sqlite
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.demo is False


@pytest.mark.parametrize("name", ["PORT", "TOCSIN_PORT"])
def test_both_names_of_the_port_are_honoured(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "9123")
    assert Settings().port == 9123


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOCSIN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TOCSIN_DATABASE_URL", "postgresql+psycopg://postgres@/tocsin")
    monkeypatch.setenv("TOCSIN_DEMO", "1")
    monkeypatch.setenv("TOCSIN_BASE_URL", "https://tocsin.example/")
    settings = Settings()
    assert settings.data_dir == tmp_path
    assert (settings.database, settings.is_sqlite) == ("postgresql+psycopg://postgres@/tocsin", False)
    assert settings.demo is True
    assert settings.public_url == "https://tocsin.example"


def test_a_wrong_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_PORT", "eighty")
    with pytest.raises(ValidationError, match="TOCSIN_PORT"):
        Settings()


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.demo = True


def test_the_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    first = master_keys(settings)
    assert master_keys(settings) == first
    assert (tmp_path / "new" / "master.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["master.key"]
    assert Fernet(first[0]).decrypt(Fernet(first[0]).encrypt(b"x")) == b"x"


def test_starts_at_the_same_moment_agree_on_one_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: master_keys(settings), range(16)))
    assert len(set(keys)) == 1


def test_keys_of_the_environment_come_first_and_leave_no_file(tmp_path: Path) -> None:
    new, old = Fernet.generate_key(), Fernet.generate_key()
    settings = Settings(data_dir=tmp_path, master_key=SecretStr(f"{new.decode()}, {old.decode()}"))
    assert master_keys(settings) == (new, old)
    assert list(tmp_path.iterdir()) == []
    assert new.decode() not in repr(settings)


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Fernet key"):
        master_keys(Settings(data_dir=tmp_path, master_key=SecretStr("secret")))
