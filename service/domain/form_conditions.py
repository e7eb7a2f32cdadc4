"""Conditions of form files: declarative, so that a form stays data and a browser can follow them.

An atom names a field of the form (`info_source`, `person.person_type`) or, with `@`, a fact the
service supplies (`@organisation_type`); atoms combine with `all` and `any`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Lookup = Callable[[str], object]
_TESTS = ("in", "not_in", "contains", "given", "missing")


class FormDefinitionError(Exception):
    """A form file says something the loader does not accept; the message names file and field."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`kind` is all, any (over `parts`) or a test of one field: in, not_in, contains, given, missing."""

    kind: str
    field: str = ""
    values: tuple[object, ...] = ()
    parts: tuple["Condition", ...] = ()

    def holds(self, lookup: Lookup) -> bool:
        """Whether it is true; `lookup` answers None for what is not known."""
        if self.kind == "all":
            return all(part.holds(lookup) for part in self.parts)
        if self.kind == "any":
            return any(part.holds(lookup) for part in self.parts)
        return self.accepts(lookup(self.field))

    def accepts(self, value: object) -> bool:
        """Whether a value passes the test of an atom."""
        if self.kind == "in":
            return value in self.values
        if self.kind == "not_in":
            return value not in self.values
        if self.kind == "contains":
            return isinstance(value, Sequence) and any(item in value for item in self.values)
        return is_given(value) == (self.kind == "given")

    def fields(self) -> set[str]:
        """All fields and facts it reads."""
        own = {self.field} if self.field else set()
        return own.union(*(part.fields() for part in self.parts))


ALWAYS = Condition("all")
NEVER = Condition("any")


def is_given(value: object) -> bool:
    """Whether a field counts as answered: not None, not blank, not an empty list."""
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and value != [] and value != {}


def parse_condition(raw: object) -> Condition:
    """Read a condition of a form file.

    Raises:
        FormDefinitionError: Not of the shape this module's first lines describe.
    """
    if not isinstance(raw, Mapping):
        msg = f"a condition is an object, not {raw!r}"
        raise FormDefinitionError(msg)
    for kind in ("all", "any"):
        if set(raw) == {kind}:
            return Condition(kind, parts=tuple(parse_condition(part) for part in raw[kind]))
    tests = [test for test in _TESTS if test in raw]
    if len(tests) != 1 or set(raw) != {"field", tests[0]}:
        msg = f"a condition has a field and one test of {', '.join(_TESTS)}: {raw!r}"
        raise FormDefinitionError(msg)
    return Condition(tests[0], field=str(raw["field"]), values=_values(tests[0], raw[tests[0]]))


def _values(test: str, raw: Any) -> tuple[object, ...]:
    if test in ("given", "missing"):
        if raw is not True:
            msg = f"{test} is written `true`"
            raise FormDefinitionError(msg)
        return ()
    if not isinstance(raw, list):
        msg = f"{test} wants a list"
        raise FormDefinitionError(msg)
    return tuple(raw)
