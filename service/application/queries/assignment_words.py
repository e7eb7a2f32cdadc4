"""Why a task came to somebody, in one sentence, and the levels it went through."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from service.application.queries.reader import Reader
from service.domain.calendar import local
from service.domain.duty import is_night
from service.persistence import tables as t

assignments = t.table_of(t.Assignment)


@dataclass(frozen=True, slots=True)
class AssignmentStep:
    """A level a task reached: who has it from there, and when it climbs on unless somebody accepts it."""

    level: str
    label: str
    names: tuple[str, ...]
    at: datetime
    until: datetime | None


class Assignments:
    """The assignments of the tasks of one list, looked up once for all."""

    def __init__(self, reader: Reader, tasks: Collection[str]) -> None:
        self._reader = reader
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        statement = select(assignments).where(assignments.c.task_id.in_(list(tasks)))
        for row in reader.rows(statement.order_by(assignments.c.step, assignments.c.id)) if tasks else ():
            self._rows.setdefault(row["task_id"], []).append(row)
        accounts = {row["account_id"] for rows in self._rows.values() for row in rows}
        self._names = reader.account_names(accounts) if accounts else {}

    def steps(self, task: str) -> tuple[AssignmentStep, ...]:
        """The levels a task went through, earliest first; none where the organisation keeps no roster."""
        found: dict[int, list[Mapping[str, Any]]] = {}
        for row in self._rows.get(task, ()):
            found.setdefault(row["step"], []).append(row)
        return tuple(self._step(rows) for rows in found.values())

    def offered(self, task: str) -> frozenset[str]:
        """Accounts that may do the task because it came to them."""
        rows = self._rows.get(task, ())
        return frozenset(row["account_id"] for row in rows if row["level"] != "superior")

    def why(self, task: Mapping[str, Any]) -> str:
        """Why the task came to the reader, "" where it did not come to him by assignment."""
        rows = self._rows.get(task["id"], [])
        mine = [row for row in rows if row["account_id"] == self._reader.principal.account_id]
        return self._sentence(task, mine[-1], rows) if mine else ""

    def _step(self, rows: Sequence[Mapping[str, Any]]) -> AssignmentStep:
        first = rows[0]
        names = tuple(name for row in rows if (name := self._names.get(row["account_id"])))
        label = self._reader.label("assignment", first["level"])
        return AssignmentStep(first["level"], label, names, first["at"], first["until"])

    def _sentence(self, task: Mapping[str, Any], mine: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
        role, pick = self._reader.label("role", task["role"]), self._reader.pick
        zh, en = ("今晚", "tonight") if is_night(local(mine["at"])) else ("今天", "today")
        if mine["level"] == "duty":
            return pick(f"您是{zh}值班的{role}成员", f"you are on duty {en} as {role}")
        if mine["level"] == "role":
            return pick(
                f"您担任{role}；现在没有该岗位的人值班", f"your role is {role}, and nobody with it is on duty now"
            )
        if mine["level"] == "superior":
            name = self._reader.organisation_names.get(task["organisation_id"], "")
            return pick(
                f"{name}逾时无人接单，已逐级升级到您所在的上级单位，请督促",
                f"nobody at {name} accepted it in time; it climbed to your organisation above: press for it",
            )
        missed = self._missed(mine, rows)
        if mine["level"] == "stand_in":
            place = mine["place"]
            return pick(
                f"您是{role}的第{place}顺位代理；{missed}", f"you are stand-in no. {place} for {role}; {missed}"
            )
        return pick(f"您是{zh}的带班领导；{missed}", f"you are the leader on duty {en}; {missed}")

    def _missed(self, mine: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
        """Who had it before and did not accept it, and in how many minutes."""
        before = [row for row in rows if row["at"] < mine["at"]]
        pick = self._reader.pick
        names = pick("、", ", ").join(dict.fromkeys(self._names.get(row["account_id"], "") for row in before))
        minutes = (mine["at"] - before[0]["at"]) // timedelta(minutes=1) if before else 0
        if not names:
            return pick("没有人可以值班接单", "nobody was there to accept it")
        is_duty = before[0]["level"] == "duty"
        return pick(
            f"{'值班的' if is_duty else ''}{names}未在{minutes}分钟内接单",
            f"{names}{', on duty,' if is_duty else ''} did not accept it within {minutes} minutes",
        )
