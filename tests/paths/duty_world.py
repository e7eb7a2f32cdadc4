"""A school that keeps a duty roster, and the channels of its people, as far as tests of the night need them."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select

from service.application import channels, duty, duty_rosters
from service.application.queries import Reader, inbox, task_pages
from service.application.queries.task_rows import TaskRow
from service.domain.alerts import to_account
from service.domain.duty import ShiftView, Template
from service.persistence.tables import sql
from tests.paths.world import SCHOOL, SHANGHAI, World, at

NIGHT = Template("夜班", time(18), 12, (1, 2, 3, 4, 5, 6, 7))
DAY = Template("日班", time(6), 12, (1, 2, 3, 4, 5, 6, 7))


def run(w: World, who: str, use_case: Any, command: Any) -> Any:
    """Somebody does something."""
    return w.app.run(lambda uow: use_case(uow, w.app.services, w.who(who), command))


def roster(
    w: World, *, leaders: Sequence[str] = ("principal",), members: Sequence[str] = ("coordinator",),
    day: str = "2026-03-02",
) -> list[ShiftView]:  # fmt: skip
    """A week of days and nights with the same people, drawn up by the scheduler and published by the principal."""
    monday = date.fromisoformat(day)
    run(w, "coordinator", duty.set_templates, duty.SetTemplates(SCHOOL, (DAY, NIGHT)))
    run(w, "coordinator", duty.plan_week, duty.PlanWeek(SCHOOL, monday))
    for shift in shifts(w):
        ids = [tuple(w.who(each).account_id for each in names) for names in (leaders, members)]
        run(w, "coordinator", duty.staff_shift, duty.StaffShift(shift.id, ids[0], ids[1]))
    run(w, "principal", duty.publish_week, duty.PublishWeek(SCHOOL, monday))
    return shifts(w)


def shifts(w: World, organisation: str = SCHOOL) -> list[ShiftView]:
    """All shifts of these weeks."""
    with w.app.read() as connection:
        return list(duty_rosters.shifts(connection, organisation, at("02-23 00:00"), at("04-20 00:00")))


def stand_ins(w: World, role: str, *names: str) -> None:
    """The stand-ins of a role in their order."""
    command = duty.SetStandIns(SCHOOL, role, tuple(w.who(name).account_id for name in names))
    run(w, "coordinator", duty.set_stand_ins, command)


def reachable(w: World, *names: str) -> None:
    """Each has a channel of his own."""
    for name in names:
        address = f"ntfy://localhost/{name}"
        run(w, name, channels.add, channels.AddChannel(to_account(w.who(name).account_id), "手机", address))


def row_for(w: World, who: str, task: str) -> TaskRow:
    """A task as somebody sees it."""
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now())
        return task_pages.page(reader, task).row


def in_inbox(w: World, who: str, whose: str = "group") -> set[str]:
    """The tasks in somebody's list."""
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now())
        return {row.id for row in inbox.listing(reader, inbox.TaskFilter(whose=whose, state="open"), limit=200).items}


def messages(w: World, stream: str = "") -> list[dict[str, Any]]:
    """What the twin of our people's channels recorded of the incident or another stream, in the order it left."""
    found = [json.loads(path.read_text("utf-8")) for path in (w.settings.data_dir / "outbox").glob("*.json")]
    mine = [entry for entry in found if entry["partner"] == "staff" and entry["incident"] == (stream or w.incident)]
    return sorted(mine, key=lambda entry: (entry["body"]["sent_at"], entry["delivery"]))


def told(w: World, stream: str = "") -> list[tuple[str, str]]:
    """Who was sent something about the incident and when, by user name and Shanghai time."""
    with w.app.read() as connection:
        rows = connection.execute(select(sql.accounts.c.id, sql.accounts.c.username))
        names = {to_account(row.id): row.username for row in rows}
    clock = [(names[each["recipient"]], each["body"]["sent_at"]) for each in messages(w, stream)]
    return [(name, at_shanghai(instant)) for name, instant in clock]


def at_shanghai(instant: str) -> str:
    """HH:MM:SS in Shanghai."""
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).strftime("%H:%M:%S")


def assignments(w: World, task: str) -> list[tuple[int, str, str, str]]:
    """Step, level, user name and Shanghai time of every assignment of a task."""
    table = sql.assignments
    statement = (
        select(table, sql.accounts.c.username)
        .outerjoin(sql.accounts, sql.accounts.c.id == table.c.account_id)
        .where(table.c.task_id == task)
        .order_by(table.c.step, sql.accounts.c.username)
    )
    with w.app.read() as connection:
        rows = connection.execute(statement).mappings().all()
    return [(row["step"], row["level"], row["username"] or "", at_shanghai(row["at"].isoformat())) for row in rows]
