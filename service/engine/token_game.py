"""The token game of one level of a diagram: which nodes can fire, and where that leads.

A level is the main flow of a page, the inside of a sub-process or of an event sub-process. What lies
inside an activity is a level of its own, so here an activity is one step that may also end by one of
its interrupting boundary events; each non-interrupting one may fire once while it lasts. Conditions
are not read: a gateway may choose whatever it could choose, an exclusive one exactly one way.

Tokens lie on sequence flows (`f1`) or in an activity with boundary events (`@a`, `@a b c` after b and
c fired). Moves of one token never disturb another's, so only one token is moved at a time, the one
furthest on; inclusive joins and terminations, which look at the others, come when nothing else moves.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Final

from service.engine.model import Flow, Kind, Node, Process, Trigger

MANY_WAYS: Final = 7
_ENDING: Final = frozenset({Trigger.TERMINATE, Trigger.ERROR})

Marking = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A node fires; `after` is the marking it leaves."""

    node: str
    after: Marking


@dataclass(slots=True)
class Game:
    """The nodes of one level, indexed for playing."""

    process: Process
    level: str
    incoming: dict[str, list[Flow]] = field(init=False)
    outgoing: dict[str, list[Flow]] = field(init=False)
    events: dict[str, list[Node]] = field(init=False)
    rank: dict[str, int] = field(init=False)
    _reaching: dict[str, frozenset[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        inside = {node.id for node in self.process.level(self.level)}
        self.incoming = {each: [] for each in inside}
        self.outgoing = {each: [] for each in inside}
        self.events = {each: [] for each in inside}
        for flow in self.process.flows.values():
            if flow.source in inside and flow.target in inside:
                self.incoming[flow.target].append(flow)
                self.outgoing[flow.source].append(flow)
        for node in self.process.level(self.level):
            if node.kind is Kind.BOUNDARY and node.attached_to in inside:
                self.events[node.attached_to].append(node)
        self.rank = self._ranks(sorted(inside))

    def _ranks(self, nodes: list[str]) -> dict[str, int]:
        """How far on a node is: a depth-first order, its latest nodes last."""
        order: list[str] = []
        seen: set[str] = set()
        for first in sorted(nodes, key=lambda each: (bool(self.incoming[each]), each)):
            pending = [(first, False)]
            while pending:
                node, is_left = pending.pop()
                if is_left:
                    order.append(node)
                elif node not in seen:
                    seen.add(node)
                    pending.append((node, True))
                    pending += [(each, False) for each in self._next(node) if each not in seen]
        return {node: place for place, node in enumerate(reversed(order))}

    def _next(self, node: str) -> list[str]:
        return [each for each in self.process.following(node) if each in self.incoming]

    # --- playing ------------------------------------------------------------------------------------

    def begin(self, start: str) -> Marking:
        """The marking after a start event."""
        return _marking(flow.id for flow in self.outgoing[start])

    def at(self, token: str) -> str:
        """The node a token comes to next, or is in."""
        if token.startswith("@"):
            return token[1:].partition(" ")[0]
        return self.process.flows[token].target

    def moves(self, marking: Marking) -> list[Move]:
        """What can happen next; empty if nothing can."""
        for token in sorted(set(marking), key=lambda each: (-self.rank[self.at(each)], each)):
            found = self._local(marking, token)
            if found:
                return found
        return list(self._global(marking))

    def _local(self, marking: Marking, token: str) -> list[Move]:
        node = self.process.nodes[self.at(token)]
        if token.startswith("@"):
            return list(self._inside(marking, token, node))
        if node.kind is Kind.AND and len(self.incoming[node.id]) > 1:
            taken = [flow.id for flow in self.incoming[node.id]]
            ready = all(flow in marking for flow in taken)
            return [self._move(node.id, marking, taken, self._all(node.id))] if ready else []
        if (node.kind is Kind.OR and len(self.incoming[node.id]) > 1) or node.trigger in _ENDING:
            return []
        if self.events[node.id]:
            return [self._move(node.id, marking, [token], [f"@{node.id}"])]
        return [self._move(node.id, marking, [token], way) for way in self.ways(node)]

    def _inside(self, marking: Marking, token: str, host: Node) -> Iterator[Move]:
        """An activity ends, or one of its boundary events fires."""
        for way in self.ways(host):
            yield self._move(host.id, marking, [token], way)
        fired = token.split(" ")[1:]
        for event in self.events[host.id]:
            if event.interrupting:
                yield self._move(event.id, marking, [token], self._all(event.id))
            elif event.id not in fired:
                still = " ".join([f"@{host.id}", *sorted([*fired, event.id])])
                yield self._move(event.id, marking, [token], [still, *self._all(event.id)])

    def _global(self, marking: Marking) -> Iterator[Move]:
        for node_id in sorted({self.at(token) for token in marking}):
            node = self.process.nodes[node_id]
            if node.kind is Kind.END and node.trigger in _ENDING:
                yield Move(node_id, ())
            elif node.kind is Kind.OR and self._may_join(marking, node_id):
                taken = [flow.id for flow in self.incoming[node_id] if flow.id in marking]
                for way in self.ways(node):
                    yield self._move(node_id, marking, taken, way)

    def ways(self, node: Node) -> list[list[str]]:
        """The sets of flows a token may leave a node by."""
        outgoing = self.outgoing[node.id]
        if node.kind in {Kind.XOR, Kind.EVENT_GATEWAY}:
            return [[flow.id] for flow in outgoing]
        links = self.process.links(node)
        if links:
            return [[flow for caught in links for flow in self._all(caught.id)]]
        if node.kind is Kind.OR or any(flow.condition is not None for flow in outgoing):
            return _choices(node, outgoing)
        return [self._all(node.id)]

    def _move(self, node: str, marking: Marking, taken: list[str], given: list[str]) -> Move:
        left = Counter(marking)
        left.subtract(taken)
        left.update(given)
        for token in left:
            # A second token before a termination changes nothing; a loop that passes it would never be played out.
            if left[token] > 1 and self.process.nodes[self.at(token)].trigger in _ENDING:
                left[token] = 1
        return Move(node, _marking(left.elements()))

    def _all(self, node: str) -> list[str]:
        return [flow.id for flow in self.outgoing[node]]

    # --- inclusive joins ------------------------------------------------------------------------------

    def _may_join(self, marking: Marking, join: str) -> bool:
        """BPMN 2.0, 13.4.3: no token can still come by an empty flow unless it can come by a full one, too."""
        full = [flow for flow in self.incoming[join] if flow.id in marking]
        empty = [flow for flow in self.incoming[join] if flow.id not in marking]
        for at in {self.at(token) for token in marking} - {join}:
            comes_new = any(at in self._reaching_flow(join, flow) for flow in empty)
            if comes_new and not any(at in self._reaching_flow(join, flow) for flow in full):
                return False
        return bool(full)

    def _reaching_flow(self, join: str, flow: Flow) -> frozenset[str]:
        """Nodes from which a token can come by a flow without passing the join before."""
        if flow.id not in self._reaching:
            before: dict[str, set[str]] = {each: set() for each in self.incoming}
            for node in self.incoming:
                for following in self._next(node):
                    before[following].add(node)
            seen, pending = {flow.source}, [flow.source]
            while pending:
                for earlier in before[pending.pop()] - seen - {join}:
                    seen.add(earlier)
                    pending.append(earlier)
            self._reaching[flow.id] = frozenset(seen)
        return self._reaching[flow.id]


def _marking(tokens: Iterator[str] | list[str]) -> Marking:
    return tuple(sorted(tokens))


def _choices(node: Node, outgoing: list[Flow]) -> list[list[str]]:
    """An inclusive choice: unconditional flows always, any of the others, the default if no condition holds."""
    default = [flow.id for flow in outgoing if flow.id == node.default_flow]
    rest = [flow for flow in outgoing if flow.id != node.default_flow]
    always = [flow.id for flow in rest if flow.condition is None]
    holding = [flow.id for flow in rest if flow.condition is not None and flow.condition.casefold() == "true"]
    free = [flow.id for flow in rest if flow.id not in {*always, *holding}]
    sizes = range(1, len(free) + 1) if len(free) <= MANY_WAYS else (1, len(free))
    chosen = [list(some) for some in chain.from_iterable(combinations(free, size) for size in sizes)]
    if holding or default or always:
        chosen.append([] if holding else default)
    return [[*always, *holding, *some] for some in chosen]
