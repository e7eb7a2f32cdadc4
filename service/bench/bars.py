"""The bars of the design: what is measured, what it must reach, how it is said, and how it went before."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from service.settings import ROOT

HISTORY = "history.jsonl"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a bar asks: `sign` is ≥ or ≤, and it is asked of the ratio or, where `of_value`, of the figure itself."""

    sign: str
    must: float
    what: str
    of_value: bool = False

    def is_met(self, figure: float) -> bool:
        """Whether a figure reaches it."""
        return figure >= self.must if self.sign == "≥" else figure <= self.must


WANTED: Mapping[str, Wanted] = {
    "S1": Wanted("≥", 0.5, "a user task of the reference procedure completed over HTTP, ratio to L"),
    "S2": Wanted("≤", 5, "p99 of S1 to its p50"),
    "S3": Wanted("≥", 0.9, "office and contact tasks, 1,000 contacts an incident against 3"),
    "S4": Wanted("≥", 0.9, "office and contact tasks, 100,000 open instances in the store against 100"),
    "S5": Wanted("≤", 0.1, "per persisted task, one client without HTTP, ratio to N"),
    "S6": Wanted("≤", 0.5, "per persisted task, one client without HTTP, ratio to D"),
    "S7": Wanted("≥", 0.6, "100,000 timers due at once: claimed durably and stepped, ratio to E"),
    "S8": Wanted("≤", 1, "p99 of the lateness of timers, 10,000 open incidents, idle machine", of_value=True),
    "S9": Wanted("≤", 1, "an empty poll at 1,000,000 waiting timers", of_value=True),
    "S10": Wanted("≤", 20, "memory of a live contact instance", of_value=True),
    "S11": Wanted(
        "≤",
        100,
        "p99 of inbox and incident page, 2,000 organisations, 50,000 accounts, 10,000 incidents",
        of_value=True,
    ),
    "S13": Wanted("≤", 60, "14 days of an incident with 100 contacts, a drill of simulated roles", of_value=True),
    "S14": Wanted("≥", 0.4, "S1 on PostgreSQL, one node, ratio to Lp"),
    "S14n": Wanted("≥", 1.0, "S1 on PostgreSQL, two nodes against one, an incident's people at one of them"),
}
# Measured and shown beside the bars; they carry none themselves.
BESIDE: Mapping[str, str] = {
    "L": "limit of the machine: one durable HTTP write on raw SQLite",
    "S1p": "the dispatch tasks of P01 completed over HTTP, ratio to L (no bar: S1 carries it)",
    "N": "bpmn-engine 25, the same diagram, its state saved to SQLite after every task",
    "D": "dbos on SQLite, a recorded step",
    "Lp": "limit of the machine with PostgreSQL: one durable HTTP write",
    "S14a": "the same two nodes against one, everybody at any of them",
    "E": "timers the engine alone fires in memory",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure beside its bar. `cpu_ms` is processor time of the server per request, in milliseconds.

    `must` and `met` are None where no bar is set. `change` is the figure against the last run's, as a factor.
    """

    id: str
    what: str
    value: float
    unit: str
    ratio: float | None
    must: float | None
    met: bool | None
    cpu_ms: float | None = None
    change: float | None = None


def bar(id_: str, value: float, unit: str, *, ratio: float | None = None, cpu_ms: float | None = None) -> Bar:
    """A figure, judged. Raises KeyError for an unknown bar."""
    wanted = WANTED.get(id_)
    if wanted is None:
        return Bar(id_, BESIDE[id_], value, unit, ratio, None, None, cpu_ms)
    figure = value if wanted.of_value else ratio
    is_met = figure is not None and wanted.is_met(figure)
    return Bar(id_, wanted.what, value, unit, ratio, wanted.must, is_met, cpu_ms)


def printed(bars: Sequence[Bar], *, as_json: bool) -> Iterator[str]:
    """The measurements as a table, or as one JSON object."""
    if as_json:
        yield json.dumps({"bars": [asdict(each) for each in bars]}, ensure_ascii=False)
        return
    yield f"{'bar':5} {'figure':>11} {'unit':5} {'ratio':>7} {'must':>8}  met  {'cpu ms':>7} {'before':>7}  what"
    for each in bars:
        ratio, cpu, change = _number(each.ratio), _number(each.cpu_ms), _number(each.change, "×")
        met = {True: "yes", False: "NO", None: ""}[each.met]
        yield (
            f"{each.id:5} {each.value:11.2f} {each.unit:5} {ratio:>7} {_must(each):>8}  {met:3}  "
            f"{cpu:>7} {change:>7}  {each.what}"
        )


def _number(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{sign}{value:.3f}" if not sign else f"{sign}{value:.2f}"


def _must(each: Bar) -> str:
    return f"{WANTED[each.id].sign} {each.must:g}" if each.must is not None else ""


def compared(bars: Sequence[Bar], folder: Path, *, scale: float) -> list[Bar]:
    """The bars with their change against the newest earlier run of this scale that measured each."""
    before: dict[str, float] = {}
    for run in (each for each in _runs(folder) if each["scale"] == scale):
        before.update({row["id"]: row["value"] if row["ratio"] is None else row["ratio"] for row in run["bars"]})
    return [_with_change(each, before.get(each.id)) for each in bars]


def _with_change(each: Bar, before: float | None) -> Bar:
    now = each.value if each.ratio is None else each.ratio
    values = {**asdict(each), "change": now / before if before else None}
    return Bar(**values)


def remember(bars: Sequence[Bar], folder: Path, *, now: datetime, scale: float) -> None:
    """Put a run at the end of the history, with the commit it measured."""
    run = {"at": now.isoformat(timespec="seconds"), "commit": _commit(), "scale": scale}
    line = json.dumps({**run, "bars": [asdict(each) for each in bars]}, ensure_ascii=False)
    with (folder / HISTORY).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _runs(folder: Path) -> list[dict[str, Any]]:
    path = folder / HISTORY
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        # Fixed arguments of our own.
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""  # not a checkout, or no git
    return found.stdout.strip()
