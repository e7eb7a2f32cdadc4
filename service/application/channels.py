"""Ways to reach a person or an organisation outside the page: kept sealed, tried out, quiet hours.

Each change is noted in the access log without the address. The address is shown to nobody again.
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from service.application import organisations
from service.application.access_log import ACCESS_STREAM
from service.application.alerts import Parcel, parcel
from service.application.services import Services
from service.domain.access import Action, Principal, require
from service.domain.alerts import ACCOUNT, ADDRESS, ORGANISATION, compose, kind_of, to_account
from service.domain.errors import NoSuch, ValueRefused
from service.persistence.sealing import Sealer
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork

MOST = 5  # of one owner
NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class AddChannel:
    """A new way to an owner, `account:<id>` or `organisation:<id>`; `address` as apprise writes it."""

    owner: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ChangeChannel:
    """Test, switch on or off, or remove a channel: `act` is test, on, off or remove."""

    channel: str
    act: str


@dataclass(frozen=True, slots=True)
class SetQuietHours:
    """One's own quiet hours; empty times: none."""

    begins: str
    ends: str
    urgent_anyway: bool


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as its owner sees it: without the address."""

    id: str
    kind: str
    name: str
    is_active: bool
    test_asked_at: datetime | None
    tested_at: datetime | None
    test_error: str


def add(
    uow: UnitOfWork, _services: Services, principal: Principal, command: AddChannel, *, request_id: str = ""
) -> str:
    """Keep a new channel, the address sealed; returns its id. Raises ValueRefused, NotAllowed, NoSuch."""
    _may(uow, principal, command.owner)
    name, address = command.name.strip(), command.address.strip()
    if not 0 < len(name) <= NAME_LENGTH:
        raise ValueRefused("name", f"须为1至{NAME_LENGTH}个字", f"needs 1 to {NAME_LENGTH} characters")
    kind = kind_of(address)
    if kind is None:
        raise ValueRefused("address", "不是支持的通知地址", "is not an address we can send to")
    table = sql.channels
    uow.alone(f"channels:{command.owner}")
    if len(uow.connection.execute(select(table.c.id).where(table.c.owner == command.owner)).all()) >= MOST:
        raise ValueRefused("address", f"最多{MOST}个", f"there may be at most {MOST}")
    channel = uow.new_id()
    sealed = uow.sealer.seal_text(uow.connection, {f"channel:{channel}": {ADDRESS: address}})
    row = {
        "id": channel, "owner": command.owner, "kind": kind, "name": name, "sealed": sealed, "is_active": True,
        "created_at": uow.now, "created_by": principal.account_id, "window_count": 0, "test_error": "",
    }  # fmt: skip
    uow.connection.execute(insert(table).values(row))
    _note(uow, principal, "channel_added", request_id, channel=channel, owner=command.owner, kind=kind)
    return channel


def change(
    uow: UnitOfWork, _services: Services, principal: Principal, command: ChangeChannel, *, request_id: str = ""
) -> None:
    """Test, switch or remove a channel. Raises NoSuch, NotAllowed, ValueRefused."""
    table = sql.channels
    row = uow.connection.execute(select(table).where(table.c.id == command.channel)).mappings().first()
    if row is None:
        raise NoSuch("channel", command.channel)
    _may(uow, principal, row["owner"])
    mine = table.c.id == command.channel
    if command.act == "remove":
        uow.connection.execute(delete(table).where(mine))
        uow.sealer.destroy(uow.connection, f"channel:{command.channel}")
    elif command.act in ("on", "off"):
        uow.connection.execute(update(table).where(mine).values(is_active=command.act == "on"))
    elif command.act == "test":
        uow.connection.execute(update(table).where(mine).values(test_asked_at=uow.now, tested_at=None, test_error=""))
    else:
        raise ValueRefused("act", "没有这个操作", "is unknown")
    _note(uow, principal, f"channel_{command.act}", request_id, channel=command.channel, owner=row["owner"])


def set_quiet_hours(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SetQuietHours, *, request_id: str = ""
) -> None:
    """Set one's own quiet hours. Raises ValueRefused for times that are none, or equal."""
    require(principal, Action.SELF_READ)
    if command.begins or command.ends:
        for name, text in (("begins", command.begins), ("ends", command.ends)):
            _clock(name, text)
        if command.begins == command.ends:
            raise ValueRefused("ends", "不能与开始相同", "must not be the beginning")
    table = sql.quiet_hours
    uow.alone(f"quiet:{principal.account_id}")
    uow.connection.execute(delete(table).where(table.c.account_id == principal.account_id))
    row = {
        "account_id": principal.account_id, "begins": command.begins, "ends": command.ends,
        "urgent_anyway": command.urgent_anyway,
    }  # fmt: skip
    uow.connection.execute(insert(table).values(row))
    _note(uow, principal, "quiet_hours_set", request_id, begins=command.begins, ends=command.ends)


def of_owner(connection: Connection, owner: str) -> tuple[ChannelRow, ...]:
    """The channels of an owner, oldest first."""
    table = sql.channels
    rows = connection.execute(select(table).where(table.c.owner == owner).order_by(table.c.created_at, table.c.id))
    return tuple(
        ChannelRow(
            row["id"], row["kind"], row["name"], row["is_active"], row["test_asked_at"], row["tested_at"],
            row["test_error"],
        )
        for row in rows.mappings()
    )  # fmt: skip


def quiet_row(connection: Connection, account: str) -> SetQuietHours:
    """The quiet hours of a person as he set them."""
    table = sql.quiet_hours
    row = connection.execute(select(table).where(table.c.account_id == account)).mappings().first()
    return SetQuietHours(row["begins"], row["ends"], row["urgent_anyway"]) if row else SetQuietHours("", "", True)


# --- testing a channel ----------------------------------------------------------------------------


def tests_waiting(connection: Connection, sealer: Sealer, *, now: datetime, public_url: str) -> list[Parcel]:
    """A parcel for every test that was asked for and not sent."""
    table = sql.channels
    is_waiting = table.c.test_asked_at.is_not(None) & table.c.tested_at.is_(None)
    link = f"{public_url}/me/channels"
    return [
        parcel(
            sealer, connection, dict(row), delivery=f"test-{row['id']}-{row['test_asked_at']:%Y%m%d%H%M%S}", stream="",
            text=compose("test", "", link, count=1, locale="zh_CN"), link=link, now=now, recipient=row["owner"],
            is_drill=False,
        )
        for row in connection.execute(select(table).where(is_waiting).order_by(table.c.id).limit(20)).mappings()
    ]  # fmt: skip


def record_test(uow: UnitOfWork, channel: str, error: str) -> None:
    """What a test came to."""
    table = sql.channels
    mine = (table.c.id == channel) & table.c.tested_at.is_(None)
    uow.connection.execute(update(table).where(mine).values(tested_at=uow.now, test_error=error))


# --- inside -----------------------------------------------------------------------------------


def _may(uow: UnitOfWork, principal: Principal, owner: str) -> None:
    if owner == to_account(principal.account_id):
        require(principal, Action.SELF_READ)
    elif owner.startswith(ORGANISATION):
        subject = organisations.subject(uow.connection, owner.removeprefix(ORGANISATION))
        require(principal, Action.CHANNEL_MANAGE, subject)
    else:
        raise NoSuch("channel", owner.removeprefix(ACCOUNT))


def _clock(name: str, text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueRefused(name, "请写成 22:00 这样的时间", "needs a time such as 22:00") from None


def _note(uow: UnitOfWork, principal: Principal, what: str, request_id: str, **data: Any) -> None:
    uow.append(ACCESS_STREAM, [NewEvent(what, uow.now, data, actor=principal.account_id, request_id=request_id)])
    uow.directory_changed()
