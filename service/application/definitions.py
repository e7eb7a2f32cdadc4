"""Deployed definitions: deploying, finding, and the assembled form kept in memory."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, func, insert, select, update

from service.domain import events as ev
from service.domain.errors import DefinitionRefused, DefinitionUnreadable, NoSuch
from service.engine.assembly import Assembly, assemble
from service.engine.intake import declared_needs, read_bundle, reopen_bundle
from service.engine.known import Known
from service.engine.model import Bundle, Finding, Kind, Trigger
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.working_set import Source, connection_of


@dataclass(frozen=True, slots=True)
class Deployed:
    """What deploying answers: the version, and whether it is a new one (same hash, same version)."""

    procedure: str
    version: int
    is_new: bool
    findings: tuple[Finding, ...]


class DefinitionStore:
    """Assembled definitions by (procedure, version); a version never changes, so nothing expires."""

    def __init__(self, known: Known) -> None:
        """`known` is what the linter is told of the world outside a bundle, but for the other procedures."""
        self.known = known
        self._assemblies: dict[tuple[str, int], Assembly] = {}
        self._lock = Lock()

    def get(self, source: Source, procedure: str, version: int) -> Assembly:
        """The assembly of a deployed version; the source is asked only where it is not known.

        Raises NoSuch, or DefinitionUnreadable for one that does not load.
        """
        key = (procedure, version)
        with self._lock:
            known = self._assemblies.get(key)
        if known is not None:
            return known
        try:
            assembly = _assembled(connection_of(source), procedure, version)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            name = f"{procedure} {version}"
            raise DefinitionUnreadable(name, repr(error)) from error
        self.keep(procedure, version, assembly)
        return assembly

    def pinned(self, source: Source, procedure: str, version: int) -> Assembly:
        """The assembly a running instance is on; one that is gone is as bad as one that does not load.

        Raises DefinitionUnreadable.
        """
        try:
            return self.get(source, procedure, version)
        except NoSuch as error:
            name = f"{procedure} {version}"
            raise DefinitionUnreadable(name, "no such version") from error

    def copied(self) -> "DefinitionStore":
        """A store that knows the same versions; what either learns later is its own."""
        store = DefinitionStore(self.known)
        with self._lock:
            store._assemblies = dict(self._assemblies)
        return store

    def keep(self, procedure: str, version: int, assembly: Assembly) -> None:
        """Remember a version that is stored."""
        with self._lock:
            self._assemblies[procedure, version] = assembly

    def read(
        self, procedure: str, content: Mapping[str, str], *, known_procedures: Mapping[str, Collection[str]]
    ) -> tuple[Bundle | None, list[Finding]]:
        """Lint the files of a bundle beside other procedures and the names each needs.

        The bundle is None if a finding is an error.
        """
        diagrams, decisions = parts_of(content)
        known = replace(self.known, procedures=known_procedures)
        return read_bundle(diagrams, bundle_id=procedure, decisions=decisions, known=known)


def _assembled(connection: Connection, procedure: str, version: int) -> Assembly:
    table = sql.definitions.c
    it = (table.procedure == procedure) & (table.version == version)
    row = connection.execute(select(table.content).where(it)).first()
    if row is None:
        raise NoSuch("procedure", f"{procedure} {version}")
    diagrams, decisions = parts_of(row.content)
    bundle, findings = reopen_bundle(diagrams, bundle_id=procedure, decisions=decisions)
    if bundle is None:
        name = f"{procedure} {version}"
        cause = f"{findings[0].file}:{findings[0].element} {findings[0].message}" if findings else "no process in it"
        raise DefinitionUnreadable(name, cause)
    return assemble(bundle)


def parts_of(content: Mapping[str, str]) -> tuple[dict[str, bytes], dict[str, str]]:
    """Diagrams by file name, and decisions by their id."""
    diagrams = {name: text.encode() for name, text in content.items() if name.endswith(".bpmn")}
    return diagrams, {Path(name).stem: text for name, text in content.items() if name.endswith(".dmn")}


def active_version(connection: Connection, procedure: str) -> int | None:
    """The version new instances get; None if there is no such procedure."""
    return connection.execute(
        select(func.max(sql.definitions.c.version)).where(
            sql.definitions.c.procedure == procedure,
            sql.definitions.c.is_active.is_(True),
        )
    ).scalar()


def active_procedures(connection: Connection) -> dict[str, int]:
    """Every procedure with its active version."""
    rows = connection.execute(
        select(sql.definitions.c.procedure, func.max(sql.definitions.c.version))
        .where(sql.definitions.c.is_active.is_(True))
        .group_by(sql.definitions.c.procedure)
    )
    return {row[0]: row[1] for row in rows}


class ProceduresInUse(Mapping[str, tuple[str, ...]]):
    """Every procedure in use with the names whoever calls it has to give; those are read when they are asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._versions = connection, active_procedures(connection)

    def __getitem__(self, procedure: str) -> tuple[str, ...]:
        """The names it needs. Raises KeyError for a procedure that is not in use."""
        table, version = sql.definitions.c, self._versions[procedure]
        it = (table.procedure == procedure) & (table.version == version)
        return needs_of(procedure, self._connection.execute(select(table.content).where(it)).scalar_one())

    def __iter__(self) -> Iterator[str]:
        """Their ids."""
        return iter(self._versions)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._versions)


def needs_of(procedure: str, content: Mapping[str, str]) -> tuple[str, ...]:
    """The names whoever calls a procedure has to give, as its files say."""
    return declared_needs(content.get(f"{procedure}.bpmn", "").encode())


def procedures_to_call(connection: Connection) -> dict[str, int]:
    """The version of each procedure that what runs already calls: the active one, else the one that was active last.

    A retired procedure starts no new incident, but an incident that needs it must not stop for that.
    """
    table = sql.definitions.c
    last = (table.is_active, table.retired_at.asc().nulls_first(), table.version)
    rows = connection.execute(select(table.procedure, table.version).order_by(table.procedure, *last))
    return {row.procedure: row.version for row in rows}


def version_to_call(connection: Connection, procedure: str) -> int | None:
    """The version of one procedure to call; None if it was never deployed."""
    return procedures_to_call(connection).get(procedure)


def message_start(store: DefinitionStore, connection: Connection, message: str) -> tuple[str, int, str] | None:
    """Procedure, version and start event that a message of a running incident starts; None if none does."""
    for procedure, version in procedures_to_call(connection).items():
        assembly = store.get(connection, procedure, version)
        for node in assembly.bundle.processes[assembly.bundle.entry].level():
            if node.kind is Kind.START and node.trigger is Trigger.MESSAGE and node.message == message:
                return procedure, version, node.id
    return None


def signal_starts(store: DefinitionStore, connection: Connection, signal: str) -> list[tuple[str, int, str]]:
    """Procedures, versions and start events that a signal of a running incident starts."""
    found = []
    for procedure, version in procedures_to_call(connection).items():
        assembly = store.get(connection, procedure, version)
        for node in assembly.bundle.processes[assembly.bundle.entry].level():
            if node.kind is Kind.START and node.trigger is Trigger.SIGNAL and node.signal == signal:
                found.append((procedure, version, node.id))
    return found


def bundle_hash(content: Mapping[str, str]) -> str:
    """Hash over the names and texts of a bundle's files."""
    digest = hashlib.sha256()
    for name in sorted(content):
        digest.update(f"{name}\0{len(content[name])}\0{content[name]}".encode())
    return digest.hexdigest()


def is_deployed(connection: Connection, procedure: str, content: Mapping[str, str]) -> bool:
    """Whether these very files are a version already: nothing to lint, nothing to deploy.

    It need not be the version in use: what an administrator chose is not undone by a restart.
    """
    table = sql.definitions
    same = (table.c.procedure == procedure) & (table.c.bundle_hash == bundle_hash(content))
    return connection.execute(select(table.c.version).where(same)).first() is not None


def deploy(
    uow: UnitOfWork, store: DefinitionStore, procedure: str, content: Mapping[str, str], *, actor: str
) -> Deployed:
    """Lint and store a bundle as the next version, in use from now on. Raises DefinitionRefused; then nothing changes.

    Files that are a version already change nothing either: an older version is taken up again by activating it.
    """
    known = ProceduresInUse(uow.connection)
    bundle, findings = store.read(procedure, content, known_procedures=known)
    if bundle is None:
        raise DefinitionRefused(findings)
    uow.alone(f"definitions:{procedure}")
    digest = bundle_hash(content)
    same = uow.connection.execute(
        select(sql.definitions.c.version).where(
            sql.definitions.c.procedure == procedure, sql.definitions.c.bundle_hash == digest
        )
    ).scalar()
    if same is not None:
        return Deployed(procedure, same, is_new=False, findings=tuple(findings))
    known_versions = select(func.max(sql.definitions.c.version)).where(sql.definitions.c.procedure == procedure)
    version = (uow.connection.execute(known_versions).scalar() or 0) + 1
    entry = bundle.processes[bundle.entry]
    put_out_of_use(uow, procedure)
    uow.connection.execute(
        insert(sql.definitions).values(
            procedure=procedure, version=version, bundle_hash=digest, name=entry.name, name_en=entry.name_en,
            content=dict(content), is_active=True, deployed_at=uow.now, deployed_by=actor, retired_at=None,
        )
    )  # fmt: skip
    log(uow, procedure, ev.DefinitionDeployed(procedure, version, digest), actor=actor)
    assembly = assemble(bundle)
    uow.after_commit(lambda: store.keep(procedure, version, assembly))
    return Deployed(procedure, version, is_new=True, findings=tuple(findings))


def put_out_of_use(uow: UnitOfWork, procedure: str) -> None:
    """The version in use, if there is one, is no longer."""
    table = sql.definitions
    in_use = (table.c.procedure == procedure) & table.c.is_active
    uow.connection.execute(update(table).where(in_use).values(is_active=False, retired_at=uow.now))


def stream_of(procedure: str) -> str:
    """The stream of the log that tells what happened to a procedure."""
    return f"definition:{procedure}"


def log(uow: UnitOfWork, procedure: str, event: ev.Event, *, actor: str, request_id: str = "") -> None:
    """Append an event to the stream of a procedure."""
    version = event.data()["version"]
    new = NewEvent(
        event.type, uow.now, event.data(), procedure=procedure, version=version, actor=actor,
        request_id=request_id, command_id=request_id, schema_version=event.schema_version,
    )  # fmt: skip
    uow.append(stream_of(procedure), [new])


def folder_content(folder: Path, decisions: Path) -> dict[str, str]:
    """Files of a bundle folder with the decision tables its diagrams name."""
    content = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.bpmn"))}
    text = "".join(content.values())
    for path in sorted(decisions.glob("*.dmn")):
        if f'tocsin:decision="{path.stem}"' in text:
            content[path.name] = path.read_text("utf-8")
    return content
