"""From a seed to a model. The same seed gives the same model on every machine."""

from random import Random
from typing import Final

from tests.models.blocks import Block, Model, Shape, has_exit

TASKS: Final = (
    "user", "user", "user", "manual", "receive", "send", "phone", "service", "script", "script", "sets", "sets", "asks",
    "reads",
)  # fmt: skip
CATCHES: Final = ("date", "duration", "message", "signal", "conditional")
THROWS: Final = ("none", "message", "signal")
GUARDS: Final = (*CATCHES, "cycle")
DEPTH: Final = 4


def model(seed: int, *, size: int = 14) -> Model:
    """A random model of about `size` leaves."""
    rng = Random(seed)  # noqa: S311 - random diagrams are no secrets
    maker = _Maker(rng, rng.randint(2, size))
    main = maker.sequence(0, is_parallel=False)
    events = []
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        interrupts = rng.random() < 0.4
        trigger = rng.choice(CATCHES if interrupts else GUARDS)
        maker.budget = max(maker.budget, 4)
        events.append((trigger + ("!" if interrupts else ""), maker.sequence(2, is_parallel=True)))
    return Model(main, tuple(events))


class _Maker:
    """Makes blocks while the budget of leaves lasts."""

    def __init__(self, rng: Random, budget: int) -> None:
        self.rng, self.budget = rng, budget

    def sequence(self, depth: int, *, is_parallel: bool) -> Block:
        """One to four blocks; nothing follows a block without a way out."""
        parts: list[Block] = []
        for _ in range(self.rng.randint(1, 4 if depth == 0 else 3)):
            parts.append(self.block(depth, is_parallel=is_parallel))
            if self.budget <= 0 or not has_exit(parts[-1]):
                break
        return parts[0] if len(parts) == 1 else Block(Shape.SEQUENCE, tuple(parts))

    def block(self, depth: int, *, is_parallel: bool) -> Block:
        """Any block; inside a fork no branch may end by itself without its siblings."""
        self.budget -= 1
        if depth >= DEPTH or self.budget <= 0 or self.rng.random() < 0.4:
            return self._leaf()
        made = self.rng.choice((
            self._choice, self._choice, self._fork, self._fork, self._some, self._race, self._loop,
            self._page, self._guarded, self._guarded, self._guarded, self._sub, self._sub, self._turns,
        ))  # fmt: skip
        return made(depth, is_parallel)

    def _leaf(self) -> Block:
        roll = self.rng.random()
        if roll < 0.7:
            return Block(Shape.TASK, how=self.rng.choice(TASKS))
        if roll < 0.85:
            return Block(Shape.CATCH, how=self.rng.choice(CATCHES))
        if roll < 0.92:
            return Block(Shape.THROW, how=self.rng.choice(THROWS))
        if roll < 0.96:
            return Block(self.rng.choice((Shape.JUMP, Shape.RAISE)))
        return Block(Shape.CHILD)

    def _branches(self, depth: int, *, is_parallel: bool) -> tuple[Block, ...]:
        return tuple(self.sequence(depth + 1, is_parallel=is_parallel) for _ in range(self.rng.choice((2, 2, 3))))

    def _choice(self, depth: int, is_parallel: bool) -> Block:
        branches = list(self._branches(depth, is_parallel=is_parallel))
        if self.rng.random() < 0.3:
            how = "terminate" if is_parallel else self.rng.choice(("none", "terminate", "error", "escalation"))
            branches[-1] = Block(Shape.SEQUENCE, (self._leaf(), Block(Shape.STOP, how=how)))
        return Block(Shape.CHOICE, tuple(branches))

    def _fork(self, depth: int, is_parallel: bool) -> Block:
        del is_parallel
        return Block(Shape.FORK, tuple(map(_with_exit, self._branches(depth, is_parallel=True))))

    def _some(self, depth: int, is_parallel: bool) -> Block:
        del is_parallel
        return Block(Shape.SOME, tuple(map(_with_exit, self._branches(depth, is_parallel=True))))

    def _race(self, depth: int, is_parallel: bool) -> Block:
        branches = self._branches(depth, is_parallel=is_parallel)
        return Block(Shape.RACE, branches, triggers=tuple(self.rng.choice((*CATCHES, "receive")) for _ in branches))

    def _loop(self, depth: int, is_parallel: bool) -> Block:
        body = _with_exit(self.sequence(depth + 1, is_parallel=is_parallel))
        return Block(Shape.LOOP, (body,), how=str(self.rng.randint(1, 3)))

    def _page(self, depth: int, is_parallel: bool) -> Block:
        del is_parallel  # a page is a scope of its own: what ends in it ends only it
        return Block(Shape.PAGE, (self.sequence(depth + 1, is_parallel=False),))

    def _sub(self, depth: int, is_parallel: bool) -> Block:
        del is_parallel
        parts, triggers = [self.sequence(depth + 1, is_parallel=False)], []
        if self.rng.random() < 0.4:
            trigger = self.rng.choice(
                ("error!", "escalation!", "escalation", *CATCHES, *(f"{each}!" for each in CATCHES))
            )
            triggers.append(trigger)
            parts.append(self.sequence(depth + 2, is_parallel=True))
        return Block(Shape.SUB, tuple(parts), triggers=tuple(triggers))

    def _turns(self, depth: int, is_parallel: bool) -> Block:
        inside = self.rng.choice((self._task, self._task, lambda: self._sub(depth, is_parallel)))()
        return Block(Shape.TURNS, (inside,), how=self.rng.choice(("loop", "par", "seq")))

    def _task(self) -> Block:
        return Block(Shape.TASK, how=self.rng.choice(("user", "manual", "script", "service", "phone", "sets")))

    def _guarded(self, depth: int, is_parallel: bool) -> Block:
        hosts = (
            self._host_task, self._host_task, lambda: self._page(depth, is_parallel), lambda: Block(Shape.CHILD),
            lambda: self._sub(depth, is_parallel), lambda: self._turns(depth, is_parallel),
        )  # fmt: skip
        host = self.rng.choice(hosts)()
        if host.shape is Shape.TURNS and host.parts[0].how in {"script", "service", "sets"}:
            host = self._host_task()
        triggers, handlers = [], []
        for _ in range(self.rng.choice((1, 1, 2))):
            interrupts = self.rng.random() < 0.5
            choices: tuple[str, ...] = CATCHES if interrupts else GUARDS
            if host.shape in {Shape.CHILD, Shape.SUB, Shape.PAGE}:
                choices = ("error", "escalation", *CATCHES) if interrupts else ("escalation", *GUARDS)
            triggers.append(self.rng.choice(choices) + ("!" if interrupts else ""))
            handlers.append(_with_exit(self.sequence(depth + 2, is_parallel=True)))
        how = "merge" if is_parallel or self.rng.random() < 0.5 else ""
        return Block(Shape.GUARDED, (host, *handlers), how=how, triggers=tuple(triggers))

    def _host_task(self) -> Block:
        return Block(Shape.TASK, how=self.rng.choice(("user", "manual", "receive", "phone")))


def _with_exit(block: Block) -> Block:
    return block if has_exit(block) else Block(Shape.TASK, how="user")
