"""S13: fourteen days of a confirmed case as a drill at full speed, every role simulated."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from service.application import scenario_copies, scenario_library
from service.application.scenario_copies import KeepScenario
from service.bench.bars import Bar, bar
from service.bench.seeding import Say
from service.bench.serving import product
from service.bootstrap import deploy_shipped
from service.demo import people
from service.domain.clock import SettableClock, SystemClock, monotonic_seconds
from service.persistence.database import migrate
from service.simulation.drill_run import SCHOOL, TRAINER, play, principal_of

SCENARIO, OWN = "sc02_confirmed_case", "bench_days"


def drill(folder: Path, contacts: int, days: int, say: Say) -> list[Bar]:
    """The wall time of the days; the product and its people are made before."""
    tocsin = product(folder, SettableClock(SystemClock().now()))
    try:
        migrate(tocsin.settings.database)
        tocsin.run(lambda uow: people.load_people(uow, "none"))
        deploy_shipped(tocsin)
        document = crowded(scenario_library.shipped(tocsin.services.scenarios)[SCENARIO].document, contacts)
        keep, trainer = KeepScenario(SCHOOL, OWN, document, 0), principal_of(tocsin, TRAINER)
        tocsin.run(lambda uow: scenario_copies.keep(uow, tocsin.services, trainer, keep))
        say(f"{days} days of a drill with {contacts} contacts")
        began = monotonic_seconds()
        play(tocsin, OWN, 7, say, most=timedelta(days=days))
        return [bar("S13", monotonic_seconds() - began, "s")]
    finally:
        tocsin.stop()


def crowded(document: Any, contacts: int) -> dict[str, Any]:
    """The scenario with so many contacts, all of one class."""
    listed = document["answers"]["t_list_contacts"]["data"]["rows"][0]
    judged = document["answers"]["r_contact_list"]["data"]["rows"][0]

    def rows(like: dict[str, Any]) -> list[dict[str, Any]]:
        named = [{**like["person"], "name": f"演练人员{number:03d}"} for number in range(contacts)]
        return [{**like, "person": person} for person in named]

    answers = {
        **document["answers"],
        "t_list_contacts": {"after": "PT10M", "data": {"rows": rows(listed)}},
        "r_contact_list": {"after": "PT14H", "data": {"rows": rows(judged)}},
    }
    return {**document, "answers": answers}
