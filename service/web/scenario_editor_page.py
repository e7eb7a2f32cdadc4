"""Changing an own scenario: its texts and times, its beginning, who plays what, what is expected, the events list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import scenario_copies
from service.application.queries import scenarios
from service.application.scenario_copies import KeepScenario
from service.domain.errors import NoSuch, RevisionChanged, ScenarioFault, ScenarioRefused
from service.domain.scenario_parts import EXPECTATION_KINDS, INJECT_KINDS, PLAYERS
from service.domain.scenario_sheets import (
    ABSENT,
    ANSWERS,
    COLUMNS,
    EXPECTED,
    HEAD,
    INJECTS,
    ROLES,
    Row,
    Sheets,
    from_sheets,
    placed,
    to_sheets,
)
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.scenario_page import told
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# Sheets that are edited, by the column without which a row is none.
EDITED = {EXPECTED: "id", INJECTS: "id", ROLES: "role", ANSWERS: "element", ABSENT: "role"}
HEADS = ("title_zh", "title_en", "summary_zh", "summary_en", "starts_at", "lasts", "data")


@dataclass(frozen=True, slots=True)
class EditorPage:
    """The rows of a scenario as they are, or as they were typed; `faults` are those of what was typed."""

    scenario: str
    organisation: str
    revision: int
    head: Mapping[str, str]
    expectations: Sequence[Row]
    injects: Sequence[Row]
    casting: Sequence[Row]
    answers: Sequence[Row]
    absences: Sequence[Row]
    steps: Sequence[tuple[str, str]]
    roles: Sequence[tuple[str, str]]
    expectation_kinds: Sequence[tuple[str, str]]
    inject_kinds: Sequence[tuple[str, str]]
    players: Sequence[tuple[str, str]]
    error: str = ""
    faults: Sequence[ScenarioFault] = field(default_factory=tuple)


@router.get("/scenarios/{scenario}/edit")
def edit_page(visit: Visiting, scenario: str, organisation: str = "") -> Response:
    """The editor."""
    with visit.reader() as reader:
        _, row = scenarios.find(reader, scenario, organisation)
        if not row:
            raise NoSuch("scenario", scenario)  # a shipped one is copied first
        rows = to_sheets(row["document"]).rows
    return _page(visit, scenario, organisation, row["revision"], rows)


@router.post("/scenarios/{scenario}/edit")
def save(visit: Visiting, scenario: str, posted: Form, organisation: str = "") -> Response:
    """Store it; what is wrong is listed, with what was typed kept."""
    with visit.reader() as reader:
        _, row = scenarios.find(reader, scenario, organisation)
    if not row:
        raise NoSuch("scenario", scenario)
    rows = _typed(posted, to_sheets(row["document"]).rows)
    document, broken, places = from_sheets(Sheets(rows))
    revision = int(posted.get("revision")) if posted.get("revision").isdigit() else -1
    try:
        refuse_broken(broken)
        visit.run(scenario_copies.keep, KeepScenario(organisation, scenario, document, revision))
    except (ScenarioRefused, RevisionChanged) as refused:
        faults = placed(refused.faults, places) if isinstance(refused, ScenarioRefused) else ()
        return _page(visit, scenario, organisation, revision, rows, refused=refused, faults=faults)
    return go(f"/scenarios/{scenario}", organisation=organisation, said="scenario_kept")


def refuse_broken(broken: Sequence[ScenarioFault]) -> None:
    """Cells that are no YAML are refused before anything else. Raises ScenarioRefused."""
    if broken:
        raise ScenarioRefused(tuple(broken))


def _typed(posted: Posted, before: Mapping[str, Sequence[Row]]) -> dict[str, Sequence[Row]]:
    """The rows with what was typed; a row that is ticked away is gone, one without an id was not filled in."""
    head = [{"key": row["key"], "value": posted.get(row["key"]) if row["key"] in HEADS else row["value"]}
            for row in before[HEAD]]  # fmt: skip
    rows: dict[str, Sequence[Row]] = {**before, HEAD: head}
    for sheet, named_by in EDITED.items():
        made = []
        for number in range(int(posted.get(f"{sheet}-count") or 0)):
            row = {column: posted.get(f"{sheet}-{number}-{column}").strip() for column in COLUMNS[sheet]}
            if row[named_by] and not posted.get(f"{sheet}-{number}-drop"):
                made.append(row)
        rows[sheet] = made
    return rows


def _page(
    visit: Visit, scenario: str, organisation: str, revision: int, rows: Mapping[str, Sequence[Row]], *,
    refused: Exception | None = None, faults: Sequence[ScenarioFault] = (),
) -> Response:  # fmt: skip
    with visit.reader() as reader:
        file, _ = scenarios.find(reader, scenario, organisation)
        plan = scenarios.plan_of(reader, file)
        page = EditorPage(
            scenario=scenario, organisation=organisation, revision=revision,
            head={row["key"]: row["value"] for row in rows[HEAD]},
            expectations=_with_blank(EXPECTED, rows), injects=_with_blank(INJECTS, rows),
            casting=_with_blank(ROLES, rows), answers=_with_blank(ANSWERS, rows), absences=_with_blank(ABSENT, rows),
            steps=[(key, reader.pick(node.name, node.name_en) or key) for key, node in sorted(plan.elements.items())],
            roles=[(role, reader.label("role", role)) for role in sorted(plan.roles)],
            expectation_kinds=[(kind, reader.label("expectation_kind", kind)) for kind in EXPECTATION_KINDS],
            inject_kinds=[(kind, reader.label("inject_kind", kind)) for kind in INJECT_KINDS],
            players=[(player, reader.label("played_by", player)) for player in PLAYERS],
            error=told(refused, visit)[0], faults=faults,
        )  # fmt: skip
        return visit.page(reader, "scenarios/edit.html", page, status=422 if refused else 200)


def _with_blank(sheet: str, rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """The rows with one to fill in; a new expectation belongs to the last objective."""
    blank = dict.fromkeys(COLUMNS[sheet], "")
    given = [*rows.get(sheet, ())]
    if sheet == EXPECTED and given:
        blank |= {key: given[-1][key] for key in ("objective", "objective_zh", "objective_en")}
    return [*given, blank]
