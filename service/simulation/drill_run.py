"""`tocsin drill run`: a whole drill with simulated roles, on a database that is thrown away afterwards."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from service import logs
from service.application import accounts, drills, scenario_drills
from service.application.queries import Reader, evaluation, incident_pages
from service.application.queries import drills as pages
from service.bootstrap import Tocsin, build, deploy_shipped
from service.demo import people
from service.domain import commands as cmd
from service.domain.access import Principal
from service.domain.calendar import local
from service.domain.clock import SettableClock, SystemClock, monotonic_seconds
from service.domain.errors import ValueRefused
from service.domain.evaluation import Evaluation
from service.domain.scenarios import Scenario
from service.persistence.database import migrate
from service.settings import Settings

Say = Callable[[str], None]
TRAINER, SCHOOL = "trainer", "demo-school"
JUMP, LONGEST = timedelta(hours=6), timedelta(days=60)
MAX = "max"


@contextmanager
def stage(settings: Settings) -> Iterator[Tocsin]:
    """A product of its own with the demo district, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tocsin-drill-") as folder:
        own = settings.model_copy(update={"data_dir": Path(folder), "database_url": "", "demo": True})
        migrate(own.database)
        tocsin = build(own, SettableClock(SystemClock().now()))
        try:
            tocsin.run(lambda uow: people.load_people(uow, "none"))
            deploy_shipped(tocsin)
            yield tocsin
        finally:
            tocsin.stop()


def play(tocsin: Tocsin, scenario: str, seed: int | None, say: Say, *, most: timedelta = LONGEST) -> str:
    """Begin a drill with every role simulated and let it run as fast as it can; returns its id.

    It ends when its incident is closed, or when the time the scenario says, or `most`, is over.
    Raises what beginning one raises.
    """
    trainer = principal_of(tocsin, TRAINER)
    begin = cmd.BeginScenario(scenario, SCHOOL, speed=0, seed=seed, on_loss="run", trial=True)
    drill = tocsin.run(lambda uow: scenario_drills.begin(uow, tocsin.services, trainer, begin))
    with tocsin.read() as connection:
        script = pages.drill_row(reader_of(tocsin, connection, trainer), drill) or {}
    until = min(Scenario.of(script["script"]).lasts or LONGEST, most)
    passed = timedelta()
    while passed < until:
        jump = cmd.ControlClock(drill, "advance", by=f"PT{int(min(JUMP, until - passed).total_seconds())}S")
        tocsin.run(partial(drills.control, services=tocsin.services, principal=trainer, command=jump))
        tocsin.worker.tick()
        passed += min(JUMP, until - passed)
        with tocsin.read() as connection:
            row = incident_pages.one(reader_of(tocsin, connection, trainer), drill)
        if passed % timedelta(days=1) < JUMP or row.closed_at:
            say(f"{local(row.clock.now):%m-%d %H:%M} {row.status_label}, {row.open_tasks}")
        if row.closed_at:
            break
    return drill


def principal_of(tocsin: Tocsin, username: str) -> Principal:
    """Somebody of the demo district."""
    with tocsin.read() as connection:
        account = accounts.account_named(connection, username)
        if account is None:
            raise ValueRefused("account", f"没有账号 {username}", f"there is no account {username}")
        return accounts.principal_of_account(connection, account)


def reader_of(tocsin: Tocsin, connection: Any, who: Principal, locale: str = "zh_CN") -> Reader:
    """What somebody may see on a snapshot."""
    return Reader(connection, tocsin.sealer, tocsin.services, who, tocsin.clock.now(), locale)


def run_drill(options: argparse.Namespace, settings: Settings, say: Say) -> Iterator[str]:
    """Play and evaluate; the lines to print. `say` hears how far it is."""
    if options.speed != MAX:
        raise ValueRefused("speed", "命令行只能全速运行：max", "the command line runs at full speed only: max")
    began = monotonic_seconds()
    with stage(settings) as tocsin:
        drill = play(tocsin, options.scenario, options.seed, say)
        took = monotonic_seconds() - began
        with tocsin.read() as connection:
            reader = reader_of(tocsin, connection, principal_of(tocsin, TRAINER), settings.locale)
            row = incident_pages.one(reader, drill)
            found = evaluation.evaluate(reader, drill)
            seed = pages.page(reader, drill).seed
        if options.json:
            outcome = {"scenario": options.scenario, "seed": seed, "status": row.status, "result": row.result,
                       "seconds": round(took, 1), "evaluation": asdict(found)}  # fmt: skip
            yield json.dumps(outcome, ensure_ascii=False, default=_plain)
        else:
            yield from printed(found, settings.locale)
            yield f"{options.scenario} seed {seed}: {row.status_label} ({row.result}), {took:.1f} s"


def printed(found: Evaluation, locale: str) -> Iterator[str]:
    """An evaluation as lines."""
    for objective in found.objectives:
        yield f"[{objective.state or '-'}] {objective.title.text(locale)}"
        for each in objective.expectations:
            yield f"    [{each.state}] {each.expectation.title.text(locale) or each.expectation.element}"


def drill_commands(add: Callable[[str, Any], argparse.ArgumentParser]) -> None:
    """Add the command about drills to the command line."""
    sub = add("drill", drill)
    sub.add_argument("act", choices=["run"])
    sub.add_argument("scenario", help="id of a scenario of the folder workflows/scenarios")
    sub.add_argument("--speed", default=MAX, help="max: as fast as the machine can")
    sub.add_argument("--seed", type=int, default=None, help="what varies is drawn by it; without one at random")
    sub.add_argument("--json", action="store_true", help="one JSON object with the whole evaluation")


def drill(options: argparse.Namespace, settings: Settings) -> int:
    """Run a whole drill of a scenario with simulated roles and print its evaluation; nothing of yours is touched."""
    logs.configure(now=SystemClock().now, level="error")
    for line in run_drill(options, settings, lambda text: _write(sys.stderr, text)):
        _write(sys.stdout, line)
    return 0


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)
