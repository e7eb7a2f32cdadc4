"""Privacy: who was shown what of a person, and on what grounds; what was taken out of the system.

No value stands in these events, only which person, which fields, by whom (`actor`) and for which task.
A free text (`reason`, `note`) may name somebody, so it is sealed beside the event under the incident.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class PersonRevealed(Event):
    """Somebody had fields of a person shown in full, until `until`; `basis` is task, tail, break_glass or letter."""

    type: ClassVar[str] = "person_revealed"
    person: str
    fields: list[str]
    basis: str
    until: str
    task: str = ""  # the task it was for; "" under a break-glass
    grant: str = ""  # the break-glass it was seen under


@event
@dataclass(frozen=True, slots=True)
class BreakGlassOpened(Event):
    """Access without a task was opened, until `until`; `notified` are the accounts told; the reason is sealed."""

    type: ClassVar[str] = "break_glass_opened"
    grant: str
    organisation: str
    until: str
    notified: list[str] = field(default_factory=list)


@event
@dataclass(frozen=True, slots=True)
class BreakGlassEnded(Event):
    """Access without a task is over; `cause` is expired, given_up or withdrawn."""

    type: ClassVar[str] = "break_glass_ended"
    grant: str
    cause: str


@event
@dataclass(frozen=True, slots=True)
class ExportAsked(Event):
    """Somebody asked to take out more persons than he may alone; the note to the purpose is sealed."""

    type: ClassVar[str] = "export_asked"
    export: str
    kind: str
    purpose: str
    fields: list[str]
    rows: int
    key: str = ""  # which of its kind: a report, a document and what it is about


@event
@dataclass(frozen=True, slots=True)
class ExportDecided(Event):
    """A second person approved or refused what was asked for."""

    type: ClassVar[str] = "export_decided"
    export: str
    is_approved: bool


@event
@dataclass(frozen=True, slots=True)
class ExportMade(Event):
    """Data left the system as a file or on paper: what, why, which fields of how many persons, the file's hash.

    `kind` is what was taken out, `format` xlsx, docx, html or csv; `sha256` is that of the file with its
    watermark; `approver` is an account, "" where none was needed; `persons` whom it holds.
    """

    type: ClassVar[str] = "export_made"
    export: str
    kind: str
    format: str
    purpose: str
    fields: list[str]
    rows: int
    sha256: str
    approver: str = ""
    persons: list[str] = field(default_factory=list)


@event
@dataclass(frozen=True, slots=True)
class PersonSearched(Event):
    """Somebody looked for a person by name, phone or identity number; `found` are those within his scope.

    It stands in the stream of accesses, because a search reaches over incidents; the words are not kept.
    """

    type: ClassVar[str] = "person_searched"
    by: str
    found: list[str]
