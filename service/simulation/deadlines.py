"""Deadlines of a simulation, kept in memory."""

from dataclasses import dataclass, field
from datetime import datetime

from service.application.deadline_rows import RESTARTING
from service.domain import events as ev
from service.domain.deadlines import due_at, lateness
from service.engine.effects import DeadlineAct
from service.engine.instance import EngineError
from service.simulation.surroundings import Surroundings


@dataclass
class Deadlines:
    """`running` are the due times by (rule, subject), as expressions read them."""

    around: Surroundings
    running: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _started: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def act(self, effect: DeadlineAct, now: datetime) -> ev.Event | None:
        """Do what a mark of the diagram says; the event, if it changed anything.

        Raises:
            EngineError: There is no such rule.
        """
        key = (effect.rule, effect.subject)
        if not effect.rule:
            return None
        if effect.act == "start":
            return self._start(effect, key)
        due = self.running.pop(key, None)
        if due is None:
            return None
        if effect.act == "meet":
            return ev.DeadlineMet(":".join(key), effect.element, now.isoformat(), lateness(due, now), "")
        return ev.DeadlineCancelled(":".join(key), effect.element)

    def _start(self, effect: DeadlineAct, key: tuple[str, str]) -> ev.Event | None:
        rule = self.around.rules.get(effect.rule)
        if rule is None:
            raise EngineError(effect.element, f"no deadline rule {effect.rule}")
        is_again = key in self._started
        if effect.start is None or rule.kind == "none" or self._started.get(key) == effect.start:
            return None
        if is_again and effect.rule not in RESTARTING:
            return None
        due = due_at(rule, self.around.policies, effect.start)
        self.running[key], self._started[key] = due, effect.start
        start, end = effect.start.isoformat(), due.isoformat()
        if is_again:
            return ev.DeadlineMoved(":".join(key), start, end)
        return ev.DeadlineStarted(":".join(key), effect.rule, effect.subject, start, end)
