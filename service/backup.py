"""The commands `backup` and `restore`: everything the product stores but its keys, taken while it serves.

A backup is a folder: the database as of one moment, the uploaded files its rows name, and `manifest.json`, which tells
of each file its length and SHA-256, and by which keys (their fingerprints, not they) it can be opened. It is written
beside its place and moved there when it is whole.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from service.application import attachments, projections
from service.application.projections import comparing
from service.application.rehearsal import rehearse
from service.bootstrap import Tocsin, build
from service.domain.clock import Clock, SystemClock
from service.domain.errors import ValueRefused
from service.persistence import chain, snapshots
from service.persistence.database import Database, migrate, open_database
from service.settings import MASTER_KEY_FILE, Settings, index_key, master_keys

FORMAT = 1
MANIFEST, FILES = "manifest.json", "attachments"
INDEX_KEY_FILE = "index.key"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; `files` maps a path in it to length and SHA-256, `gone` are uploads erased meanwhile."""

    format: int
    taken_at: str
    revision: str
    events: int
    keys: list[str]
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, source: Path) -> "Manifest":
        """The manifest of a backup. Raises ValueRefused for what is none, or of a later format."""
        try:
            data = json.loads((source / MANIFEST).read_text("utf-8"))
            found = cls(**{**data, "files": {name: tuple(each) for name, each in data["files"].items()}})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueRefused("source", "不是备份", "is no backup") from error
        if found.format != FORMAT:
            raise ValueRefused("source", "来自更新的版本", "was taken by a newer version")
        return found


@dataclass(frozen=True, slots=True)
class Findings:
    """What a restored installation was found to be; `wrong` names what is not as it was."""

    events: int
    streams: int
    files: int
    wrong: tuple[str, ...]


def take(settings: Settings, target: Path, clock: Clock) -> Manifest:
    """Back the installation up into a new folder. Raises ValueRefused where there is something already."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueRefused("target", "已存在且不是空的", "exists and is not empty")
    keys = _fingerprints(settings)
    draft = target.with_name(f".{target.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    database = open_database(settings.database, clock)
    try:
        taken = snapshots.take(database, draft)
        gone = _copy_files(database, settings.data_dir / FILES, draft / FILES, taken.attachments)
    finally:
        database.close()
    files = {str(path.relative_to(draft)): _digest(path) for path in sorted(draft.rglob("*")) if path.is_file()}
    made = Manifest(FORMAT, clock.now().isoformat(), taken.revision, taken.events, keys, files, gone)
    (draft / MANIFEST).write_text(json.dumps(asdict(made), indent=1, sort_keys=True), "utf-8")
    for path in (*(draft / name for name in files), draft / MANIFEST):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    with suppress(FileNotFoundError):
        target.rmdir()
    draft.rename(target)
    return made


def put(settings: Settings, source: Path, clock: Clock) -> Manifest:
    """Fill an empty installation. Raises ValueRefused, and nothing is written, where backup or place is not fit."""
    manifest = Manifest.read(source)
    for name, (size, digest) in manifest.files.items():
        path = source / name
        if ".." in Path(name).parts or not path.is_file() or _digest(path) != (size, digest):
            raise ValueRefused("source", f"备份不完整或已损坏：{name}", f"is damaged or not whole: {name}")
    if not set(manifest.keys) <= set(_fingerprints(settings)):
        raise ValueRefused(
            "keys", f"与备份不符：请先把 {MASTER_KEY_FILE} 和 {INDEX_KEY_FILE} 放回数据文件夹",
            f"do not fit: first put {MASTER_KEY_FILE} and {INDEX_KEY_FILE} back into the data folder",
        )  # fmt: skip
    folder = settings.data_dir / FILES
    if folder.exists() and any(folder.iterdir()):
        raise ValueRefused("target", "附件文件夹不是空的", "has uploaded files already")
    database = open_database(settings.database, clock)
    try:
        snapshots.require_empty(database)
        owner = settings.owner_database_url or settings.database
        snapshots.put(database, source, manifest.revision, owner)
    finally:
        database.close()
    migrate(owner, application=settings.database if settings.owner_database_url else "")
    for path in sorted((source / FILES).glob("*")):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / path.name)
    return manifest


def verify(tocsin: Tocsin, manifest: Manifest) -> Findings:
    """Walk the chains, build the read tables again and compare, open every uploaded file. Nothing of it is stored."""
    with tocsin.read() as connection:
        report = chain.verify(connection)
        streams = [*projections.incident_streams(connection), *projections.organisation_streams(connection)]
        files = attachments.stored(connection)
    wrong = [] if report.ok else [f"log: {report.first_bad}"]
    if report.events != manifest.events:
        wrong.append(f"log: {report.events} events instead of {manifest.events}")
    for stream in streams:
        differing = rehearse(tocsin.writer, partial(comparing.differing, stream=stream))
        wrong += [f"{stream}: {name} is not what the log says" for name in differing]
    folder, kept = tocsin.settings.data_dir / FILES, [each for each in files if each.id not in manifest.gone]
    with tocsin.read() as connection:
        is_whole = partial(attachments.is_whole, connection, tocsin.sealer, folder)
        wrong += [f"attachments: {each.id} is damaged" for each in kept if not is_whole(each)]
    return Findings(report.events, len(streams), len(kept), tuple(wrong))


# --- the commands -----------------------------------------------------------------------------


def backup_commands(add: Callable[[str, Any], argparse.ArgumentParser]) -> None:
    """Add the commands to the command line."""
    add("backup", backup).add_argument("target", help="a folder that is not there yet")
    add("restore", restore).add_argument("source", help="a folder that `backup` wrote")


def backup(options: argparse.Namespace, settings: Settings) -> int:
    """Back up database and uploaded files while the product serves; keys are kept apart."""
    made = take(settings, Path(options.target), SystemClock())
    _say(json.dumps({"events": made.events, "files": len(made.files), "erased_meanwhile": len(made.gone)}))
    for line in _about_keys(settings):
        _say(line)
    return 0


def restore(options: argparse.Namespace, settings: Settings) -> int:
    """Fill an empty installation from a backup and prove it; exit code 1 if anything is not as it was."""
    clock = SystemClock()
    manifest = put(settings, Path(options.source), clock)
    tocsin = build(settings, clock)
    try:
        found = verify(tocsin, manifest)
    finally:
        tocsin.stop()
    _say(json.dumps({"ok": not found.wrong, **asdict(found)}, ensure_ascii=False))
    return int(bool(found.wrong))


# --- inside -----------------------------------------------------------------------------------


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _about_keys(settings: Settings) -> Iterator[str]:
    yield "The backup holds no keys. Without them its sealed values are lost; with them beside it they are not sealed."
    for file, variable, is_set in (
        (MASTER_KEY_FILE, "TOCSIN_MASTER_KEY", bool(settings.master_key.get_secret_value())),
        (INDEX_KEY_FILE, "TOCSIN_INDEX_KEY", bool(settings.index_key.get_secret_value())),
    ):
        yield f"Keep apart from it: {f'the value of {variable}' if is_set else settings.data_dir / file}"


def _fingerprints(settings: Settings) -> list[str]:
    """What tells the keys of an installation from others without telling them. Raises ValueRefused without any."""
    for secret, file in ((settings.master_key, MASTER_KEY_FILE), (settings.index_key, INDEX_KEY_FILE)):
        if not secret.get_secret_value() and not (settings.data_dir / file).exists():
            raise ValueRefused("keys", f"缺少：请先放好 {file}", f"are missing: first put {file} into the data folder")
    keys = (*master_keys(settings), index_key(settings))
    return [hashlib.sha256(b"tocsin backup" + key).hexdigest()[:32] for key in keys]


def _copy_files(database: Database, folder: Path, target: Path, named: Sequence[str]) -> list[str]:
    """Copy the files that rows of the backup name; one that was erased since is left out, and its id returned.

    Raises ValueRefused for one that is missing though nobody erased it.
    """
    gone = []
    for each in named:
        try:
            target.mkdir(exist_ok=True, mode=0o700)
            shutil.copyfile(folder / each, target / each)
        except FileNotFoundError:
            with database.read() as connection:
                is_erased = attachments.is_erased(connection, each)
            if not is_erased:
                raise ValueRefused("attachments", f"缺少文件 {each}", f"lack the file {each}") from None
            gone.append(each)
    return gone


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, digest
