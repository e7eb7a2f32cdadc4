"""Soundness at deployment: every level of every page always can end, ends with nothing left, and has no dead part.

The token game of a level is played through, up to `STATES` markings. What is found names the shortest
way there: the nodes that fired in order, and where the tokens are then.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from service.engine.model import Finding, Kind, Process
from service.engine.rules import finding
from service.engine.token_game import Game, Marking

STATES: Final = 20_000
"""Markings tried per level; a level with more is refused as too complex. The rule's text says so, too."""
TOKENS: Final = 30
_SHOWN: Final = 12


def check_soundness(process: Process) -> Iterator[Finding]:
    """Findings about the levels of a page, the main flow first."""
    inner = [node.id for node in process.nodes.values() if node.kind in {Kind.SUBPROCESS, Kind.EVENT_SUBPROCESS}]
    for level in ["", *inner]:
        yield from _check_level(process, level)


def _check_level(process: Process, level: str) -> Iterator[Finding]:
    game = Game(process, level)
    starts = [node.id for node in process.level(level) if node.kind is Kind.START]
    if not any(node.kind is Kind.END for node in process.level(level)):
        return  # a finding of its own
    fired: set[str] = set(starts)
    found: list[Finding] = []
    for start in starts:
        played = _Played(game, start)
        played.explore()
        fired |= played.fired
        found += played.judge()
    seen: set[tuple[str, str]] = set()
    for each in found:
        if (each.rule, each.element) not in seen:
            seen.add((each.rule, each.element))
            yield each
    if starts and not found:
        yield from _dead(process, level, fired)


def _dead(process: Process, level: str, fired: set[str]) -> Iterator[Finding]:
    """Nodes that no way of playing reaches; those no flow leads to have a finding of their own."""
    for node in process.level(level):
        if node.id not in fired and node.kind is not Kind.EVENT_SUBPROCESS and process.incoming(node.id):
            yield finding("node_dead", process.file, node.id)


@dataclass(slots=True)
class _Played:
    """The markings reached from one start event, with the move that first led to each."""

    game: Game
    start: str
    fired: set[str] = field(default_factory=set)
    came: dict[Marking, tuple[Marking | None, str]] = field(default_factory=dict)
    leads: dict[Marking, list[Marking]] = field(default_factory=dict)
    is_cut: bool = False

    def explore(self) -> None:
        """Play breadth first, so that the way to each marking is a shortest one."""
        first = self.game.begin(self.start)
        self.came[first] = (None, self.start)
        pending = [first]
        for marking in pending:
            moves = self.game.moves(marking)
            self.leads[marking] = [move.after for move in moves]
            self.fired.update(move.node for move in moves)
            for move in moves:
                if move.after not in self.came:
                    self.came[move.after] = (marking, move.node)
                    pending.append(move.after)
            if len(pending) > STATES or len(marking) > TOKENS:
                self.is_cut = True
                return

    def judge(self) -> list[Finding]:
        """What is wrong with the markings reached."""
        process = self.game.process
        if self.is_cut:
            return [finding("too_complex", process.file, self.game.level or process.id, limit=STATES)]
        stuck = [marking for marking, after in self.leads.items() if marking and not after]
        if stuck:
            return [self._stuck(marking) for marking in stuck]
        crowded = [marking for marking in self.leads if self._crowd(marking)]
        if crowded:
            return [self._crowded(crowded[0])]
        lost = [marking for marking in self.leads if marking not in self._ending()]
        return [self._endless(lost[0])] if lost else []

    def _ending(self) -> set[Marking]:
        """Markings from which the level can end."""
        before: dict[Marking, list[Marking]] = {}
        for marking, after in self.leads.items():
            for each in after:
                before.setdefault(each, []).append(marking)
        ending = {marking for marking in self.leads if not marking}
        pending = list(ending)
        while pending:
            for marking in before.get(pending.pop(), []):
                if marking not in ending:
                    ending.add(marking)
                    pending.append(marking)
        return ending

    def _crowd(self, marking: Marking) -> str:
        """The join at which two tokens wait on one flow, "" if there is none."""
        twice = [token for token, count in Counter(marking).items() if count > 1 and not token.startswith("@")]
        for token in twice:
            node = self.game.process.nodes[self.game.at(token)]
            if node.kind in {Kind.AND, Kind.OR} and len(self.game.incoming[node.id]) > 1:
                return node.id
        return ""

    # --- telling ------------------------------------------------------------------------------------

    def _stuck(self, marking: Marking) -> Finding:
        join = self.game.at(marking[0])
        missing = [flow.id for flow in self.game.incoming[join] if flow.id not in marking]
        made = finding("join_deadlock", self.game.process.file, join, missing=", ".join(missing), **self._way(marking))
        return self._drawn(made, marking)

    def _crowded(self, marking: Marking) -> Finding:
        made = finding("join_unsafe", self.game.process.file, self._crowd(marking), **self._way(marking))
        return self._drawn(made, marking)

    def _endless(self, marking: Marking) -> Finding:
        made = finding("never_ends", self.game.process.file, self.game.at(marking[0]), **self._way(marking))
        return self._drawn(made, marking)

    def _drawn(self, made: Finding, marking: Marking) -> Finding:
        return replace(made, path=tuple(self._path(marking)), tokens=marking)

    def _path(self, marking: Marking) -> list[str]:
        path = []
        at: Marking | None = marking
        while at is not None:
            at, node = self.came[at]
            path.append(node)
        return path[::-1]

    def _way(self, marking: Marking) -> dict[str, str]:
        return {"path": shown_path(self._path(marking)), "tokens": ", ".join(marking)}


def shown_path(path: Sequence[str]) -> str:
    """A path in one line; of a long one the beginning and the end."""
    return " → ".join(path if len(path) <= _SHOWN else [*path[:3], "…", *path[4 - _SHOWN :]])
