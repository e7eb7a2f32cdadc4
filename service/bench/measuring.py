"""The benchmark as a whole: which rows, at what size, and what is kept of it."""

import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from service.bench import against, over_days, over_postgres, over_time, pages
from service.bench.bars import BESIDE, WANTED, Bar, compared, printed, remember
from service.bench.over_http import OTHERS, Size, crowded, task_rows
from service.bench.seeding import Say, seed
from service.domain.clock import Clock

ALL = frozenset({*WANTED, *BESIDE})


@dataclass(frozen=True, slots=True)
class Run:
    """What is asked of one run; `scale` 1 is the size the bars name."""

    folder: Path
    wanted: frozenset[str] = ALL
    scale: float = 1.0
    database: str = ""  # of S14, or to be seeded; without one a server of its own is started
    seed_only: int = 0  # so many open instances are made, and nothing is measured

    def of(self, full: int, least: int = 1) -> int:
        """A size of the bars at this run's scale."""
        return max(least, round(full * self.scale))


Measure = Callable[[Run, Path, Say], list[Bar]]


def run_bench(run: Run, clock: Clock, *, as_json: bool, say: Say) -> Iterator[str]:
    """Measure, then say what came out, line by line; `say` hears how far it is.

    Raises LoadFailed if a request was not answered well, ValueError for a bar there is not.
    """
    if unknown := run.wanted - ALL:
        message = f"no such bar: {', '.join(sorted(unknown))}; there are {', '.join(sorted(ALL))}"
        raise ValueError(message)
    if run.seed_only:
        yield from _seeded(run, say)
        return
    run.folder.mkdir(parents=True, exist_ok=True)
    found = compared(measure(run, say), run.folder, scale=run.scale)
    remember(found, run.folder, now=clock.now(), scale=run.scale)
    yield from printed(found, as_json=as_json)


def _seeded(run: Run, say: Say) -> Iterator[str]:
    """An installation with so many open instances, for whoever wants to look around in it; it stays."""
    folder = run.folder / f"seeded-{run.seed_only}"
    if folder.exists():
        message = f"{folder} is there already; remove it, or serve it: TOCSIN_DATA_DIR={folder} tocsin serve"
        raise ValueError(message)
    contacts = min(OTHERS, run.seed_only - 1)
    incidents = -(-run.seed_only // (contacts + 1))
    seed(folder, incidents=incidents, contacts=contacts, say=say, database=run.database)
    yield f"{incidents * (contacts + 1)} open instances in {incidents} incidents: {folder}"
    yield f"TOCSIN_DATA_DIR={folder} tocsin serve"


def measure(run: Run, say: Say) -> list[Bar]:
    """Every row that is wanted."""
    bars: list[Bar] = []
    for rows, work in MEASURES.items():
        if run.wanted & rows:
            with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name:
                bars += work(run, Path(name), say)
    return bars


def _size(run: Run) -> Size:
    return Size(run.of(64, 2), run.of(1_000, 20), run.of(1_000, 3))


def _over_http(run: Run, folder: Path, say: Say) -> list[Bar]:
    return task_rows(folder, _size(run), run.wanted, say)


def _crowded(run: Run, folder: Path, say: Say) -> list[Bar]:
    return crowded(folder, _size(run), run.of(100_000, 20), say)


def _nodes(run: Run, folder: Path, say: Say) -> list[Bar]:
    return over_postgres.nodes(folder, _size(run), run.database, say)


def _bpmn_engine(run: Run, folder: Path, say: Say) -> list[Bar]:
    return against.bpmn_engine(folder, run.folder / "peers", run.of(200, 5), say)


def _dbos(run: Run, folder: Path, say: Say) -> list[Bar]:
    return against.dbos(folder, run.folder / "peers", run.of(200, 5), say)


def _due_together(run: Run, folder: Path, say: Say) -> list[Bar]:
    return over_time.due_together(folder, run.of(100_000, 100), say)


def _late(run: Run, folder: Path, say: Say) -> list[Bar]:
    return over_time.late(folder, run.of(10_000, 30), run.of(600, 20), say)


def _empty_poll(run: Run, folder: Path, say: Say) -> list[Bar]:
    return over_time.empty_poll(folder, run.of(1_000_000), say)


def _memory(run: Run, folder: Path, say: Say) -> list[Bar]:
    return over_time.memory(folder, run.of(2_000, 50), say)


def _pages(run: Run, folder: Path, say: Say) -> list[Bar]:
    return pages.pages(folder, run.scale, run.of(250, 2), say)


def _days(run: Run, folder: Path, say: Say) -> list[Bar]:
    return over_days.drill(folder, run.of(100, 2), run.of(18, 1), say)


MEASURES: dict[frozenset[str], Measure] = {
    frozenset({"L", "S1", "S2", "S1p", "S3"}): _over_http,
    frozenset({"S4"}): _crowded,
    frozenset({"S5", "N"}): _bpmn_engine,
    frozenset({"S6", "D"}): _dbos,
    frozenset({"S7", "E"}): _due_together,
    frozenset({"S8"}): _late,
    frozenset({"S9"}): _empty_poll,
    frozenset({"S10"}): _memory,
    frozenset({"S11"}): _pages,
    frozenset({"S13"}): _days,
    frozenset({"Lp", "S14", "S14n", "S14a"}): _nodes,
}


def bench_options(sub: ArgumentParser) -> None:
    """The options of the command."""
    sub.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    sub.add_argument("--database", default="", help="an empty PostgreSQL database for S14; without it one is started")
    sub.add_argument(
        "--seed-only", type=int, default=0, metavar="N", help="make an installation of N instances, and stop"
    )
    sub.add_argument("--only", default="", help="bars to measure, such as S1,S3")
    sub.add_argument("--scale", type=float, default=1.0, help="share of the size the bars name")
