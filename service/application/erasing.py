"""Erasing what is due: keys are destroyed, files overwritten, whatever else holds a value deleted; with a certificate.

A run is worked item by item by the worker, so that it survives a restart and can be watched. An item destroys the
keys in one unit of work with the event that says so; then its files go, which no database can roll back, and only then
it is done.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from service.application import attachments, person_index, retention
from service.application.access_log import ACCESS_STREAM
from service.application.incidents import incident_subject
from service.application.retention import ClassPlan, IncidentPlan
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import (
    HeldBack,
    IncidentOpen,
    NoSuch,
    NothingToErase,
    RetentionRuns,
    TocsinError,
    ValueRefused,
)
from service.domain.fields import FieldClass
from service.persistence.chain import canonical
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork

WAITING, SHREDDING, ERASED, REFUSED = "waiting", "shredding", "erased", "refused"
RETENTION, REQUEST = "retention", "request"
Run = Callable[[Callable[[UnitOfWork], None]], object]
Shred = Callable[[Sequence[str], Sequence[str]], None]  # attachments, deliveries
_runs, _items = sql.erasure_runs, sql.erasure_items


@dataclass(frozen=True, slots=True)
class EraseDue:
    """Erase what is due of incidents; with a person only what is about him, because he asked for it."""

    incidents: tuple[str, ...]
    person: str = ""


@dataclass(frozen=True, slots=True)
class HoldData:
    """Keep the data of an incident, or of one person of it, whatever its time."""

    incident: str
    reason: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class LiftHold:
    """End a hold."""

    incident: str
    hold: str
    reason: str


# --- holds ----------------------------------------------------------------------------------------


def hold(uow: UnitOfWork, services: Services, principal: Principal, command: HoldData, *, request_id: str = "") -> None:
    """Set a hold. Raises ValueRefused without a reason, NoSuch for a person of another incident, NotAllowed."""

    def work(on: Advance) -> None:
        require(principal, Action.DATA_ERASE, incident_subject(uow, on.incident))
        if command.person and on.rows.get(sql.persons, command.person) is None:
            raise NoSuch("person", command.person)
        on.record(ev.LegalHoldSet(command.person), sealed={on.incident_id: {"reason": _reason(command.reason)}})

    advance(uow, services, command.incident, _origin(principal, request_id), work)


def lift(uow: UnitOfWork, services: Services, principal: Principal, command: LiftHold, *, request_id: str = "") -> None:
    """Lift a hold. Raises ValueRefused without a reason, NoSuch where none of that id stands, NotAllowed."""

    def work(on: Advance) -> None:
        require(principal, Action.DATA_ERASE, incident_subject(uow, on.incident))
        row = on.rows.get(sql.legal_holds, command.hold)
        if row is None or row["incident_id"] != on.incident_id or row["lifted_at"] is not None:
            raise NoSuch("hold", command.hold)
        event = ev.LegalHoldLifted(command.hold, row["person_id"])
        on.record(event, sealed={on.incident_id: {"reason": _reason(command.reason)}})

    advance(uow, services, command.incident, _origin(principal, request_id), work)


def _reason(text: str) -> str:
    if not text.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
    return text.strip()


def _origin(principal: Principal, request_id: str) -> Origin:
    return Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)


# --- a run ----------------------------------------------------------------------------------------


def start(uow: UnitOfWork, services: Services, principal: Principal, command: EraseDue, *, request_id: str = "") -> str:
    """Begin to erase; returns the id of the run. Nothing has changed where it raises.

    Raises HeldBack, IncidentOpen, RetentionRuns, NothingToErase for the first incident of which nothing may be
    erased, NoSuch, NotAllowed.
    """
    del request_id
    if not command.incidents:
        raise NothingToErase
    plans = [_checked(uow, services, principal, each, command.person) for each in dict.fromkeys(command.incidents)]
    run = uow.new_id()
    uow.connection.execute(
        insert(_runs).values(
            id=run, started_by=principal.account_id, started_at=uow.now, ended_at=None,
            basis=REQUEST if command.person else RETENTION, organisation_id=plans[0].incident["organisation_id"],
        )
    )  # fmt: skip
    for position, each in enumerate(plans):
        row = {"run_id": run, "position": position, "incident_id": each.incident["id"], "person_id": command.person}
        due = _rules(_due(each, command.person))
        uow.connection.execute(insert(_items).values(**row, state=WAITING, due=due, detail={}))
    return run


def _checked(uow: UnitOfWork, services: Services, principal: Principal, incident: str, person: str) -> IncidentPlan:
    row = _incident(uow.connection, incident)
    require(principal, Action.DATA_ERASE, incident_subject(uow, row))
    found = retention.plan(uow.connection, services, row, uow.now)
    if person and not found.of(person):
        raise NoSuch("person", person)
    _due(found, person)
    return found


def _due(plan: IncidentPlan, person: str) -> list[ClassPlan]:
    """What may be erased now. Raises the reason where there is nothing."""
    classes = plan.of(person)
    number = str(plan.incident["number"])
    due = [each for each in classes if each.state == retention.DUE]
    states = {each.state for each in classes}
    if due:
        return due
    if retention.OPEN in states:
        raise IncidentOpen(number)
    if retention.HELD in states:
        raise HeldBack(number)
    later = [each.due for each in classes if each.state == retention.LATER and each.due]
    if later:
        raise RetentionRuns(min(later))
    raise NothingToErase


def _rules(due: Sequence[ClassPlan]) -> dict[str, dict[str, str]]:
    """Per class the rule, its value, the event it counts from, and the last start and due time among those erased."""
    found: dict[str, dict[str, str]] = {}
    for each in due:
        if each.since is None or each.due is None:
            continue
        said = {"rule": each.rule, "value": each.value, "start": each.start}
        said |= {"since": each.since.isoformat(), "due": each.due.isoformat()}
        known = found.get(each.field_class.value)
        if known is None or known["due"] < said["due"]:
            found[each.field_class.value] = said
    return found


def waiting(connection: Connection, limit: int) -> list[Mapping[str, Any]]:
    """Items that are not done, oldest run first, each with what its run says."""
    joined = select(_items, _runs.c.basis, _runs.c.started_by).join(_runs, _runs.c.id == _items.c.run_id)
    found = joined.where(_items.c.state.in_((WAITING, SHREDDING))).order_by(_runs.c.started_at, _items.c.position)
    return [dict(each) for each in connection.execute(found.limit(limit)).mappings()]


def work_one(run: Run, services: Services, item: Mapping[str, Any], shred: Shred) -> None:
    """Work an item: keys and rows, then files, then the word that it is done; what is refused is said."""
    try:
        run(partial(_destroy, services=services, item=item))
    except TocsinError as error:
        refused = {"code": error.code, "zh": error.text("zh_CN"), "en": error.text("en")}
        run(partial(_settle, item=item, state=REFUSED, more={"refused": refused}))
        return
    detail: dict[str, Any] = {}
    run(lambda uow: detail.update(_detail(uow, item)))
    shred(detail.get("files", []), detail.get("sent", []))
    run(partial(_settle, item=item, state=ERASED, more={}))


def _destroy(uow: UnitOfWork, *, services: Services, item: Mapping[str, Any]) -> None:
    """Destroy the keys that are due now, and what else is in the database; an item that is past that is left alone."""
    incident = item["incident_id"]
    uow.lock(incident)
    if _state(uow, item) != WAITING:
        return
    found = retention.plan(uow.connection, services, _incident(uow.connection, incident), uow.now)
    due = _due(found, item["person_id"])
    keys: dict[str, list[str]] = {}
    for one in found.subjects:
        if item["person_id"] in ("", one.person):
            for each in one.classes:
                if each.state == retention.DUE:
                    keys.setdefault(one.person or incident, []).append(each.field_class.value)
    for each in due:
        for key in each.keys:
            uow.sealer.destroy(uow.connection, key)
    person_index.index_anew(uow.connection, uow.sealer, services.index, only=keys)
    files, sent = _outside(uow, found, item["person_id"])
    gone = {"files": len(files), "sent": len(sent), **_delete_copies(uow, found)}
    rules = _rules(due)
    event = ev.DataErased(item["run_id"], item["basis"], keys, rules, gone)
    seq, digest = _log(uow, incident, event, item["started_by"])
    codes = {one.person: one.code for one in found.subjects if one.person in keys}
    detail = {"keys": keys, "codes": codes, "gone": gone, "files": files, "sent": sent, "seq": seq, "hash": digest}
    at = {"at": uow.now.isoformat(), "number": found.incident["number"]}
    uow.connection.execute(update(_items).where(_it(item)).values(state=SHREDDING, due=rules, detail=detail | at))
    uow.after_commit(lambda: services.forget(incident))
    uow.after_commit(lambda: services.announce(incident, seq))


def _outside(uow: UnitOfWork, plan: IncidentPlan, person: str) -> tuple[list[str], list[str]]:
    """Files of the incident, once its health data go; what the rehearsal twins kept of its deliveries, at the first."""
    if person:
        return [], []
    mine = plan.subjects[0].classes
    incident, files = plan.incident["id"], []
    is_last = any(each.field_class is FieldClass.HEALTH and each.due and each.due <= uow.now for each in mine)
    if is_last and not plan.holds:
        files = attachments.erase(uow, incident)
    deliveries = sql.deliveries.c
    sent = select(deliveries.id).where(deliveries.incident_id == incident).order_by(deliveries.id)
    return files, list(uow.connection.execute(sent).scalars())


def _delete_copies(uow: UnitOfWork, plan: IncidentPlan) -> dict[str, int]:
    """Drafts of the incident's tasks, and answers kept for repeated requests that speak of it or of its persons."""
    incident = plan.incident["id"]
    drafts, keys, tasks = sql.drafts, sql.idempotency_keys, sql.tasks.c
    mine = select(tasks.id).where(tasks.incident_id == incident)
    typed = uow.connection.execute(delete(drafts).where(drafts.c.task_id.in_(mine))).rowcount
    named = [incident, *(each.person for each in plan.subjects if each.person)]
    answers = 0
    for begin in range(0, len(named), 100):
        about = or_(*(keys.c.response.contains(each, autoescape=True) for each in named[begin : begin + 100]))
        answers += uow.connection.execute(delete(keys).where(about)).rowcount
    return {"drafts": typed, "answers": answers}


def _settle(uow: UnitOfWork, *, item: Mapping[str, Any], state: str, more: Mapping[str, Any]) -> None:
    """Say what became of an item; the last one ends the run and puts its certificate into the log."""
    uow.alone(f"erasure:{item['run_id']}")
    if _state(uow, item) not in (WAITING, SHREDDING):
        return
    detail = _detail(uow, item) | dict(more)
    uow.connection.execute(update(_items).where(_it(item)).values(state=state, detail=detail))
    open_items = select(_items.c.position).where(_items.c.run_id == item["run_id"])
    if uow.connection.execute(open_items.where(_items.c.state.in_((WAITING, SHREDDING))).limit(1)).first():
        return
    uow.connection.execute(update(_runs).where(_runs.c.id == item["run_id"]).values(ended_at=uow.now))
    states = list(uow.connection.execute(select(_items.c.state).where(_items.c.run_id == item["run_id"])).scalars())
    digest = certificate_hash(uow.connection, item["run_id"])
    counts = (states.count(ERASED), states.count(REFUSED))
    _log(uow, ACCESS_STREAM, ev.ErasureEnded(item["run_id"], item["basis"], *counts, digest), item["started_by"])


def certificate_hash(connection: Connection, run: str) -> str:
    """SHA-256 over the run and all its items, as they stand; what the log says of a certificate."""
    row = connection.execute(select(_runs).where(_runs.c.id == run)).mappings().one()
    items = connection.execute(select(_items).where(_items.c.run_id == run).order_by(_items.c.position)).mappings()
    return hashlib.sha256(canonical([dict(row), [dict(each) for each in items]])).hexdigest()


def _log(uow: UnitOfWork, stream: str, event: ev.Event, actor: str) -> tuple[int, str]:
    new = NewEvent(event.type, uow.now, event.data(), actor=actor, schema_version=event.schema_version)
    stored = uow.append(stream, [new])[0]
    return stored.seq, stored.hash


def _incident(connection: Connection, incident: str) -> Mapping[str, Any]:
    row = connection.execute(select(sql.incidents).where(sql.incidents.c.id == incident)).mappings().first()
    if row is None:
        raise NoSuch("incident", incident)
    return dict(row)


def _it(item: Mapping[str, Any]) -> Any:
    return (_items.c.run_id == item["run_id"]) & (_items.c.position == item["position"])


def _state(uow: UnitOfWork, item: Mapping[str, Any]) -> str:
    return str(uow.connection.execute(select(_items.c.state).where(_it(item)).with_for_update()).scalar_one())


def _detail(uow: UnitOfWork, item: Mapping[str, Any]) -> dict[str, Any]:
    return dict(uow.connection.execute(select(_items.c.detail).where(_it(item))).scalar_one())
