"""Exports that need a second person: what waits, and what became of one's own."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service.application.exports import ExportWish
from service.application.queries.reader import Reader
from service.domain.access import Action
from service.persistence.tables import sql

_SHOWN = ("asked", "approved", "refused")


@dataclass(frozen=True, slots=True)
class RequestRow:
    """An export that was asked for; `may_decide` for another person who leads."""

    id: str
    kind: str
    key: str
    kind_label: str
    purpose_label: str
    rows: int
    state: str
    asked_by: str
    asked_at: datetime
    is_mine: bool
    may_decide: bool


def listing(reader: Reader, incident: str) -> tuple[RequestRow, ...]:
    """Requests the reader may decide, and his own, newest first. Raises NoSuch, NotAllowed."""
    row = reader.incident(incident, Action.EXPORT_MAKE)
    table = sql.export_requests.c
    wanted = (table.incident_id == incident) & table.state.in_(_SHOWN)
    found = reader.rows(select(sql.export_requests).where(wanted).order_by(table.asked_at.desc(), table.id))
    named, me = reader.account_names({each["asked_by"] for each in found}), reader.principal.account_id
    leads = reader.may_with(Action.EXPORT_APPROVE, row)
    return tuple(
        RequestRow(
            each["id"], each["kind"], each["key"], reader.label("export_kind", each["kind"]),
            reader.label("export_purpose", each["purpose"]), each["rows"], each["state"],
            named.get(each["asked_by"], ""), each["asked_at"], each["asked_by"] == me,
            leads and each["asked_by"] != me and each["state"] == "asked",
        )
        for each in found
        if each["asked_by"] == me or leads
    )  # fmt: skip


def state_of(reader: Reader, wish: ExportWish) -> str:
    """What became of the reader's last request for this: asked, approved, refused, or "" where there is none."""
    table = sql.export_requests.c
    mine = (table.incident_id == wish.incident) & (table.asked_by == reader.principal.account_id)
    same = (table.kind == wish.kind) & (table.key == wish.key) & table.state.in_(_SHOWN)
    found = reader.rows(select(table.state).where(mine, same).order_by(table.asked_at.desc(), table.id.desc()).limit(1))
    return str(found[0]["state"]) if found else ""
