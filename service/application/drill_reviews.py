"""What people say of a drill, while it runs and after it: ratings of its objectives, written parts of its report."""

from sqlalchemy import select

from service.application.evaluation_reading import objectives_of
from service.application.incidents import incident_subject
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import NoSuch, NotADrill, ValueRefused
from service.domain.evaluation import OVERALL, RATINGS
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

LONGEST_NOTE = 1000
LONGEST_TEXT = 8000
EXPLAINED = frozenset({"M", "U"})  # who says so says why
PARTS = ("commander", "course", "suitability", "sufficiency", "effect", "problems", "improvements")


def rate(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.RateObjective, *, request_id: str = ""
) -> None:
    """Rate an objective; an earlier rating of the same person stays in the log and counts no more.

    Raises NotADrill, NotAllowed, NoSuch for an objective the drill has not, ValueRefused.
    """

    def work(on: Advance) -> None:
        _reviewed(on, principal)
        note = _rating_note(command)
        if command.objective != OVERALL and command.objective not in _objectives(on):
            raise NoSuch("objective", command.objective)
        sealed = {on.incident_id: {"note": note}} if note else None
        on.record(ev.ObjectiveRated(command.objective, command.rating), sealed=sealed)

    advance(uow, services, command.drill, _origin(principal, request_id), work)


def write(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.WriteReview, *, request_id: str = ""
) -> None:
    """Write parts of the after-action report; each text that changed is one event, what stood before is kept.

    Raises NotADrill, NotAllowed, ValueRefused for a part that is unknown or a text that is too long.
    """

    def work(on: Advance) -> None:
        _reviewed(on, principal)
        _check_texts(command)
        standing = _standing(on)
        for part, text in command.texts.items():
            if text.strip() != standing.get(part, ""):
                on.record(ev.ReviewWritten(part), sealed={on.incident_id: {"text": text.strip()}})

    advance(uow, services, command.drill, _origin(principal, request_id), work)


def _rating_note(command: cmd.RateObjective) -> str:
    """The note, once everything is in order."""
    note = command.note.strip()
    if command.rating not in RATINGS:
        raise ValueRefused("rating", "请选 P、S、M 或 U", "choose P, S, M or U")
    if command.rating in EXPLAINED and not note:
        raise ValueRefused("note", "评为 M 或 U 须写明情况", "say what happened when rating M or U")
    if len(note) > LONGEST_NOTE:
        raise ValueRefused("note", f"最多 {LONGEST_NOTE} 字", f"at most {LONGEST_NOTE} characters")
    return note


def _check_texts(command: cmd.WriteReview) -> None:
    for part, text in command.texts.items():
        if part not in PARTS:
            raise ValueRefused("part", f"须为 {' | '.join(PARTS)}", f"must be one of {' | '.join(PARTS)}")
        if len(text) > LONGEST_TEXT:
            raise ValueRefused(part, f"最多 {LONGEST_TEXT} 字", f"at most {LONGEST_TEXT} characters")


def _reviewed(on: Advance, principal: Principal) -> None:
    require(principal, Action.INCIDENT_READ, incident_subject(on.uow, on.incident))
    if on.incident["kind"] != "drill":
        raise NotADrill(on.incident["number"])
    require(principal, Action.DRILL_REVIEW, incident_subject(on.uow, on.incident))


def _objectives(on: Advance) -> frozenset[str]:
    table = sql.events
    created = select(table).where(table.c.stream == on.incident_id, table.c.type == ev.DrillCreated.type)
    rows = [dict(row) for row in on.uow.connection.execute(created).mappings()]
    return frozenset(each.id for each in objectives_of(rows))


def _standing(on: Advance) -> dict[str, str]:
    """The texts as they are."""
    table = sql.events
    mine = select(table.c.data, table.c.sealed).where(
        table.c.stream == on.incident_id, table.c.type == ev.ReviewWritten.type
    )
    found: dict[str, str] = {}
    for row in on.uow.connection.execute(mine.order_by(table.c.seq)).mappings():
        opened = on.uow.sealer.open_all(on.uow, row["sealed"])
        found[row["data"]["part"]] = next((str(each["text"]) for each in opened.values()), "")
    return found


def _origin(principal: Principal, request_id: str) -> Origin:
    return Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)
