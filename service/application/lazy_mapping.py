"""Mappings that are read when they are looked at.

Most steps evaluate no expression, and most answers ask for few of the defaults a form could have;
what they could see is then never read from the database.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LazyMapping(Mapping[K, V], Generic[K, V]):
    """Loads once, at the first access; stands for one context of one step."""

    def __init__(self, load: Callable[[], Mapping[K, V]]) -> None:
        self._load = load
        self._loaded: Mapping[K, V] | None = None

    def _values(self) -> Mapping[K, V]:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def __getitem__(self, key: K) -> V:
        return self._values()[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())


class Later:
    """A value of `LateValues` that is computed when somebody asks for it."""

    def __init__(self, compute: Callable[[], object]) -> None:
        self.compute = compute


class LateValues(Mapping[str, object]):
    """Values by name; those that are `Later` are computed at the first access."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> object:
        value = self._values[name]
        if isinstance(value, Later):
            value = self._values[name] = value.compute()
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
