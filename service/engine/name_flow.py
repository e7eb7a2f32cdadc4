"""Which names of process data are surely there, before and after every node of a bundle.

What a token carries only grows. A parallel join brings together what each of its branches carries; wherever else
flows meet, only what every one of them carries is sure. A scope begins with what its activity carries and leaves
what every way out of it leaves; a boundary event sees what was there before its activity, an event sub-process what
was there when its scope began. Where paths differ in ways not followed here, less is taken for sure, never more.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from service.engine.expression_reads import NOTHING, Names, reads
from service.engine.expressions import ExpressionError, compile_expression
from service.engine.model import Bundle, Flow, Kind, Node, Process, Trigger, Turns

COUNTER: Final = "loopCounter"
_WHICH: Final = ("", "Active", "Completed", "Terminated")
COUNTERS: Final = frozenset({COUNTER, *(f"numberOf{which}Instances" for which in _WHICH)})
"""Names BPMN gives the turns of an activity."""
_NESTED: Final = frozenset({Kind.SUBPROCESS, Kind.INLINE})

Given = Callable[[Node], Names]


@dataclass(slots=True)
class NameFlow:
    """The names that are sure, once `spread` has run; what no token reaches is in none of the mappings.

    `begins` are the names an instance of a process begins with, by process; `gives` says what a node adds.
    """

    bundle: Bundle
    begins: Mapping[str, Names]
    gives: Given
    before: dict[str, Names] = field(default_factory=dict)
    after: dict[str, Names] = field(default_factory=dict)
    along: dict[str, Names] = field(default_factory=dict)  # sequence flow -> names
    _nodes: dict[str, tuple[Process, Node]] = field(init=False)
    _callers: dict[str, list[Node]] = field(init=False)
    _incoming: dict[str, list[Flow]] = field(init=False)
    _outgoing: dict[str, list[Flow]] = field(init=False)
    _levels: dict[tuple[str, str], list[Node]] = field(init=False)

    def __post_init__(self) -> None:
        pages = self.bundle.processes.values()
        self._nodes = {node.id: (page, node) for page in pages for node in page.nodes.values()}
        self._callers, self._incoming, self._outgoing, self._levels = {}, {}, {}, {}
        for page in pages:
            for flow in page.flows.values():
                self._incoming.setdefault(flow.target, []).append(flow)
                self._outgoing.setdefault(flow.source, []).append(flow)
            for node in page.nodes.values():
                self._levels.setdefault((page.id, node.parent), []).append(node)
                if node.kind is Kind.INLINE:
                    self._callers.setdefault(node.called, []).append(node)

    # --- spreading --------------------------------------------------------------------------------

    def spread(self) -> "NameFlow":
        """Follow every path until nothing changes: what is sure only ever shrinks, so it ends."""
        pending = dict.fromkeys(each for each, (_, node) in self._nodes.items() if node.kind is Kind.START)
        while pending:
            page, node = self._nodes[next(iter(pending))]
            del pending[node.id]
            if self._pass(page, node):
                pending.update(dict.fromkeys(self._influenced(page, node)))
        return self

    def _pass(self, page: Process, node: Node) -> bool:
        """Compute a node anew; True if anything changed."""
        before = self._arriving(page, node)
        if before is None:
            return False
        is_new = self.before.get(node.id) != before
        self.before[node.id] = before
        after = self._leaving(page, node, before)
        if after is not None and after != self.after.get(node.id):
            self.after[node.id] = after
            self.along.update(self._branches(node, after))
            is_new = True
        return is_new

    def _influenced(self, page: Process, node: Node) -> Iterator[str]:
        yield from page.following(node.id)
        if node.kind is Kind.SUBPROCESS:
            yield from self._starts(page.id, node.id)
        elif node.kind is Kind.INLINE:
            yield from self._starts(node.called, "")
        elif node.kind is Kind.START:
            yield from self._starts_of_events(page.id, node.parent)
        elif node.kind is Kind.END:
            yield from self._around(page, node.parent)

    def _starts(self, page: str, level: str) -> Iterator[str]:
        yield from (each.id for each in self._levels.get((page, level), ()) if each.kind is Kind.START)
        yield from self._starts_of_events(page, level)

    def _starts_of_events(self, page: str, level: str) -> Iterator[str]:
        for each in self._levels.get((page, level), ()):
            if each.kind is Kind.EVENT_SUBPROCESS:
                yield from self._starts(page, each.id)

    def _around(self, page: Process, level: str) -> Iterator[str]:
        """The activities whose inside ends where a level ends."""
        while level and page.nodes[level].kind is Kind.EVENT_SUBPROCESS:
            level = page.nodes[level].parent
        if level:
            yield level
        else:
            yield from (each.id for each in self._callers.get(page.id, ()))

    # --- before a node ----------------------------------------------------------------------------

    def _arriving(self, page: Process, node: Node) -> Names | None:
        """What is sure before a node; None where no token is known to come."""
        if node.kind is Kind.START:
            return self._begin(page, node)
        if node.kind is Kind.BOUNDARY:
            return self.before.get(node.attached_to)
        if node.kind is Kind.CATCH and node.trigger is Trigger.LINK:
            thrown = (each for each in self._levels[page.id, node.parent] if node in page.links(each))
            return _common(self.after.get(each.id) for each in thrown)
        came = [self.along.get(flow.id) for flow in self._incoming.get(node.id, ())]
        if node.kind is Kind.AND and None in came:
            return None  # it waits for all of them
        known = [each for each in came if each is not None]
        return _union(known) if node.kind is Kind.AND else _common(known)

    def _begin(self, page: Process, node: Node) -> Names | None:
        around = page.nodes.get(node.parent)
        if around is not None and around.kind is Kind.EVENT_SUBPROCESS:
            return self.entering(page, around.parent)
        if around is not None:
            return self._given_inside(around)
        ways = [self._given_inside(caller) for caller in self._callers.get(page.id, ())]
        if page.id in self.begins:
            # A signal starts an instance with nothing.
            ways.append(NOTHING if node.trigger is Trigger.SIGNAL else self.begins[page.id])
        return _common(ways)

    def _given_inside(self, host: Node) -> Names | None:
        before = self.before.get(host.id)
        return None if before is None else before | own_names(host)

    def entering(self, page: Process, level: str) -> Names | None:
        """What is sure when a scope begins."""
        starts = (each for each in self._levels.get((page.id, level), ()) if each.kind is Kind.START)
        around = page.nodes.get(level)
        if around is not None and around.kind is Kind.EVENT_SUBPROCESS:
            return _common(self.after.get(each.id) for each in starts)
        return _common(self.before.get(each.id) for each in starts)

    # --- behind a node ----------------------------------------------------------------------------

    def _leaving(self, page: Process, node: Node, before: Names) -> Names | None:
        """What is sure behind a node; None where none is known to leave it."""
        inner = self.inside(page, node, before)
        if inner is None:
            return None
        after = before
        if node.repeat is None:
            after |= inner | self.gives(node)
        elif _is_done_once(node):
            own = {COUNTER, node.repeat.item, node.repeat.output_item}
            after |= {name for name in inner if name.partition(".")[0] not in own}
        if node.repeat and node.repeat.output:
            after |= {node.repeat.output}
        return after | _told(node.condition, after, is_true=True)

    def inside(self, page: Process, node: Node, before: Names) -> Names | None:
        """What the inside of an activity leaves, or one turn of it; None where none is known to end."""
        if node.kind is Kind.SUBPROCESS:
            return self.leaving(page, node.id)
        if node.kind is Kind.INLINE and node.called in self.bundle.processes:
            return self.leaving(self.bundle.processes[node.called], "")
        return before | own_names(node) | self.gives(node)

    def leaving(self, page: Process, level: str) -> Names | None:
        """What every way out of a scope leaves: its ends, and the event sub-processes that take its place."""
        ends, ways = self._levels.get((page.id, level), ()), []
        for node in ends:
            if node.kind is Kind.END and node.trigger is not Trigger.ERROR:
                ways.append(self.after.get(node.id))
            elif node.kind is Kind.EVENT_SUBPROCESS and self._interrupts(page, node):
                ways.append(self.leaving(page, node.id))
        return _common(ways)

    def _interrupts(self, page: Process, sub: Node) -> bool:
        inner = self._levels.get((page.id, sub.id), ())
        return any(node.kind is Kind.START and node.interrupting for node in inner)

    # --- flows ------------------------------------------------------------------------------------

    def _branches(self, node: Node, after: Names) -> Iterator[tuple[str, Names]]:
        """What is sure on each flow out of a node: a condition that holds, and those that did not, tell of names."""
        refused = NOTHING
        for flow, seen in self.conditions(node, after):
            yield flow.id, seen | _told(flow.condition, seen, is_true=True)
            refused |= _told(flow.condition, after | refused, is_true=False)
        for flow in self._outgoing.get(node.id, ()):
            if flow.condition is None:
                yield flow.id, after | refused if flow.id == node.default_flow else after

    def conditions(self, node: Node, after: Names) -> Iterator[tuple[Flow, Names]]:
        """Flows with a condition, and the names it sees: an exclusive gateway asks one after the other."""
        refused = NOTHING
        for flow in self._outgoing.get(node.id, ()):
            if flow.condition is not None:
                yield flow, after | refused
                if node.kind is Kind.XOR:
                    refused |= _told(flow.condition, after | refused, is_true=False)

    # --- telling ----------------------------------------------------------------------------------

    def way_without(self, node: str, is_missing: Callable[[Names], bool]) -> tuple[str, ...]:
        """A shortest path on the page of a node, from where a scope begins, on which a name stays missing."""
        page = self._nodes[node][0]
        came: dict[str, str] = {node: ""}
        pending = [node]
        for at in pending:
            before = [each for each in self._earlier(page, page.nodes[at], is_missing) if each not in came]
            if not before and page.nodes[at].kind is Kind.START:
                return tuple(_followed(came, at))
            came.update(dict.fromkeys(before, at))
            pending += before
        return (node,)

    def _earlier(self, page: Process, node: Node, is_missing: Callable[[Names], bool]) -> list[str]:
        around = page.nodes.get(node.parent)
        if node.kind is Kind.START:
            return [around.id] if around is not None and around.kind is Kind.SUBPROCESS else []
        if node.kind is Kind.BOUNDARY:
            return [node.attached_to]
        if node.kind is Kind.CATCH and node.trigger is Trigger.LINK:
            thrown = [each for each in self._levels[page.id, node.parent] if node in page.links(each)]
            return [each.id for each in thrown if is_missing(self.after.get(each.id, NOTHING))]
        return [
            flow.source for flow in self._incoming.get(node.id, ())
            if flow.id in self.along and is_missing(self.along[flow.id])
        ]  # fmt: skip


def own_names(node: Node) -> Names:
    """Names each turn of an activity has for itself."""
    if node.repeat is None:
        return NOTHING
    return frozenset({COUNTER, node.repeat.item} - {""})


def seen_between_turns(flow: NameFlow, page: Process, node: Node) -> tuple[Names, Names]:
    """What the loop condition and what the completion condition of a repeated activity see."""
    before = flow.before[node.id]
    inner = flow.inside(page, node, before) or before
    repeat = node.repeat
    if repeat is None:
        return before, before
    own = {COUNTER, repeat.item, repeat.output_item}
    kept = before if repeat.is_tested_before else before | {name for name in inner if name not in own}
    return kept | {COUNTER}, before | inner | COUNTERS | ({repeat.output} - {""})


def _is_done_once(node: Node) -> bool:
    """Whether a repeated activity surely takes one turn."""
    repeat = node.repeat
    if repeat is None or repeat.turns is Turns.LOOP:
        return repeat is not None and not repeat.is_tested_before
    return repeat.limit.isdecimal() and int(repeat.limit) > 0


def _told(condition: str | None, names: Names, *, is_true: bool) -> Names:
    """Names a condition tells to be there by how it came out."""
    if not condition:
        return NOTHING
    try:
        found = reads(compile_expression(condition).tree, names)
    except ExpressionError:
        return NOTHING
    return found.if_true if is_true else found.if_false


def _common(ways: Collection[Names | None] | Iterator[Names | None]) -> Names | None:
    """What every known way has; None if none is known."""
    known = [way for way in ways if way is not None]
    return reduce(frozenset.intersection, known) if known else None


def _union(ways: Collection[Names]) -> Names | None:
    return frozenset().union(*ways) if ways else None


def _followed(came: Mapping[str, str], at: str) -> Iterator[str]:
    while at:
        yield at
        at = came[at]
