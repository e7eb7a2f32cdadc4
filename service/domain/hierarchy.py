"""The tree of organisations."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The tree of organisations: each id with its superior's, None at the top."""

    parents: Mapping[str, str | None]
    _children: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ancestors(self, organisation_id: str) -> tuple[str, ...]:
        """Superiors from the nearest to the top; empty for an unknown organisation."""
        found: list[str] = []
        parent = self.parents.get(organisation_id)
        while parent is not None and parent not in found:
            found.append(parent)
            parent = self.parents.get(parent)
        return tuple(found)

    def subtree(self, organisation_id: str) -> frozenset[str]:
        """The organisation and everything below it; nothing for an unknown one."""
        if not self._children:
            for each, parent in self.parents.items():
                if parent is not None:
                    self._children.setdefault(parent, []).append(each)
        found: set[str] = set()
        waiting = [organisation_id] if organisation_id in self.parents else []
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self._children.get(each, ())
        return frozenset(found)
