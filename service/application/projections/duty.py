"""The roster of an organisation from its stream, and the assignments of an incident's tasks."""

from collections.abc import Sequence

from service.application.projections.registry import applies, instant, sealed_column
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows

STREAM_PREFIX = "org:"


def _organisation(stored: StoredEvent) -> str:
    return stored.stream.removeprefix(STREAM_PREFIX)


@applies(ev.ShiftTemplatesSet)
def templates_set(rows: IncidentRows, stored: StoredEvent, event: ev.ShiftTemplatesSet) -> None:
    """All templates of the organisation anew."""
    organisation = _organisation(stored)
    for row in rows.where(sql.shift_templates, organisation_id=organisation):
        rows.remove(sql.shift_templates, row["id"])
    for number, each in enumerate(event.templates):
        row = {**each, "id": f"{organisation}:{stored.seq}:{number:02}", "organisation_id": organisation}
        rows.add(sql.shift_templates, row)


@applies(ev.ShiftPlanned)
def shift_planned(rows: IncidentRows, stored: StoredEvent, event: ev.ShiftPlanned) -> None:
    """A draft."""
    row = {
        "id": event.shift, "organisation_id": _organisation(stored), "name": event.name,
        "starts_at": instant(event.starts), "ends_at": instant(event.ends), "state": "draft", "members": event.wanted,
        "sealed": "{}",
    }  # fmt: skip
    rows.add(sql.shifts, row)


@applies(ev.ShiftStaffed)
def shift_staffed(rows: IncidentRows, _stored: StoredEvent, event: ev.ShiftStaffed) -> None:
    """Its people anew; who stays keeps the time of his signature."""
    before = {row["account_id"]: row for row in rows.where(sql.shift_people, shift_id=event.shift)}
    wanted = [(account, "leader") for account in event.leaders] + [(account, "member") for account in event.members]
    for account in before.keys() - {account for account, _ in wanted}:
        rows.remove(sql.shift_people, before[account]["id"])
    for position, (account, duty) in enumerate(wanted):
        if account in before:
            rows.change(sql.shift_people, before[account]["id"], duty=duty, position=position)
        else:
            _join(rows, event.shift, account, duty=duty, position=position)


def _join(rows: IncidentRows, shift: str, account: str, *, duty: str, position: int, stands_in_for: str = "") -> None:
    row = {
        "id": f"{shift}:{account}", "shift_id": shift, "account_id": account, "duty": duty, "position": position,
        "stands_in_for": stands_in_for,
    }  # fmt: skip
    rows.add(sql.shift_people, row)


@applies(ev.RosterPublished)
def roster_published(rows: IncidentRows, stored: StoredEvent, event: ev.RosterPublished) -> None:
    """From now on they count."""
    for shift in event.shifts:
        rows.change(sql.shifts, shift, state="published", published_by=stored.actor, published_at=stored.at)


@applies(ev.ShiftRemoved)
def shift_removed(rows: IncidentRows, _stored: StoredEvent, event: ev.ShiftRemoved) -> None:
    """It counts no more."""
    rows.change(sql.shifts, event.shift, state="removed")


@applies(ev.ShiftSignedIn)
def shift_signed_in(rows: IncidentRows, stored: StoredEvent, event: ev.ShiftSignedIn) -> None:
    """Somebody is there."""
    rows.change(sql.shift_people, f"{event.shift}:{event.account}", signed_in_at=stored.at)


@applies(ev.ShiftMissed)
def shift_missed(rows: IncidentRows, _stored: StoredEvent, event: ev.ShiftMissed) -> None:
    """He stays on the list, the stand-in joins."""
    key = f"{event.shift}:{event.account}"
    missing = rows.get(sql.shift_people, key)
    rows.change(sql.shift_people, key, missed_at=instant(event.due))
    if missing and event.stand_in and rows.get(sql.shift_people, f"{event.shift}:{event.stand_in}") is None:
        _join(
            rows, event.shift, event.stand_in, duty=missing["duty"], position=missing["position"],
            stands_in_for=event.account,
        )  # fmt: skip


@applies(ev.ShiftHandedOver)
def shift_handed_over(rows: IncidentRows, stored: StoredEvent, event: ev.ShiftHandedOver) -> None:
    """One signature of the two."""
    if event.side == "handed":
        values = {"handed_by": event.account, "handed_at": stored.at, "sealed": sealed_column(stored)}
    else:
        values = {"received_by": event.account, "received_at": stored.at}
    rows.change(sql.shifts, event.shift, **values)


@applies(ev.ShiftSwapMoved)
def swap_moved(rows: IncidentRows, stored: StoredEvent, event: ev.ShiftSwapMoved) -> None:
    """A swap goes on; once approved the other is on the shift instead."""
    if not rows.change(
        sql.shift_swaps, event.swap, state=event.state, moved_at=stored.at, moved_by=stored.actor
    ):  # the first time
        row = {
            "id": event.swap, "organisation_id": _organisation(stored), "shift_id": event.shift, "asker": event.asker,
            "other": event.other, "state": event.state, "reason": event.reason, "asked_at": stored.at,
            "moved_at": stored.at, "moved_by": stored.actor,
        }  # fmt: skip
        rows.add(sql.shift_swaps, row)
    if event.state == "approved":
        _replace(rows, event)


def _replace(rows: IncidentRows, event: ev.ShiftSwapMoved) -> None:
    key = f"{event.shift}:{event.asker}"
    asker = rows.get(sql.shift_people, key)
    if asker is not None:
        rows.remove(sql.shift_people, key)
        _join(rows, event.shift, event.other, duty=asker["duty"], position=asker["position"])


@applies(ev.StandInsSet)
def stand_ins_set(rows: IncidentRows, stored: StoredEvent, event: ev.StandInsSet) -> None:
    """The stand-ins of a role anew."""
    organisation = _organisation(stored)
    for row in rows.where(sql.stand_ins, organisation_id=organisation, role=event.role):
        rows.remove(sql.stand_ins, row["id"])
    for position, account in enumerate(event.accounts):
        row = {
            "id": f"{organisation}:{event.role}:{stored.seq}:{position:02}", "organisation_id": organisation,
            "role": event.role, "position": position, "account_id": account,
        }  # fmt: skip
        rows.add(sql.stand_ins, row)


@applies(ev.AbsenceReported)
def absence_reported(rows: IncidentRows, stored: StoredEvent, event: ev.AbsenceReported) -> None:
    """Somebody will be away."""
    row = {
        "id": event.absence, "organisation_id": _organisation(stored), "account_id": event.account,
        "stand_in": event.stand_in, "starts_at": instant(event.starts), "ends_at": instant(event.ends),
        "reason": event.reason, "reported_at": stored.at,
    }  # fmt: skip
    rows.add(sql.absences, row)


@applies(ev.AbsenceWithdrawn)
def absence_withdrawn(rows: IncidentRows, stored: StoredEvent, event: ev.AbsenceWithdrawn) -> None:
    """He stays."""
    rows.change(sql.absences, event.absence, withdrawn_at=stored.at)


@applies(ev.DutyGapFound)
def gap_found(rows: IncidentRows, stored: StoredEvent, event: ev.DutyGapFound) -> None:
    """It was told."""
    organisation = _organisation(stored)
    rows.add(sql.duty_gaps, {"id": f"{organisation}:{event.gap}", "organisation_id": organisation, "at": stored.at})


@applies(ev.TaskAssigned)
def task_assigned(rows: IncidentRows, stored: StoredEvent, event: ev.TaskAssigned) -> None:
    """A row for each, or one that says that there was nobody."""
    accounts: Sequence[str] = event.accounts or [""]
    for account in accounts:
        row = {
            "id": f"{event.task}#{event.step}:{account}", "incident_id": stored.stream,
            "organisation_id": event.organisation, "task_id": event.task, "account_id": account, "step": event.step,
            "level": event.level, "place": event.place, "role": event.role, "at": stored.at,
            "until": instant(event.until),
        }  # fmt: skip
        rows.add(sql.assignments, row)


@applies(ev.DeliveryWithdrawn)
def delivery_withdrawn(rows: IncidentRows, _stored: StoredEvent, event: ev.DeliveryWithdrawn) -> None:
    """It stays where it is."""
    rows.change(sql.deliveries, event.delivery, state="withdrawn", last_error="")
