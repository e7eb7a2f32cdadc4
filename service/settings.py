"""Settings: one frozen object, read from the environment once, in bootstrap.

No other module reads the environment. `python -m service.settings` prints the table that README shows.
"""

import base64
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from cryptography.fernet import Fernet
from pydantic import AliasChoices, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "TOCSIN_"
MASTER_KEY_FILE = "master.key"


class Settings(BaseSettings):
    """Everything an operator can set; each field says its unit in its description."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", populate_by_name=True)

    database_url: str = Field(
        default="",
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; "
        "empty: the file tocsin.db in the data folder",
    )
    owner_database_url: str = Field(
        default="",
        description="PostgreSQL: the same database with the role that owns the tables, for `tocsin migrate` alone. The "
        "role of TOCSIN_DATABASE_URL then has no right to change or delete events; it is made where it is missing",
    )
    data_dir: Path = Field(
        default=ROOT / "var", description="folder for what the program writes: database, master key, uploads"
    )
    workflows_dir: Path = Field(
        default=ROOT / "workflows", description="folder of the BPMN processes and DMN decisions"
    )
    forms_dir: Path = Field(
        default=ROOT / "forms", description="folder of the forms, message texts and report templates"
    )
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=8000,
        validation_alias=AliasChoices("TOCSIN_PORT", "PORT"),
        description="TCP port to listen on; `PORT` works too",
    )
    base_url: str = Field(
        default="", description="address by which outside systems and links reach us; empty: http://HOST:PORT"
    )
    demo: bool = Field(
        default=False,
        description="create the demo district and its accounts, password `demo` for each; never in earnest",
    )
    master_key: SecretStr = Field(
        default=SecretStr(""),
        description="Fernet keys, comma separated, the first one encrypts; empty: the file master.key in the data "
        "folder, made on the first start. Without it sealed values are lost",
    )
    index_key: SecretStr = Field(
        default=SecretStr(""),
        description="key by which persons are found without being opened, made like a Fernet key; empty: the file "
        "index.key in the data folder. With another key: `tocsin index-persons`",
    )
    partner_secrets: SecretStr = Field(
        default=SecretStr(""),
        description="secrets of outside systems that post to /exchange/PARTNER, as `partner=secret` pairs, comma "
        "separated; a partner may have several. Empty: nobody may post",
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="bearer token that opens /metrics; empty: only callers on this machine, and none through a proxy",
    )
    worker_metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=0,
        description="TCP port at TOCSIN_HOST on which `tocsin worker` answers /metrics, /healthz and /readyz; 0: none. "
        "Every worker process of a machine needs its own",
    )
    reveal_minutes: Annotated[int, Field(ge=1, le=240)] = Field(
        default=10, description="minutes for which a person's full values stay shown after they were revealed"
    )
    access_tail_minutes: Annotated[int, Field(ge=0, le=1440)] = Field(
        default=30, description="minutes after a task was done in which whoever did it may still reveal its person"
    )
    break_glass_minutes: Annotated[int, Field(ge=5, le=1440)] = Field(
        default=60, description="longest emergency access without a task, in minutes"
    )
    export_alone: Annotated[int, Field(ge=0)] = Field(
        default=50, description="most persons of one export that needs no second person's approval"
    )
    data_protection_role: str = Field(
        default="data_protection",
        description="role that is told of emergency access; where nobody holds it, those who lead the organisation",
    )
    session_hours: Annotated[int, Field(ge=1, le=720)] = Field(default=12, description="hours until a sign-in expires")
    secure_cookies: bool = Field(
        default=False,
        description="send cookies over HTTPS only, whatever the proxy says of a request; set it wherever HTTPS is used",
    )
    second_factor_roles: str = Field(
        default="sys_admin",
        description="role ids, comma separated, whose holders must give a code of an authenticator app when signing "
        "in; others may. Nobody must in the demo",
    )
    oidc_issuer: str = Field(
        default="",
        description="address of an OpenID Connect provider by which people may sign in too; empty: none. Accounts "
        "are never made by it",
    )
    oidc_client_id: str = Field(default="", description="our client id at that provider")
    oidc_client_secret_file: Path | None = Field(
        default=None, description="file with our client secret there; empty: a public client, PKCE alone"
    )
    oidc_claim: str = Field(
        default="preferred_username", description="claim of the provider that is the user name of an account here"
    )
    oidc_name: str = Field(default="", description="how the sign-in button calls the provider")
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=10_485_760, description="largest request body, in bytes"
    )
    poll_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=1.0, description="seconds at most between two looks at the due timers and deliveries"
    )
    locale: Literal["zh_CN", "en"] = Field(
        default="zh_CN", description="language where neither user nor browser asks for one"
    )
    log_format: Literal["columns", "json"] = Field(
        default="columns", description="`columns` for people, `json` for machines"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is logged"
    )

    @property
    def roles_with_second_factor(self) -> frozenset[str]:
        """Roles that must give a code; none in the demo, whose accounts are everybody's."""
        named = (part.strip() for part in self.second_factor_roles.split(","))
        return frozenset() if self.demo else frozenset(filter(None, named))

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'tocsin.db'}"

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-process installation."""
        return self.database.startswith("sqlite")

    @property
    def public_url(self) -> str:
        """Address for links, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")


def partner_secrets(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Secrets by partner. Raises ValueError for a pair without `=`."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in filter(None, (part.strip() for part in settings.partner_secrets.get_secret_value().split(","))):
        partner, sign, secret = pair.partition("=")
        if not sign or not secret:
            message = f"TOCSIN_PARTNER_SECRETS: {partner} has no secret"
            raise ValueError(message)
        found[partner] = (*found.get(partner, ()), secret)
    return found


def master_keys(settings: Settings) -> tuple[bytes, ...]:
    """Fernet keys, newest first; makes the key file (mode 0600) on the first start.

    Raises ValueError if a key is not a Fernet key (32 bytes, URL-safe base64).
    """
    text = settings.master_key.get_secret_value() or _key_file(settings.data_dir / MASTER_KEY_FILE)
    keys = tuple(key.strip().encode() for key in text.replace("\n", ",").split(",") if key.strip())
    for key in keys:
        Fernet(key)
    return keys


def add_master_key(settings: Settings) -> bool:
    """Put a new key in front of those in the key file; False where the keys come from the environment."""
    if settings.master_key.get_secret_value():
        return False
    _write_keys(settings, (Fernet.generate_key(), *master_keys(settings)))
    return True


def keep_newest_master_key(settings: Settings) -> None:
    """Leave only the first key in the key file; the caller has made sure that it opens everything."""
    if not settings.master_key.get_secret_value():
        _write_keys(settings, master_keys(settings)[:1])


def _write_keys(settings: Settings, keys: tuple[bytes, ...]) -> None:
    """The key file as a whole or not at all: whoever reads it meanwhile finds the former one."""
    handle, draft = tempfile.mkstemp(dir=settings.data_dir, prefix=f".{MASTER_KEY_FILE}.")
    with os.fdopen(handle, "wb") as file:
        file.write(b"\n".join(keys) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, settings.data_dir / MASTER_KEY_FILE)


def index_key(settings: Settings) -> bytes:
    """The key of the index of persons; makes its file on the first start. Raises ValueError if it is none."""
    text = settings.index_key.get_secret_value() or _key_file(settings.data_dir / "index.key")
    Fernet(text.strip())
    return base64.urlsafe_b64decode(text.strip())


def _key_file(path: Path) -> str:
    """Text of a key file. A hard link makes it whole or not at all, also when two processes start together."""
    data_dir = path.parent
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=data_dir, prefix=f".{path.name}.")  # mkstemp gives mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first; its key counts
        finally:
            os.unlink(draft)
    return path.read_text("ascii")


def oidc_client_secret(settings: Settings) -> str:
    """Our secret at the identity provider, "" for a public client. Raises OSError for a file that cannot be read."""
    file = settings.oidc_client_secret_file
    return file.read_text("utf-8").strip() if file is not None else ""


def variable_name(name: str, field: FieldInfo) -> str:
    """Environment variable of a field."""
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"{PREFIX}{name}".upper()


def _shown_default(field: FieldInfo) -> str:
    value = field.default
    if value is None or isinstance(value, SecretStr) or value == "":
        return "(empty)"
    if isinstance(value, Path):
        return f"`{value.relative_to(ROOT)}/`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def settings_table() -> str:
    """Markdown table of all settings, as README shows it."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        lines.append(f"| `{variable_name(name, field)}` | {_shown_default(field)} | {field.description} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(settings_table() + "\n")
