"""Chance of the simulated roles: by seed, step and the how manieth task of that step it is."""

from __future__ import annotations

import math
import random
import zlib
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from service.domain.scenarios import Delay
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

PART = "order of tasks by element"


@dataclass(frozen=True, slots=True)
class Draw:
    """What is drawn for one task; the same whenever it is asked and whichever ids were given."""

    drill: Mapping[str, Any]
    element: str
    number: int
    attempt: int = 0

    @classmethod
    def of(cls, on: Advance, drill: Mapping[str, Any], task: Mapping[str, Any]) -> Draw:
        """That of a task."""
        return cls(drill, task["element"], number_of(on, task))

    def chance(self, what: str) -> random.Random:
        """Chance of its own for each purpose."""
        key = f"{self.drill['seed']}:{self.element}:{self.number}:{what}"
        return random.Random(zlib.crc32(key.encode()))  # noqa: S311 - not for secrets

    def delay(self, delay: Delay, what: str) -> timedelta:
        """A delay, drawn where it spreads."""
        if not delay.spread or not delay.mean:
            return delay.mean
        drawn = self.chance(what).lognormvariate(math.log(delay.mean.total_seconds()), delay.spread)
        return timedelta(seconds=round(drawn, 3))


def number_of(on: Advance, task: Mapping[str, Any]) -> int:
    """The how manieth task of its element it is, from 0, by time and then by the code of whom it is about.

    Ids tell nothing: those made at one instant have no order.
    """
    tasks, element = sql.tasks, task["element"]
    order: list[tuple[Any, ...]] = on.parts.setdefault(PART, {}).setdefault(element, [])
    count = len(on.rows.ids(tasks, incident_id=on.incident_id, element=element))
    mine = _order(on, task)
    if len(order) == count - 1 and mine not in order[-1:]:
        insort(order, mine)
    elif len(order) != count:
        order[:] = sorted(
            _order(on, each) for each in on.rows.where(tasks, incident_id=on.incident_id, element=element)
        )
    return bisect_left(order, mine)


def of_person(on: Advance, task: Mapping[str, Any]) -> int:
    """The same among the tasks of its element about its person."""
    known = on.rows.where(sql.tasks, incident_id=on.incident_id, element=task["element"])
    mine = [_order(on, each) for each in known if each["person_id"] == task["person_id"]]
    return sorted(mine).index(_order(on, task))


def _order(on: Advance, task: Mapping[str, Any]) -> tuple[Any, ...]:
    person = on.rows.get(sql.persons, task["person_id"]) if task["person_id"] else None
    code = person["code"] if person else ""
    return task["created_at"], code, task["instance_id"], int(task["id"].rpartition("-")[2])
