"""S5 and S6: one client who completes task after task, beside other engines that store as much.

Ours is called without HTTP, like theirs, and does all it does for a person: rights, form, log, tables. The others are
installed into the benchmark's folder when they are first measured; where that fails, their row is absent.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from service.application import tasks
from service.bench import reference
from service.bench.bars import Bar, bar
from service.bench.seeding import Say, seed
from service.bench.serving import product
from service.domain import commands as cmd
from service.domain.clock import monotonic_seconds
from service.settings import ROOT

PEERS = Path(__file__).with_name("peers")
PACKAGES = ("bpmn-engine@25", "better-sqlite3@12")
DBOS = "dbos==3.4.0"
ROUNDS = 5
INSTALL_SECONDS, RUN_SECONDS = 900, 600

Seconds = Callable[[], float]


class Absent(Exception):
    """Another engine cannot be measured here."""


def bpmn_engine(folder: Path, tools: Path, count: int, say: Say) -> list[Bar]:
    """S5: seconds per completed task, ratio to bpmn-engine."""
    try:
        modules = _node_modules(tools, say)
    except Absent as reason:
        say(f"S5 is absent: {reason}")
        return []
    diagram = folder / "bench_round.bpmn"
    diagram.write_text(as_plain_bpmn((reference.DIAGRAMS / "bench_round.bpmn").read_text("utf-8")), "utf-8")
    script = shutil.copy(PEERS / "bpmn_engine.cjs", modules.parent)
    command = [_found("node"), str(script), str(diagram)]
    return _compared(("S5", "N"), folder, count, lambda file: _seconds([*command, file, str(count)]))


def dbos(folder: Path, tools: Path, count: int, say: Say) -> list[Bar]:
    """S6: seconds per completed task, ratio to a recorded step of dbos."""
    try:
        python = _dbos_python(tools, say)
    except Absent as reason:
        say(f"S6 is absent: {reason}")
        return []
    command = [str(python), "-m", "service.bench.peers.dbos_steps"]
    return _compared(("S6", "D"), folder, count, lambda file: _seconds([*command, file, str(count)]))


def as_plain_bpmn(text: str) -> str:
    """The reference procedure without what is ours: conditions decided, contacts a task that passes by itself."""
    inner = re.compile(r"\s*<bpmn:(extensionElements|multiInstanceLoopCharacteristics)\b.*?</bpmn:\1>", re.DOTALL)
    calls = re.compile(r"<bpmn:callActivity\b.*?</bpmn:callActivity>", re.DOTALL)
    text = calls.sub(lambda found: inner.sub("", found[0]).replace("bpmn:callActivity", "bpmn:task"), text)
    conditions = re.compile(r'>=F00\.outcome == "(.*?)"<')
    return conditions.sub(lambda found: ">${true}<" if found[1] == reference.ANSWER["outcome"] else ">${false}<", text)


def _compared(ids: tuple[str, str], folder: Path, count: int, theirs: Callable[[str], float]) -> list[Bar]:
    with _Client(folder / "ours") as client:
        client.complete(count)
        pairs = [(client.complete(count), theirs(str(folder / f"theirs-{turn}.db"))) for turn in range(ROUNDS)]
    ratio = statistics.median(mine / other for mine, other in pairs)
    per_task = [statistics.median(column) * 1000 / count for column in zip(*pairs, strict=True)]
    return [bar(ids[0], per_task[0], "ms", ratio=ratio), bar(ids[1], per_task[1], "ms")]


class _Client:
    """Somebody of the office who answers one task after the other."""

    def __init__(self, folder: Path) -> None:
        incident = seed(folder, incidents=1, contacts=0, say=_quiet)[0]
        self._tocsin = product(folder)
        self._office = reference.principal(self._tocsin, "coordinator")
        with self._tocsin.read() as connection:
            self._task = reference.open_tasks(connection, [incident])[incident][reference.CALL][0]

    def __enter__(self) -> "_Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._tocsin.stop()

    def complete(self, count: int) -> float:
        """Answer so many tasks; returns the seconds it took."""
        began = monotonic_seconds()
        for _ in range(count):
            command = cmd.CompleteTask(self._task, reference.ANSWER)
            services = self._tocsin.services
            work = partial(tasks.complete, services=services, principal=self._office, command=command)
            self._task = self._tocsin.run(work).opened[0]
        return monotonic_seconds() - began


def _quiet(_text: str) -> None:
    """One incident is no progress to tell."""


def _node_modules(tools: Path, say: Say) -> Path:
    folder = tools / "node"
    modules = folder / "node_modules"
    if not (modules / "better-sqlite3" / "build").exists():
        say(f"installing {' '.join(PACKAGES)}; where it has to be compiled this takes some minutes")
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts=false"]
        _installed([_found("npm"), "install", *options, *PACKAGES])
    return modules


def _dbos_python(tools: Path, say: Say) -> Path:
    folder = tools / "dbos"
    python = folder / "bin" / "python"
    if not list(folder.glob("lib/*/site-packages/dbos")):
        say(f"installing {DBOS}")
        venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
        _installed([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", DBOS])
    return python


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        message = f"there is no {program} on the search path"
        raise Absent(message)
    return path


def _installed(command: Sequence[str]) -> None:
    # Programs found above, with fixed arguments.
    done = subprocess.run(  # noqa: S603
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        raise Absent(done.stderr.strip()[-500:])


def _seconds(command: Sequence[str]) -> float:
    # Programs found above, with fixed arguments and files of our own.
    done = subprocess.run(  # noqa: S603
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=RUN_SECONDS, check=True
    )
    return float(json.loads(done.stdout)["seconds"])
