"""A bounded token game: can a page get stuck before a joining gateway?

Tokens lie on sequence flows; conditions are ignored, so every way out of a gateway is tried. One
token is moved at a time, which is enough to find each standstill (the choices of one token never
disturb another), and visited markings are not played again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Final

from service.engine.model import Finding, Flow, Kind, Node, Process, Trigger
from service.engine.rules import finding

MARKINGS: Final = 5_000
"""Markings tried per page; what lies beyond is not judged."""
_TOKENS: Final = 24
_SUBSETS: Final = 7

Marking = tuple[str, ...]


def check_soundness(process: Process) -> Iterator[Finding]:
    """Warnings for joining gateways that may wait for a token that never comes."""
    reported: set[str] = set()
    game = _Game(process, *_neighbours(process))
    for start in process.nodes.values():
        if start.kind is Kind.START:
            for join, missing in game.standstills(start):
                if join not in reported:
                    reported.add(join)
                    yield finding("join_deadlock", process.file, join, missing=", ".join(missing))


def _neighbours(process: Process) -> tuple[dict[str, list[Flow]], dict[str, list[Flow]], dict[str, list[Node]]]:
    incoming: dict[str, list[Flow]] = {node: [] for node in process.nodes}
    outgoing: dict[str, list[Flow]] = {node: [] for node in process.nodes}
    interrupting: dict[str, list[Node]] = {}
    for flow in process.flows.values():
        incoming[flow.target].append(flow)
        outgoing[flow.source].append(flow)
    for node in process.nodes.values():
        if node.kind is Kind.BOUNDARY and node.interrupting:
            interrupting.setdefault(node.attached_to, []).append(node)
    return incoming, outgoing, interrupting


@dataclass(slots=True)
class _Game:
    """The flows of a page indexed for the game, and how many markings may still be tried."""

    process: Process
    incoming: dict[str, list[Flow]]
    outgoing: dict[str, list[Flow]]
    interrupting: dict[str, list[Node]]
    budget: int = MARKINGS

    def standstills(self, start: Node) -> list[tuple[str, list[str]]]:
        """Joins that can be left waiting, each with the flows it waits for."""
        found: list[tuple[str, list[str]]] = []
        pending: list[Marking] = [tuple(flow.id for flow in self.outgoing[start.id])]
        seen = set(pending)
        while pending and self.budget > 0:
            self.budget -= 1
            marking = pending.pop()
            following = self._next(marking)
            if following is None:
                found.extend(self._waiting_joins(marking))
                continue
            for new in following:
                if new not in seen and len(new) <= _TOKENS:
                    seen.add(new)
                    pending.append(new)
        return found

    def _next(self, marking: Marking) -> list[Marking] | None:
        """Markings after one move; None if tokens are left and none can move."""
        if not marking:
            return []
        for flow in marking:
            node = self.process.nodes[self.process.flows[flow].target]
            taken = [one.id for one in self.incoming[node.id]] if node.kind is Kind.AND else [flow]
            if all(one in marking for one in taken):
                rest = list(marking)
                for one in taken:
                    rest.remove(one)
                if node.kind is Kind.END and node.trigger in {Trigger.TERMINATE, Trigger.ERROR}:
                    return [()]
                return [tuple(sorted([*rest, *given])) for given in self._ways(node)]
        return None

    def _ways(self, node: Node) -> list[list[str]]:
        outgoing = self.outgoing[node.id]
        if node.kind is Kind.OR:
            return _subsets(outgoing)
        if node.kind in {Kind.XOR, Kind.EVENT_GATEWAY}:
            return [[flow.id] for flow in outgoing]
        ways = [[flow.id for flow in outgoing]]
        for event in self.interrupting.get(node.id, []):
            ways.append([flow.id for flow in self.outgoing[event.id]])
        return ways

    def _waiting_joins(self, marking: Marking) -> Iterator[tuple[str, list[str]]]:
        for target in sorted({self.process.flows[flow].target for flow in marking}):
            yield target, [flow.id for flow in self.incoming[target] if flow.id not in marking]


def _subsets(outgoing: list[Flow]) -> list[list[str]]:
    always = [flow.id for flow in outgoing if (flow.condition or "").casefold() == "true"]
    rest = [flow.id for flow in outgoing if flow.id not in always]
    sizes = range(0 if always else 1, len(rest) + 1) if len(rest) <= _SUBSETS else (1, len(rest))
    return [[*always, *some] for some in chain.from_iterable(combinations(rest, size) for size in sizes)]
