"""The token game from where an instance stands: can it still come to an end in another version?

The check at deployment plays from the start events. An instance that is under way may stand where no play
of the new version ever stands: behind a fork that has got a third branch, its join waits for ever.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations
from typing import Final

from service.engine.model import Flow, Kind, Node, Process, Trigger

MARKINGS: Final = 20_000
"""Markings tried per scope; what needs more is not judged and not moved."""
_SUBSETS: Final = 6
_TOKENS: Final = 40

Place = tuple[str, str]  # ("in", node): a token at work there; ("by", flow): one that waits at the end of a flow
Marking = tuple[Place, ...]


class TooComplex(Exception):
    """More markings than are tried."""


def standstills(process: Process, marking: Iterable[Place]) -> set[str]:
    """Joining gateways that can be left waiting for ever. Raises TooComplex."""
    game = _Game(process)
    first = game.counting(marking)
    pending, seen, found = [first], {first}, set[str]()
    while pending:
        if len(seen) > MARKINGS:
            raise TooComplex
        current = pending.pop()
        following = game.next(current)
        if following is None:
            found |= {game.flows[at].target for _, at in current}
            continue
        for new in following:
            if len(new) > _TOKENS:
                raise TooComplex
            if new not in seen:
                seen.add(new)
                pending.append(new)
    return found


class _Game:
    def __init__(self, process: Process) -> None:
        self.process, self.flows = process, process.flows
        self.incoming: dict[str, list[Flow]] = {node: [] for node in process.nodes}
        self.outgoing: dict[str, list[Flow]] = {node: [] for node in process.nodes}
        for flow in process.flows.values():
            self.incoming[flow.target].append(flow)
            self.outgoing[flow.source].append(flow)

        self._counting = self._leading_to_joins()

    def counting(self, marking: Iterable[Place]) -> Marking:
        """The tokens that count: one from which no join and no termination can be reached just comes to its end."""
        return tuple(sorted(place for place in marking if self._node(place).id in self._counting))

    def _leading_to_joins(self) -> set[str]:
        """Nodes from which a joining gateway, or an end that ends the others too, can be reached."""
        before: dict[str, list[str]] = {}
        for node in self.process.nodes:
            for following in self.process.following(node):
                before.setdefault(following, []).append(node)
        pending = [node.id for node in self.process.nodes.values() if self._is_join(node) or _ends_all(node)]
        found = set(pending)
        while pending:
            for node in before.get(pending.pop(), ()):
                if node not in found:
                    found.add(node)
                    pending.append(node)
        return found

    def _is_join(self, node: Node) -> bool:
        return node.kind in {Kind.AND, Kind.OR} and len(self.incoming[node.id]) > 1

    def next(self, marking: Marking) -> list[Marking] | None:
        """Markings after one move; None if tokens are left and none can move.

        One token moves at a time, because the choices of one never disturb another; tokens at an inclusive
        join wait until no other can move.
        """
        if not marking:
            return []
        for only_inclusive in (False, True):
            for place in marking:
                moved = self._move(marking, place, only_inclusive=only_inclusive)
                if moved is not None:
                    return moved
        return None

    def _move(self, marking: Marking, place: Place, *, only_inclusive: bool) -> list[Marking] | None:
        node = self._node(place)
        taken = [place]
        if place[0] == "by" and self._is_join(node):
            if (node.kind is Kind.OR) != only_inclusive:
                return None
            held = [("by", flow.id) for flow in self.incoming[node.id]]
            taken = [each for each in held if each in marking] if node.kind is Kind.OR else held
        elif only_inclusive:
            return None
        if not all(each in marking for each in taken):
            return None
        rest = list(marking)
        for each in taken:
            rest.remove(each)
        if _ends_all(node):
            return [()]
        return list({self.counting([*rest, *given]) for given in self._ways(node)})

    def _node(self, place: Place) -> Node:
        kind, at = place
        return self.process.nodes[at if kind == "in" else self.flows[at].target]

    def _ways(self, node: Node) -> Iterator[list[Place]]:
        """Where a token may be after a node: at the ends of its flows, of a link, of its boundary events."""
        own = self._own_ways(node)
        yield from own
        for event in self.process.boundaries(node.id):
            given = self._behind(self.outgoing[event.id])
            if event.interrupting:
                yield given
            else:
                yield from ([*way, *given] for way in own)

    def _own_ways(self, node: Node) -> list[list[Place]]:
        outgoing = self.outgoing[node.id]
        links = self.process.links(node)
        if links:
            return [[("in", caught.id) for caught in links]]
        if node.kind in {Kind.XOR, Kind.EVENT_GATEWAY}:
            return [self._behind([flow]) for flow in outgoing]
        if node.kind is Kind.OR or any(flow.condition is not None for flow in outgoing):
            return [self._behind(some) for some in _subsets(outgoing)]
        return [self._behind(outgoing)]

    @staticmethod
    def _behind(flows: Sequence[Flow]) -> list[Place]:
        return [("by", flow.id) for flow in flows]


def _ends_all(node: Node) -> bool:
    return node.kind is Kind.END and node.trigger in {Trigger.TERMINATE, Trigger.ERROR}


def _subsets(flows: Sequence[Flow]) -> Iterator[tuple[Flow, ...]]:
    sizes: Iterable[int] = range(1, len(flows) + 1) if len(flows) <= _SUBSETS else (1, len(flows))
    return chain.from_iterable(combinations(flows, size) for size in sizes)


def is_same_net(one: Process, other: Process) -> bool:
    """Whether two versions of a page move tokens alike: the same nodes and flows, whatever else they say."""
    return _net(one) == _net(other)


def _net(process: Process) -> tuple[frozenset[object], frozenset[object]]:
    nodes = (
        (
            node.id, node.kind, node.parent, node.attached_to, node.interrupting, node.default_flow,
            node.trigger in {Trigger.TERMINATE, Trigger.ERROR}, node.link if node.trigger is Trigger.LINK else "",
        )
        for node in process.nodes.values()
    )  # fmt: skip
    flows = ((flow.source, flow.target, flow.condition is None) for flow in process.flows.values())
    return frozenset(nodes), frozenset(flows)
