"""compose.yaml says what README promises: two web, two workers, one PostgreSQL, and no secret of its own."""

import re
from typing import Any

import pytest
import yaml

from service.settings import Settings, variable_name
from tests.architecture.checkout import ROOT

NODES = ("web-1", "web-2", "worker-1", "worker-2", "migrate")


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def services(composed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = composed["services"]
    return found


def test_two_web_and_two_worker_processes_on_one_database_behind_a_proxy(services: dict[str, Any]) -> None:
    assert set(services) == {*NODES, "database", "proxy"}
    assert [services[name]["command"] for name in NODES] == [
        ["serve", "--no-worker"], ["serve", "--no-worker"], ["worker"], ["worker"], ["migrate"],
    ]  # fmt: skip
    assert len({services[name]["environment"]["TOCSIN_DATABASE_URL"] for name in NODES}) == 1
    assert all(services[name]["volumes"] == ["data:/data"] for name in NODES)
    for name in ("database", "web-1", "web-2"):
        assert services[name]["healthcheck"]["test"]


def test_the_proxy_asks_the_other_process_where_one_is_not_there(composed: dict[str, Any]) -> None:
    (used,) = composed["services"]["proxy"]["configs"]
    proxied = composed["configs"][used["source"]]["content"]
    assert "reverse_proxy web-1:8000 web-2:8000 {" in proxied
    assert re.search(r"lb_try_duration [1-9]\d*s", proxied)
    assert re.search(r"fail_duration [1-9]\d*s", proxied)


def test_only_the_migration_knows_the_owner_of_the_tables(services: dict[str, Any]) -> None:
    owner = {name for name in NODES if "TOCSIN_OWNER_DATABASE_URL" in services[name]["environment"]}
    assert owner == {"migrate"}
    addresses = services["migrate"]["environment"]
    assert "POSTGRES_PASSWORD" in addresses["TOCSIN_OWNER_DATABASE_URL"]
    assert "POSTGRES_PASSWORD" not in addresses["TOCSIN_DATABASE_URL"]


def test_every_setting_is_one_we_know(services: dict[str, Any]) -> None:
    known = {variable_name(name, field) for name, field in Settings.model_fields.items()}
    for name in NODES:
        assert set(services[name]["environment"]) <= known


def test_no_secret_has_a_default(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|URL", variable):
                assert re.search(r"\$\{\w+:\?", value), f"{name} {variable}"
            elif "SECRET" in variable:
                assert value == "${TOCSIN_PARTNER_SECRETS:-}"
