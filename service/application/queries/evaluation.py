"""The evaluation of a drill, from its log alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application.evaluation_reading import asked, happenings, objectives_of, pinned, plan_of
from service.application.queries.reader import Reader, incidents
from service.domain.errors import NotADrill
from service.domain.evaluation import Comparison, EarlierDrill, Evaluation, compare
from service.domain.evaluation import evaluate as evaluated
from service.domain.evaluation_material import course_of
from service.domain.scenario_parts import Objective
from service.engine.model import Bundle
from service.persistence import tables as t

events = t.table_of(t.EventRow)

MOST_EARLIER = 5  # drills of the same plan that one is compared with


def evaluate(reader: Reader, drill_id: str) -> Evaluation:
    """What came out of a drill, or has so far. Raises NoSuch where the reader may not see it, NotADrill."""
    row = reader.incident(drill_id)
    if row["kind"] != "drill":
        raise NotADrill(row["number"])
    return _evaluated(reader, row)


def comparison(reader: Reader, drill_id: str, evaluation: Evaluation) -> Comparison:
    """The evaluation beside those of earlier drills of the same procedure in the same organisation."""
    row = reader.incident(drill_id)
    earlier = [
        EarlierDrill(each["id"], each["number"], each["opened_at"], _evaluated(reader, each))
        for each in _earlier(reader, row)
    ]
    return compare(evaluation, earlier)


def log_of(reader: Reader, incident: str) -> list[dict[str, Any]]:
    """Every event of an incident, in order."""
    return reader.rows(select(events).where(events.c.stream == incident).order_by(events.c.seq))


def began(reader: Reader, drill: str) -> datetime:
    """The true time a drill began."""
    first = select(events.c.real_at).where(events.c.stream == drill, events.c.seq == 1)
    return reader.rows(first)[0]["real_at"]  # type: ignore[no-any-return]  # a row holds whatever its columns are


def of_type(reader: Reader, incident: str, type_: str) -> list[dict[str, Any]]:
    """The events of one type, in order."""
    mine = select(events).where(events.c.stream == incident, events.c.type == type_)
    return reader.rows(mine.order_by(events.c.seq))


def _evaluated(reader: Reader, row: Mapping[str, Any]) -> Evaluation:
    log = log_of(reader, row["id"])
    objectives = objectives_of(log)
    found = happenings(reader.connection, reader.sealer, log, asked(objectives))
    course = course_of(found, reader.now_of(row["clock"]))
    return evaluated(
        course, plan_of(row["procedure"], _bundles(reader, log, objectives)), reader.services.deadline_rules, objectives
    )


def _bundles(reader: Reader, log: Sequence[Mapping[str, Any]], objectives: Sequence[Objective]) -> dict[str, Bundle]:
    """The definitions that ran, and of steps that are expected but never came up the one in use that has them."""
    read = {procedure: reader.readable(procedure, version) for procedure, version in pinned(log).items()}
    found = {procedure: bundle for procedure, bundle in read.items() if bundle is not None}
    expected = {each.element for objective in objectives for each in objective.expectations}
    missing = {each for each in expected if not any(bundle.node(each) for bundle in found.values())}
    deployed = t.table_of(t.Definition)
    in_use = select(deployed.c.procedure, deployed.c.version).where(deployed.c.is_active.is_(True))
    for row in reader.rows(in_use.order_by(deployed.c.procedure)) if missing else ():
        bundle = reader.readable(row["procedure"], row["version"])
        if row["procedure"] not in found and bundle is not None and any(bundle.node(each) for each in missing):
            found[row["procedure"]] = bundle
    return found


def _earlier(reader: Reader, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Earlier drills of the plan but those a trainer tried on himself, the latest first, by their true beginning."""
    same = select(incidents, events.c.data).join(events, events.c.stream == incidents.c.id)
    same = same.where(events.c.type == "drill_created", events.c.real_at < began(reader, row["id"]), reader.in_scope)
    same = same.where(
        incidents.c.kind == "drill", incidents.c.procedure == row["procedure"], incidents.c.id != row["id"],
        incidents.c.organisation_id == row["organisation_id"],
    )  # fmt: skip
    found = reader.rows(same.order_by(events.c.real_at.desc(), incidents.c.id.desc()).limit(4 * MOST_EARLIER))
    return [each for each in found if not each["data"].get("trial")][:MOST_EARLIER]
