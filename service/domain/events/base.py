"""The base of events, their registry, and reading a stored one."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from service.domain.errors import UnknownEvent

REGISTRY: dict[tuple[str, int], type["Event"]] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. Instants are RFC 3339 strings in UTC, so that `data` is plain JSON."""

    type: ClassVar[str] = ""
    schema_version: ClassVar[int] = 1

    def data(self) -> dict[str, Any]:
        """The fields as plain JSON, as they are stored and hashed."""
        return {name: getattr(self, name) for name in _names(type(self))}


_NAMES: dict[type[Event], tuple[str, ...]] = {}


def _names(cls: type[Event]) -> tuple[str, ...]:
    if cls not in _NAMES:
        _NAMES[cls] = tuple(each.name for each in fields(cls))
    return _NAMES[cls]


def event(cls: type[Event]) -> type[Event]:
    """Register an event class under its type and schema version."""
    key = (cls.type, cls.schema_version)
    if key in REGISTRY:
        message = f"two classes for event {key}"
        raise ValueError(message)
    REGISTRY[key] = cls
    return cls


def parse(type_: str, schema_version: int, data: Mapping[str, Any]) -> Event:
    """Build the event of a stored row. Raises UnknownEvent for a type, version or field we do not know."""
    cls = REGISTRY.get((type_, schema_version))
    if cls is None:
        raise UnknownEvent(type_, schema_version)
    unknown = set(data).difference(_names(cls))
    if unknown:
        raise UnknownEvent(type_, schema_version, tuple(sorted(unknown)))
    return cls(**data)
