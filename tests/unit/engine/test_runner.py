"""Property: whatever the diagram and the order of work, storing the state after every step changes nothing."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.engine.model import Kind, Node, Process, Trigger
from tests.unit.engine.building import Driver, assembled, node, page, user

CASES = settings(
    max_examples=500, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
MOVES = 60


class Drawing:
    """Draws structured blocks: each has one way in and one way out."""

    def __init__(self, data: st.DataObject, numbers: Iterator[int], pages: list[Process]) -> None:
        self.data, self.numbers, self.pages = data, numbers, pages
        self.nodes: list[Node] = []
        self.flows: list[str] = []

    def node(self, prefix: str, kind: Kind, trigger: Trigger = Trigger.NONE, **values: object) -> str:
        made = node(f"{prefix}{next(self.numbers)}", kind, trigger, **values)
        self.nodes.append(made)
        return made.id

    def flow(self, source: str, target: str, condition: str = "") -> str:
        self.flows.append(f"{source} {target} = {condition}" if condition else f"{source} {target}")
        return f"{source}-{target}"

    def block(self, depth: int) -> tuple[str, str]:
        leaves = [self.task, self.script, self.timer]
        blocks = [self.sequence, self.exclusive, self.parallel, self.race, self.loop, self.guarded, self.page]
        draw = self.data.draw(st.sampled_from(leaves if depth == 0 else [*leaves, *blocks]))
        return draw(depth - 1) if depth else draw(0)

    def task(self, _depth: int) -> tuple[str, str]:
        made = user(f"u{next(self.numbers)}")
        self.nodes.append(made)
        return made.id, made.id

    def script(self, _depth: int) -> tuple[str, str]:
        made = self.node("s", Kind.SCRIPT, script="n = n + 1")
        return made, made

    def timer(self, _depth: int) -> tuple[str, str]:
        minutes = self.data.draw(st.integers(1, 90))
        made = self.node("t", Kind.CATCH, Trigger.DURATION, timer=f"PT{minutes}M")
        return made, made

    def sequence(self, depth: int) -> tuple[str, str]:
        first, last = self.block(depth)
        for _ in range(self.data.draw(st.integers(1, 2))):
            entry, end = self.block(depth)
            self.flow(last, entry)
            last = end
        return first, last

    def parallel(self, depth: int) -> tuple[str, str]:
        fork, join = self.node("f", Kind.AND), self.node("j", Kind.AND)
        for _ in range(self.data.draw(st.integers(2, 3))):
            entry, end = self.block(depth)
            self.flow(fork, entry)
            self.flow(end, join)
        return fork, join

    def exclusive(self, depth: int) -> tuple[str, str]:
        branches = [self.block(depth) for _ in range(2)]
        number = next(self.numbers)
        split, merge = f"x{number}", self.node("m", Kind.XOR)
        self.nodes.append(node(split, Kind.XOR, default_flow=f"{split}-{branches[1][0]}"))
        self.flow(split, branches[0][0], f"n > {self.data.draw(st.integers(0, 4))}")
        self.flow(split, branches[1][0])
        for _entry, end in branches:
            self.flow(end, merge)
        return split, merge

    def race(self, depth: int) -> tuple[str, str]:
        gateway, merge = self.node("g", Kind.EVENT_GATEWAY), self.node("m", Kind.XOR)
        for wait in (self.timer(0)[0], self.node("c", Kind.CATCH, Trigger.MESSAGE, message="news")):
            entry, end = self.block(depth)
            self.flow(gateway, wait)
            self.flow(wait, entry)
            self.flow(end, merge)
        return gateway, merge

    def loop(self, depth: int) -> tuple[str, str]:
        """At most three turns: a script counts them."""
        entry, end = self.block(depth)
        number = next(self.numbers)
        counted, merge, again = f"k{number}", self.node("m", Kind.XOR), f"x{number}"
        before = self.node("s", Kind.SCRIPT, script=f"{counted} = 0")
        after = self.node("s", Kind.SCRIPT, script=f"{counted} = {counted} + 1")
        out = self.node("s", Kind.SCRIPT, script="n = n + 1")
        self.nodes.append(node(again, Kind.XOR, default_flow=f"{again}-{out}"))
        for source, target in ((before, merge), (merge, entry), (end, after), (after, again), (again, out)):
            self.flow(source, target)
        self.flow(again, merge, f"{counted} < {self.data.draw(st.integers(1, 3))}")
        return before, out

    def guarded(self, depth: int) -> tuple[str, str]:
        """A task with a boundary timer: interrupting to a merge, or beside it to an end of its own."""
        host, merge = self.task(0)[0], self.node("m", Kind.XOR)
        is_interrupting = self.data.draw(st.booleans())
        minutes = self.data.draw(st.integers(1, 30))
        trigger, text = (Trigger.DURATION, "") if is_interrupting else (Trigger.CYCLE, "R2/")
        event = self.node(
            "b", Kind.BOUNDARY, trigger, timer=f"{text}PT{minutes}M", attached_to=host, interrupting=is_interrupting
        )
        entry, end = self.block(depth)
        self.flow(host, merge)
        self.flow(event, entry)
        self.flow(end, merge if is_interrupting else self.node("e", Kind.END))
        return host, merge

    def page(self, depth: int) -> tuple[str, str]:
        inner = Drawing(self.data, self.numbers, self.pages)
        called = inner.finish(f"q{next(self.numbers)}", depth)
        call = self.node("p", Kind.INLINE, called=called.id)
        return call, call

    def finish(self, name: str, depth: int) -> Process:
        entry, end = self.block(depth)
        self.flow(self.node("start", Kind.START), entry)
        self.flow(end, self.node("end", Kind.END))
        made = page(name, self.nodes, self.flows)
        self.pages.append(made)
        return made


def drawn(data: st.DataObject) -> list[Process]:
    pages: list[Process] = []
    Drawing(data, count(1), pages).finish("p", 3)
    return pages[::-1]


def test_storing_after_every_step_changes_nothing_and_every_instance_waits_or_ends() -> None:
    statuses: list[str] = []

    @CASES
    @given(st.data())
    def check(data: st.DataObject) -> None:
        assembly = assembled(*drawn(data))
        kept = Driver(assembly, inputs={"n": 0})
        loaded = Driver(assembly, inputs={"n": 0}, reload=True)
        for _ in range(MOVES):
            if kept.instance.status != "active":
                break
            waits = kept.waits()
            assert waits, "active and waits for nothing"
            chosen = data.draw(st.sampled_from([*waits, ""]))
            for driver in (kept, loaded):
                if chosen and driver.dues().get(chosen, driver.now) <= driver.now:
                    driver.fire(chosen)
                else:
                    driver.pass_time(timedelta(minutes=20))
        assert kept.events == loaded.events
        assert kept.effects == loaded.effects
        assert kept.instance.status == loaded.instance.status
        statuses.append(kept.instance.status)

    check()
    assert statuses.count("completed") > len(statuses) / 2
