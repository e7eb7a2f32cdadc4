"""Facts of a simulation: given by the inputs, or decided on the way; anything else does not hold."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class SimulatedFacts(Mapping[str, object]):
    """Answers every name. `missing` is told once of each that nobody has given."""

    def __init__(self, given: Mapping[str, Any], missing: Callable[[str], None]) -> None:
        self._given, self._missing = given, missing
        self._decided: dict[str, Any] = {}
        self._told: set[str] = set()

    def decided(self, values: Mapping[str, Any]) -> None:
        """A decision was made: its outputs are facts of the same names."""
        self._decided.update(values)

    def __getitem__(self, name: str) -> object:
        if name in self._given:
            return self._given[name]
        if name in self._decided:
            return self._decided[name]
        if name not in self._told:
            self._told.add(name)
            self._missing(name)
        return 0  # false in a condition, and comparable with the numbers that counting facts give

    def __contains__(self, _name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter({**self._decided, **self._given})

    def __len__(self) -> int:
        return len({**self._decided, **self._given})
