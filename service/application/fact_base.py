"""The registry of facts and the view of them: one snapshot of an incident's rows, each fact computed once.

The facts themselves stand in `facts`; import `FactBase` from there, so that they are registered.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from service.application.fact_rows import FactRows
from service.application.person_facts import PersonFacts

IncidentFact = Callable[["FactBase"], object]
PersonFact = Callable[["FactBase", PersonFacts], object]
INCIDENT_FACTS: dict[str, IncidentFact] = {}
PERSON_FACTS: dict[str, PersonFact] = {}


def incident_fact(function: IncidentFact) -> IncidentFact:
    """Register a fact of the incident under the function's name."""
    INCIDENT_FACTS[function.__name__] = function
    return function


def person_fact(function: PersonFact) -> PersonFact:
    """Register a fact (p) of one person under the function's name."""
    PERSON_FACTS[function.__name__] = function
    return function


class FactBase:
    """The rows of one incident and the facts over them. `now` is in the incident's clock."""

    def __init__(self, rows: FactRows, policies: Mapping[str, Any], now: datetime) -> None:
        self.rows, self.policies, self.now = rows, policies, now
        self._cache: dict[tuple[str, str], object] = {}

    def view(self, person: str | None) -> Mapping[str, object]:
        """The facts an instance of this person (or none) sees."""
        return _FactView(self, person or self.rows.first_case or "")

    def value(self, name: str, person: str) -> object:
        """One fact. Raises KeyError for a name that is no fact, or a fact (p) without a person."""
        key = (name, person if name in PERSON_FACTS else "")
        if key not in self._cache:
            if name in PERSON_FACTS:
                self._cache[key] = PERSON_FACTS[name](self, self.rows.person(person))
            else:
                self._cache[key] = INCIDENT_FACTS[name](self)
        return self._cache[key]

    def open_cases(self) -> list[PersonFacts]:
        """Registered cases that were not revoked, in order of registration."""
        return self.rows.cases

    def of(self, name: str) -> list[object]:
        """A fact (p) of every case."""
        return [self.value(name, case.id) for case in self.open_cases()]


class _FactView(Mapping[str, object]):
    def __init__(self, base: FactBase, person: str) -> None:
        self._base, self._person = base, person

    def __getitem__(self, name: str) -> object:
        return self._base.value(name, self._person)

    def __iter__(self) -> Iterator[str]:
        return iter([*INCIDENT_FACTS, *PERSON_FACTS])

    def __len__(self) -> int:
        return len(INCIDENT_FACTS) + len(PERSON_FACTS)
