"""Reading the duty roster: what is on duty now, and the whole of it for pages and gaps."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from service.domain.duty import PUBLISHED, REMOVED, Away, OnShift, Roster, ShiftView, Staff
from service.persistence.pending import Row
from service.persistence.tables import sql
from service.persistence.working_set import Source, remembered

Span = tuple[str, datetime | None, datetime | None]  # a role, from when and until when it is held
KEPT = timedelta(days=40)  # of the past: as long as an installation may have been down and still know who was on duty


def roster_of(source: Source, organisation: str) -> Roster:
    """The published roster of an organisation with stand-ins and absences; what ended long ago is left out."""
    return remembered(source, f"duty:{organisation}", lambda connection: _read(connection, organisation))


def holders(source: Source, organisation: str, now: datetime) -> Mapping[str, frozenset[str]]:
    """The active accounts of an organisation with the roles each holds there now, by name."""
    spans = remembered(source, f"holders:{organisation}", lambda connection: _spans(connection, organisation))
    held = {
        account: frozenset(role for role, since, until in roles if _covers(since, until, now))
        for account, roles in spans.items()
    }
    return {account: roles for account, roles in held.items() if roles}


def shifts(
    connection: Connection, organisation: str, since: datetime, until: datetime, *, states: Collection[str] = ()
) -> tuple[ShiftView, ...]:
    """Shifts of a period with their people, earliest first; drafts too unless states are named."""
    table = sql.shifts
    where = (table.c.organisation_id == organisation) & (table.c.ends_at > since) & (table.c.starts_at < until)
    wanted = table.c.state.in_(list(states)) if states else table.c.state != REMOVED
    found = connection.execute(select(table).where(where, wanted).order_by(table.c.starts_at, table.c.id))
    rows = [dict(row) for row in found.mappings()]
    return with_people(connection, rows)


def with_people(connection: Connection, rows: Collection[Row]) -> tuple[ShiftView, ...]:
    """Shift rows as views with their people."""
    table = sql.shift_people
    mine = table.c.shift_id.in_([row["id"] for row in rows])
    people: dict[str, list[OnShift]] = {}
    statement = select(table).where(mine).order_by(table.c.shift_id, table.c.position, table.c.stands_in_for)
    for each in connection.execute(statement).mappings() if rows else ():
        person = OnShift(
            each["account_id"], each["duty"], each["stands_in_for"], each["signed_in_at"], each["missed_at"]
        )
        people.setdefault(each["shift_id"], []).append(person)
    return tuple(
        ShiftView(
            row["id"], row["organisation_id"], row["name"], row["starts_at"], row["ends_at"], row["state"],
            row["members"], tuple(people.get(row["id"], ())), row["handed_by"], row["handed_at"], row["received_by"],
            row["received_at"],
        )
        for row in rows
    )  # fmt: skip


def period(connection: Connection, organisation: str, since: datetime, until: datetime) -> Roster:
    """The published roster of a period, as gaps are judged by it."""
    return Roster(
        shifts(connection, organisation, since, until, states=(PUBLISHED,)),
        _stand_ins(connection, organisation),
        _away(connection, organisation, since),
    )


def staff_of(connection: Connection, organisation: str, now: datetime, *, festival_groups: int) -> Staff:
    """What gaps of an organisation are judged by."""
    held = holders(connection, organisation, now)
    return Staff(reachable(connection, held), held, festival_groups)


def reachable(source: Source, accounts: Collection[str]) -> frozenset[str]:
    """Those of some accounts who have a way outside the page."""
    owners = channel_owners(source)
    return frozenset(account for account in accounts if f"account:{account}" in owners)


def channel_owners(source: Source) -> frozenset[str]:
    """Everybody with an active channel: `account:<id>` and `organisation:<id>`."""
    return remembered(source, "channels", _owners)


def _owners(connection: Connection) -> frozenset[str]:
    table = sql.channels
    return frozenset(connection.execute(select(table.c.owner).where(table.c.is_active.is_(True)).distinct()).scalars())


def _read(connection: Connection, organisation: str) -> Roster:
    table = sql.shifts
    mine = (table.c.organisation_id == organisation) & (table.c.state == PUBLISHED)
    last = connection.execute(select(table.c.ends_at).where(mine).order_by(table.c.ends_at.desc()).limit(1))
    latest: datetime | None = last.scalar()
    if latest is None:
        return Roster()
    since = latest - KEPT
    statement = select(table).where(mine, table.c.ends_at > since).order_by(table.c.starts_at, table.c.id)
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    return Roster(
        with_people(connection, rows), _stand_ins(connection, organisation), _away(connection, organisation, since)
    )


def _stand_ins(connection: Connection, organisation: str) -> dict[str, tuple[str, ...]]:
    table = sql.stand_ins
    statement = select(table).where(table.c.organisation_id == organisation).order_by(table.c.role, table.c.position)
    found: dict[str, tuple[str, ...]] = {}
    for row in connection.execute(statement).mappings():
        found[row["role"]] = (*found.get(row["role"], ()), row["account_id"])
    return found


def _away(connection: Connection, organisation: str, since: datetime) -> tuple[Away, ...]:
    table = sql.absences
    mine = (table.c.organisation_id == organisation) & table.c.withdrawn_at.is_(None) & (table.c.ends_at > since)
    rows = connection.execute(select(table).where(mine).order_by(table.c.starts_at, table.c.id)).mappings()
    return tuple(Away(row["account_id"], row["starts_at"], row["ends_at"], row["stand_in"]) for row in rows)


def _spans(connection: Connection, organisation: str) -> dict[str, tuple[Span, ...]]:
    account, held = sql.accounts, sql.memberships
    statement = (
        select(account.c.id, held.c.role, held.c.valid_from, held.c.valid_until)
        .join(held, held.c.account_id == account.c.id)
        .where(held.c.organisation_id == organisation, account.c.is_active.is_(True))
        .order_by(account.c.name, account.c.id)
    )
    found: dict[str, list[Span]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.id, []).append((row.role, row.valid_from, row.valid_until))
    return {id_: tuple(spans) for id_, spans in found.items()}


def _covers(since: datetime | None, until: datetime | None, now: datetime) -> bool:
    return (since is None or since <= now) and (until is None or now < until)
