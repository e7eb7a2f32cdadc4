"""Scenarios of drills: who plays, what the simulated roles answer, what happens on the way, what is expected.

A scenario is a document (a file of `workflows/scenarios`, a workbook, an own copy); `Scenario.of` reads it. A drill
keeps the document it was begun from, drawn by its seed, so a later change of the file does not touch it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from service.domain.errors import ScenarioRefused
from service.domain.scenario_parts import (
    ANYBODY,
    EXPECTATION_KINDS,
    INJECT_KINDS,
    NO_TEXT,
    PLAYERS,
    Absence,
    Answer,
    Delay,
    Expectation,
    Inject,
    Objective,
    Text,
    Trigger,
)
from service.domain.scenario_reading import Reading

__all__ = [
    "ANYBODY", "EXPECTATION_KINDS", "INJECT_KINDS", "PLAYERS", "Absence", "Answer", "Delay", "Expectation", "Inject",
    "Objective", "Scenario", "ScenarioRefused", "Text", "Trigger",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario. `procedure` may be begun by `start` ("" = its only start); `data` answers the opening form.

    `roles` maps a role to human | shared | simulated, `*` whoever is not named. `answers` holds the chosen answers
    of simulated roles by element, the n-th for the n-th visit, the last for all further ones; `*` is for the rest.
    `starts_at` is local Shanghai time; `lasts` says how long it usually takes and binds nobody. `varies` names what
    the seed draws; `speeds` are recommended ones: from which moment of the drill on which speed.
    """

    id: str
    title: Text
    procedure: str
    starts_at: datetime
    catalogue: str = ""
    summary: Text = NO_TEXT
    lasts: timedelta = timedelta()
    start: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    absent: tuple[Absence, ...] = ()
    policies: Mapping[str, Any] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    injects: tuple[Inject, ...] = ()
    speeds: tuple[tuple[timedelta, float], ...] = ()
    varies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Scenario":
        """Read a document. Raises ScenarioRefused with every fault of its shape."""
        reading = Reading(document)
        made = cls(**reading.whole())
        if reading.faults:
            raise ScenarioRefused(tuple(reading.faults))
        return made

    def expectations(self) -> tuple[Expectation, ...]:
        """All expectations, in the order of the objectives."""
        return tuple(each for objective in self.objectives for each in objective.expectations)

    def inject(self, inject_id: str) -> Inject | None:
        """One of its injects."""
        return next((each for each in self.injects if each.id == inject_id), None)

    def is_about_persons(self, element: str) -> bool:
        """Whether answers of the element are chosen by the person it is about."""
        return any(each.person for each in self.answers.get(element, ()))

    def answer_of(self, element: str, visit: int, *, person: str = "", of_person: int = 0) -> Answer:
        """What is chosen for the visit (0 = the first) of an element, with the delay and error rate of `*`.

        Where answers name a person, those about `person` are counted by `of_person`, his visits of the element.
        """
        usual = self.answers.get(ANYBODY, (Answer(),))[0]
        chosen = self.answers.get(element, ())
        about = [each for each in chosen if each.person and each.person == person]
        fitting, number = (about, of_person) if about else ([each for each in chosen if not each.person], visit)
        if not fitting:
            return usual
        found = fitting[min(number, len(fitting) - 1)]
        return Answer(found.after or usual.after, found.data, found.person, found.error_rate or usual.error_rate)

    def is_away(self, role: str, since_start: timedelta) -> Absence | None:
        """The absence of a role that covers a moment of the drill."""
        return next(
            (each for each in self.absent if each.role == role and each.begins <= since_start < each.ends), None
        )
