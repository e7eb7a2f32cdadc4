"""What a step asks of the application, and what it is given to see.

Events are the record of a step; effects are what must be done about it in the same unit of work.
The engine does no I/O: it stops (`Instance.is_paused`) after an effect that may change facts, and
goes on when it is run again with a fresh context.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.engine.expressions import Scope

GENERATIONS, MAX_LATER = 2, 64
"""A signal, one that is thrown by what it reached, and at most so many that come of these without a wait."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """Everything a step may see: nothing else is read.

    `now` is the time of the step: the due time where a timer is worked. `horizon` is the time it
    really is; turns of a cycle missed in between fire once, not one by one.
    `fact_decisions` are those whose outcome is a fact and never becomes process data.
    `records` holds the latest answers by form id and field of the instance's person or incident;
    `about` gives the same for another person: a row of the fact list a rule task goes through.
    """

    now: datetime
    horizon: datetime
    policies: Mapping[str, object]
    facts: Mapping[str, object]
    deadlines: Mapping[tuple[str, str], datetime]
    records: Mapping[str, Mapping[str, object]]
    fact_decisions: frozenset[str] = frozenset()
    about: Callable[[str], "StepContext"] | None = None

    def scope(self, data: Mapping[str, object]) -> Scope:
        """Names of process data over record fields of the same form."""
        return Scope(
            names=_Names(data, self.records), now=self.now, policies=self.policies, facts=self.facts,
            deadlines=self.deadlines,
        )  # fmt: skip


class _Names(Mapping[str, object]):
    """Process data first; fields of a form it does not hold come from the latest records."""

    def __init__(self, data: Mapping[str, object], records: Mapping[str, Mapping[str, object]]) -> None:
        self._data, self._records = data, records

    def __getitem__(self, name: str) -> object:
        value = self._data.get(name)
        if isinstance(value, Mapping):
            return {**self._records.get(name, {}), **value}
        return value if name in self._data else dict(self._records[name])

    def __iter__(self) -> Iterator[str]:
        return iter({**self._data, **self._records})

    def __len__(self) -> int:
        return len({**self._data, **self._records})


@dataclass(frozen=True, slots=True)
class ChildWanted:
    """A call activity was reached, or a row of its open collection appeared."""

    visit: str
    element: str
    process: str
    inputs: dict[str, object]
    item: str = ""


@dataclass(frozen=True, slots=True)
class ChildrenAbandoned:
    """The wait of a call was cancelled: its children end with it."""

    visit: str
    element: str


@dataclass(frozen=True, slots=True)
class SendReached:
    """An automatic send task was passed: deliveries are to be queued."""

    element: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class ServiceReached:
    """A service task was passed: the application acts by element id."""

    element: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class MessageThrown:
    """A message event was passed, once per item (`item` is "" without a list)."""

    element: str
    message: str
    item: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class SignalThrown:
    """A signal for all of the incident that wait for it now; who begins to wait after it does not hear it.

    They get it when no token of the thrower can move by itself any more (`SignalsDue`, or the end of the step).
    """

    element: str
    signal: str


@dataclass(frozen=True, slots=True)
class SignalsDue:
    """Now those who waited for the signals thrown so far get them, before a scope without tokens is over."""


@dataclass(frozen=True, slots=True)
class EscalationThrown:
    """An escalation that no event of this instance catches; the calling instance may."""

    element: str
    code: str


@dataclass(frozen=True, slots=True)
class DeadlineAct:
    """A deadline mark of the diagram, resolved."""

    rule: str
    subject: str
    act: str
    start: datetime | None
    element: str


@dataclass(frozen=True, slots=True)
class DecisionTaken:
    """A rule task was passed: its outcome is to be stored (and sealed where it is a fact).

    `item` is the row it is about, of a rule task that goes through a fact list.
    """

    decision: str
    element: str
    values: dict[str, object]
    rules: tuple[int, ...]
    item: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The instance is over; `error` is the code of an error end event."""

    end: str
    error: str
    result: dict[str, object]


Effect = (
    ChildWanted
    | ChildrenAbandoned
    | SendReached
    | ServiceReached
    | MessageThrown
    | SignalThrown
    | SignalsDue
    | EscalationThrown
    | DeadlineAct
    | DecisionTaken
    | Ended
)
