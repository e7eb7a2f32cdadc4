"""The command line `tocsin`."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import uvicorn

from service import logs
from service.app import create_app, key_commands, run_worker
from service.application import accounts, definition_versions, definitions, directory_import, projections, watchdog
from service.application.queries import rule_book
from service.backup import backup_commands
from service.bench.measuring import ALL, Run, bench_options, run_bench
from service.bootstrap import Tocsin, build, build_services, deploy_shipped
from service.demo import district, people
from service.domain import commands as cmd
from service.domain.access import ADMINISTRATOR, Principal
from service.domain.clock import SystemClock
from service.domain.errors import DefinitionRefused, TocsinError
from service.engine.layout import layout
from service.engine.model import Finding
from service.engine.render import render_png, render_svg
from service.live import Hub
from service.persistence import chain
from service.persistence.database import migrate
from service.persistence.unit_of_work import UnitOfWork
from service.settings import Settings
from service.simulation import run_simulation, simulate_options
from service.simulation.drill_run import drill_commands
from service.simulation.scenario_lint import scenario_findings

OPERATOR = Principal("system", "", {"": frozenset({ADMINISTRATOR})})  # who has the machine
Command = Callable[[argparse.Namespace, Settings], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    settings = Settings()
    clock = SystemClock()
    logs.configure(now=clock.now, log_format=settings.log_format, level=settings.log_level)
    command: Command = options.command
    try:
        return command(options, settings)
    except TocsinError as error:
        _say(error.text(settings.locale), sys.stderr)
        return 1


def _say(text: str, stream: TextIO | None = None) -> None:
    out = stream or sys.stdout
    out.write(f"{text}\n")
    out.flush()


# --- running ----------------------------------------------------------------------------------


def serve(options: argparse.Namespace, settings: Settings) -> int:
    """Serve pages, API and background work in this process; it brings database, demo and procedures along."""
    tocsin = _brought_along(settings)
    _announce(settings)
    uvicorn.run(
        create_app(tocsin, with_worker=not options.no_worker), host=settings.host, port=settings.port,
        log_config=None, access_log=False, timeout_graceful_shutdown=3,
    )  # fmt: skip
    return 0


def _brought_along(settings: Settings) -> Tocsin:
    """The product with schema, demo and procedures.

    Of processes that start together the first one brings them and the others wait, workers too: one that did
    not would work the timers of the demo while it is being lived through on a clock of its own.
    """
    _say("[1/3] database")
    _migrate(settings)
    tocsin = build(settings)
    with tocsin.database.alone("start"):
        if settings.demo:
            _say("[2/3] demo district")
            district.load(tocsin, only_if_empty=True, deploy=deploy_shipped, say=_say)
        _say("[3/3] procedures")
        deploy_shipped(tocsin)
    return tocsin


def _announce(settings: Settings) -> None:
    _say(f"Tocsin 警钟: {settings.public_url}")
    if settings.demo:
        _say(f"demo accounts, password {people.PASSWORD}: " + " ".join(people.usernames()))


def worker(_options: argparse.Namespace, settings: Settings) -> int:
    """Do background work only, until told to end; it brings database, demo and procedures along."""
    run_worker(_brought_along(settings))
    return 0


def _migrate(settings: Settings) -> None:
    if settings.owner_database_url:
        migrate(settings.owner_database_url, application=settings.database)
    else:
        migrate(settings.database)


def migrate_schema(_options: argparse.Namespace, settings: Settings) -> int:
    """Bring the schema up to date."""
    _migrate(settings)
    return 0


def _deploy(tocsin: Tocsin, name: str, content: dict[str, str]) -> definitions.Deployed:
    store = tocsin.services.definitions
    return tocsin.run(lambda uow: definitions.deploy(uow, store, name, content, actor="system"))


def demo(options: argparse.Namespace, settings: Settings) -> int:
    """Load the demo district; with --if-empty only into an empty database."""
    if not settings.demo:
        _say("the demo accounts have a known password: set TOCSIN_DEMO=1 if that is meant", sys.stderr)
        return 1
    _migrate(settings)
    tocsin = build(settings)
    try:
        district.load(tocsin, only_if_empty=options.if_empty, deploy=deploy_shipped, say=_say)
    finally:
        tocsin.stop()
    return 0


def create_administrator(options: argparse.Namespace, settings: Settings) -> int:
    """Create the first account of a real installation; the password is typed, never a default."""
    password = getpass.getpass("password: ") if options.password_stdin is False else sys.stdin.readline().rstrip("\n")
    _migrate(settings)
    tocsin = build(settings)
    tocsin.run(lambda uow: accounts.create_administrator(uow, options.username, options.name, password))
    tocsin.stop()
    return 0


def import_organisations(options: argparse.Namespace, settings: Settings) -> int:
    """Take over a workbook of organisations, people and rosters; with a fault in it nothing is written."""
    migrate(settings.database)
    tocsin = build(settings)
    try:
        directory = directory_import.Importing(tocsin.database, tocsin.run, tocsin.services, tocsin.sealer)
        command = directory_import.StartImport("", options.file, Path(options.file).read_bytes())
        looks = {"remove": options.remove, "only_look": options.check, "locale": settings.locale}
        code = 0
        for is_fault, line in directory.whole(command, **looks):
            _say(line)
            code |= is_fault
        return code
    finally:
        tocsin.stop()


# --- definitions ------------------------------------------------------------------------------


def lint(options: argparse.Namespace, settings: Settings) -> int:
    """Print findings; exit code 1 if any is an error."""
    if options.rules:
        for line in rule_book.printed(as_json=options.format == "json"):
            _say(line)
        return 0
    services = build_services(settings, SystemClock(), Hub())
    known = _needs(settings)
    findings: list[Finding] = []
    for path in map(Path, options.paths):
        scenarios = scenario_findings(path, settings, services)
        if scenarios is None:
            name, content = _bundle(path, settings)
            findings += services.definitions.read(name, content, known_procedures=known)[1]
        findings += scenarios or []
    _print_findings(findings, as_json=options.format == "json")
    return int(any(finding.severity == "error" for finding in findings))


def _needs(settings: Settings) -> dict[str, tuple[str, ...]]:
    folders = [path for path in settings.workflows_dir.iterdir() if path.is_dir()]
    return {each.name: definitions.needs_of(each.name, definitions.folder_content(each, each)) for each in folders}


def _bundle(path: Path, settings: Settings) -> tuple[str, dict[str, str]]:
    decisions = settings.workflows_dir / "decisions"
    if path.is_dir():
        return path.name, definitions.folder_content(path, decisions)
    content = {path.name: path.read_text("utf-8", errors="replace")}
    for table in sorted(decisions.glob("*.dmn")):
        if f'tocsin:decision="{table.stem}"' in content[path.name]:
            content[table.name] = table.read_text("utf-8")
    return path.stem, content


def _print_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    for finding in findings:
        if as_json:
            names = ("file", "element", "rule", "severity", "message")
            way = {"path": finding.path, "tokens": finding.tokens} if finding.path else {}
            _say(json.dumps({name: getattr(finding, name) for name in names} | way, ensure_ascii=False))
        else:
            _say(f"{finding.file}:{finding.element} {finding.severity} {finding.rule}: {finding.message}")


def deploy(options: argparse.Namespace, settings: Settings) -> int:
    """Lint and deploy bundles; a refused one changes nothing."""
    _migrate(settings)
    tocsin = build(settings)
    code = 0
    for path in options.paths:
        name, content = _bundle(Path(path), settings)
        try:
            done = _deploy(tocsin, name, content)
            _say(f"{done.procedure} {done.version}{'' if done.is_new else ' (unchanged)'}")
        except DefinitionRefused as refused:
            _print_findings(refused.findings, as_json=False)
            code = 1
    tocsin.stop()
    return code


def activate(options: argparse.Namespace, settings: Settings) -> int:
    """Let new incidents begin with a version of a procedure; running ones stay on theirs."""
    return _switch(options, settings, definition_versions.activate, cmd.ActivateVersion)


def retire(options: argparse.Namespace, settings: Settings) -> int:
    """Let no new incident begin with the version of a procedure that is in use; running ones go on."""
    return _switch(options, settings, definition_versions.retire, cmd.RetireVersion)


def _switch(options: argparse.Namespace, settings: Settings, use_case: Any, make: Any) -> int:
    tocsin = build(settings)
    command = make(options.procedure, options.version, options.reason)
    try:
        changed = tocsin.run(lambda uow: use_case(uow, tocsin.services, OPERATOR, command))
    finally:
        tocsin.stop()
    _say(f"{options.procedure} {options.version}{'' if changed else ' (unchanged)'}")
    return 0


def simulate(options: argparse.Namespace, settings: Settings) -> int:
    """Run a definition headless and print one event a line."""
    for line in run_simulation(settings, options):
        _say(line)
    return 0


def draw_layout(options: argparse.Namespace, _settings: Settings) -> int:
    """Draw diagrams in place, keeping positions with --keep."""
    for path in map(Path, options.files):
        path.write_bytes(layout(path.read_bytes(), keep=options.keep))
    return 0


def render(options: argparse.Namespace, _settings: Settings) -> int:
    """Export the picture of a diagram as SVG or PNG, by the ending of the output file."""
    svg = render_svg(Path(options.file).read_bytes(), locale=options.locale, sheet=options.sheet)
    out = Path(options.output)
    if out.suffix == ".png":
        render_png(svg, out)
    else:
        out.write_text(svg, "utf-8")
    return 0


# --- proof ------------------------------------------------------------------------------------


def verify_audit(_options: argparse.Namespace, settings: Settings) -> int:
    """Check the hash chain; exit code 1 and the first bad event if it is broken."""
    tocsin = build(settings)
    with tocsin.read() as connection:
        report = chain.verify(connection)
    tocsin.stop()
    _say(json.dumps({"ok": report.ok, "events": report.events, "first_bad": str(report.first_bad or "")}))
    return int(not report.ok)


def find_stuck(options: argparse.Namespace, settings: Settings) -> int:
    """Look for processes that stand still without an error, a finding a line; exit code 1 if there is one."""
    tocsin = build(settings)
    with tocsin.read() as connection:
        found = watchdog.look(connection, tocsin.services, tocsin.clock.now(), deep=True)
    for each in found:
        _say(json.dumps({"incident": each.incident, **asdict(each.failure)}, ensure_ascii=False))
    if options.record:
        for incident in dict.fromkeys(each.incident for each in found):
            tocsin.run(partial(watchdog.put_found, services=tocsin.services, incident=incident, deep=True))
    tocsin.stop()
    return int(bool(found))


def rebuild_projections(_options: argparse.Namespace, settings: Settings) -> int:
    """Empty the read tables and apply the log again, incident by incident."""
    tocsin = build(settings)
    with tocsin.read() as connection:
        streams = projections.incident_streams(connection)
        organisations = projections.organisation_streams(connection)
    for incident in streams:
        _say(f"{incident} {tocsin.run(partial(_rebuild, incident))}")
    for stream in organisations:
        _say(f"{stream} {tocsin.run(partial(_rebuild_roster, stream))}")
    tocsin.stop()
    return 0


def bench(options: argparse.Namespace, settings: Settings) -> int:
    """Measure this machine and the product on it against the bars; nothing of yours is touched."""
    only = frozenset(filter(None, options.only.split(",")))
    logs.configure(now=SystemClock().now, level="error")
    run = Run(settings.data_dir / "bench", only or ALL, options.scale, options.database, options.seed_only)
    try:
        for line in run_bench(run, SystemClock(), as_json=options.json, say=_progress):
            _say(line)
    except ValueError as error:
        _progress(str(error))
        return 2
    return 0


def _progress(text: str) -> None:
    _say(text, sys.stderr)


def _rebuild(incident: str, uow: UnitOfWork) -> int:
    return projections.rebuild(uow, incident)


def _rebuild_roster(stream: str, uow: UnitOfWork) -> int:
    return projections.rebuild_roster(uow, stream)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tocsin", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, function: Command) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=(function.__doc__ or "").splitlines()[0])
        sub.set_defaults(command=function)
        return sub

    add("serve", serve).add_argument("--no-worker", action="store_true", help="pages and API only")
    add("worker", worker)
    add("migrate", migrate_schema)
    add("demo", demo).add_argument("--if-empty", action="store_true")
    admin = add("create-administrator", create_administrator)
    admin.add_argument("username")
    admin.add_argument("--name", default="")
    admin.add_argument("--password-stdin", action="store_true")
    book = add("import-organisations", import_organisations)
    book.add_argument("file")
    book.add_argument("--check", action="store_true", help="say what would change, write nothing")
    book.add_argument("--remove", action="store_true", help="end roles and rosters entries the workbook does not name")
    check = add("lint", lint)
    check.add_argument("paths", nargs="*")
    check.add_argument("--format", choices=["text", "json"], default="text")
    check.add_argument("--rules", action="store_true", help="list every rule")
    add("deploy", deploy).add_argument("paths", nargs="+")
    for name, switch in (("activate", activate), ("retire", retire)):
        version = add(name, switch)
        version.add_argument("procedure")
        version.add_argument("version", type=int)
        version.add_argument("--reason", required=True)
    simulate_options(add("simulate", simulate))
    drawing = add("layout", draw_layout)
    drawing.add_argument("files", nargs="+")
    drawing.add_argument("--keep", action="store_true", help="keep what a person has placed")
    picture = add("render", render)
    picture.add_argument("file")
    picture.add_argument("-o", "--output", required=True)
    picture.add_argument("--locale", default="zh")
    picture.add_argument("--sheet", default="", help="id of an event sub-process that is drawn closed")
    add("verify-audit", verify_audit)
    add("check", find_stuck).add_argument("--record", action="store_true", help="make engine incidents of them")
    add("rebuild-projections", rebuild_projections)
    for more in (key_commands, backup_commands, drill_commands):
        more(add)
    bench_options(add("bench", bench))
    return parser


if __name__ == "__main__":
    sys.exit(main())
