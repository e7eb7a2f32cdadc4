"""Every row of every shipped decision table is hit by a case here; the checker finds nothing in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.domain.policies import PolicyCatalogue, typed
from service.domain.policy_overrides import snapshot
from service.engine.decisions import Decision, DecisionError, check, evaluate, load_decisions
from service.engine.expressions import Scope

WORKFLOWS = Path(__file__).parents[2] / "workflows"
CATALOGUE = PolicyCatalogue.load(WORKFLOWS / "policies.yaml")
FILES = {path.name: load_decisions(path.read_text("utf-8")) for path in sorted((WORKFLOWS / "decisions").glob("*.dmn"))}
TABLES: dict[str, Decision] = {name: decision for tables in FILES.values() for name, decision in tables.items()}

NOW = datetime(2021, 3, 4, 1, 0, tzinfo=UTC)
END = "2021-03-03T20:00:00+08:00"  # 13 h before NOW
LONG_AGO = "2021-02-20T08:00:00+08:00"
FORTY_EIGHT = datetime(2021, 3, 5, 12, 0, tzinfo=UTC)
SEVENTY_TWO = FORTY_EIGHT + timedelta(hours=24)


@dataclass(frozen=True)
class Case:
    """What a decision sees, what it must say and which rows say it."""

    decision: str
    names: Mapping[str, object]
    expected: Mapping[str, object]
    rows: tuple[int, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
    policies: Mapping[str, object] = field(default_factory=dict)

    def scope(self) -> Scope:
        org_type = str(self.names.get("org_type", "school"))
        values = {**typed(CATALOGUE, snapshot(CATALOGUE, org_type, [])), **self.policies}
        return Scope(names={"org_type": org_type, **self.names}, now=NOW, policies=values, facts=self.facts)


def gate(rows: int, action: str, following: str = "", org_type: str = "school", **f20: object) -> Case:
    visitor = {"visitor_type": f20.pop("visitor_type")} if "visitor_type" in f20 else {}
    record = {"temperature": 36.5, "mask_worn": True, **f20}
    return Case(
        "D01",
        {"org_type": org_type, "F20": record, **visitor},
        {"gate_action": action, "next_process": following},
        (rows,),
    )


SCHOOL, TRAINING = "school_suspected_case", "training_suspected_case"
GATE = [
    gate(1, "refuse", "returnee_management", health_code="red"),
    gate(1, "refuse", "returnee_management", health_code="yellow", temperature=39),
    gate(2, "hold", SCHOOL, temperature=37.3),
    gate(2, "hold", SCHOOL, temperature=37.3, mask_worn=False),
    gate(3, "refuse", org_type="training_institution", temperature=37.3),
    gate(4, "hold", org_type="village", temperature=37.3),
    gate(5, "hold", SCHOOL, symptoms=["diarrhoea"]),
    gate(5, "hold", SCHOOL, symptoms=["fever_medicine"]),
    gate(5, "hold", TRAINING, org_type="training_institution", symptoms=["cough"]),
    gate(6, "re_mask", mask_worn=False),
    gate(6, "re_mask", mask_worn=None),
    gate(7, "refuse", visitor_type="unpermitted"),
    gate(8, "pass", temperature=37.2),
    gate(8, "pass", org_type="training_institution", temperature=37.2),
    gate(8, "pass", health_code="green", symptoms=["none"]),
    gate(8, "pass", org_type="village", symptoms=["cough"]),
]


def abnormal(row: int, is_abnormal: bool, start: str = SCHOOL, org_type: str = "school", **f01: object) -> Case:
    return Case("D02", {"org_type": org_type, "F01": f01}, {"abnormal": is_abnormal, "start": start}, (row,))


ABNORMAL = [
    abnormal(1, True, temperature=37.3, source_kind="check", symptoms=["fever"]),
    abnormal(4, False, "", temperature=37.2, source_kind="check", symptoms=["none"]),
    abnormal(4, False, "", org_type="training_institution", temperature=37.2, source_kind="check"),
    abnormal(1, True, TRAINING, org_type="training_institution", temperature=37.3),
    abnormal(2, True, temperature=36.5, source_kind="self", symptoms=["none"]),
    abnormal(3, True, temperature=36.5, source_kind="seen", symptoms=["other", "dyspnoea"]),
    abnormal(3, True, source_kind="external", symptoms=["vomiting"]),
    abnormal(4, False, "", source_kind="external", symptoms=["sore_throat"]),
]


def by_values(row: int, outcome: str, **f03: object) -> Case:
    record = {"thermometer": "mercury_axillary", "axillary_temp": 36.8, "cough": False, "diarrhoea": False, **f03}
    expected = {"recheck_outcome": outcome, "as_suspected": outcome == "as_suspected"}
    return Case("D03_table", {"F03": record}, expected, (row,))


def recheck(row: int, outcome: str, *, differs: bool, said: str | None = None, **f03: object) -> Case:
    record = {"thermometer": "mercury_axillary", "axillary_temp": 36.8, "determined_by": said, **f03}
    expected = {"recheck_outcome": outcome, "as_suspected": outcome == "as_suspected", "differs": differs}
    return Case("D03", {"F03": record}, expected, (row,))


RECHECK = [
    by_values(1, "as_suspected", epi_history=True),
    by_values(1, "as_suspected", epi_history=True, thermometer="ear", axillary_temp=None),
    by_values(2, "retest", thermometer="ir_forehead", axillary_temp=39.0),
    by_values(2, "retest", thermometer=None, axillary_temp=None),
    by_values(3, "start_plan", axillary_temp=37.3),
    by_values(4, "start_plan", axillary_temp=37.2, cough=True),
    by_values(4, "start_plan", diarrhoea=True),
    by_values(4, "start_plan", other_symptom=["fatigue"]),
    by_values(5, "low", axillary_temp=37.2),
    by_values(5, "low", other_symptom=["none"], epi_history=False),
    recheck(1, "as_suspected", epi_history=True, differs=False),
    recheck(1, "as_suspected", epi_history=True, said="low", differs=True),
    recheck(2, "as_suspected", said="as_suspected", differs=True),
    recheck(2, "as_suspected", said="as_suspected", thermometer="ear", differs=True),
    recheck(3, "start_plan", axillary_temp=38.2, said="start_plan", differs=False),
    recheck(3, "start_plan", axillary_temp=38.2, said="low", differs=True),
    recheck(4, "start_plan", said="start_plan", differs=True),
    recheck(4, "start_plan", thermometer="ear", said="start_plan", differs=True),
    recheck(5, "retest", thermometer="ear", said="low", differs=True),
    recheck(6, "low", said="low", differs=False),
    recheck(6, "low", differs=False),
]


def classified(row: int, diagnosis: str | None, case_class: str, *, pending: bool = False, **facts: object) -> Case:
    policies = {"certificate_required": facts.pop("required")} if "required" in facts else {}
    expected = {"case_class": case_class, "certificate_pending": pending}
    return Case("D04", {}, expected, (row,), {"diagnosis": diagnosis, **facts}, policies)


CLASSIFIED = [
    classified(1, "confirmed", "confirmed", as_suspected=True),
    classified(2, "asymptomatic", "asymptomatic"),
    classified(3, "suspected", "suspected"),
    classified(4, "excluded", "excluded", certificate_filed=True),
    classified(4, "excluded", "excluded", certificate_filed=False, required=False),
    classified(5, "excluded", "excluded", pending=True, certificate_filed=False),
    classified(5, "excluded", "excluded", pending=True, as_suspected=True),
    classified(6, "pending", "suspected", as_suspected=True),
    classified(6, "contact", "suspected", as_suspected=True),
    classified(7, None, "observed", as_suspected=False),
    classified(7, "none", "observed", as_suspected=None),
]


def routed(
    rows: tuple[int, ...], org: str, kind: str, event: str, told: list[str], *, due: str = "", **facts: object
) -> Case:
    policies = {"village_copy_clinic": facts.pop("copy")} if "copy" in facts else {}
    names = {"org_type": org, "report_kind": kind, "event": event}
    expected: dict[str, object] = {"recipient": told}
    if due:
        expected["deadline"] = [due] * len(told)
    return Case("D05", names, expected, rows, facts, policies)


ROUTED = [
    routed((1, 2), "school", "initial", "detected", ["district_office", "duty_principal"], due="T01"),
    routed((3,), "school", "written", "detected", ["edu_bureau"], due="T02"),
    *[
        routed((4,), "school", "initial", "diagnosis", ["edu_bureau"], due="T01", case_class=found)
        for found in ("suspected", "confirmed", "asymptomatic")
    ],
    routed((), "school", "initial", "diagnosis", [], case_class="excluded"),
    routed((), "school", "initial", "diagnosis", []),
    routed((5,), "school", "direct", "cluster", ["edu_bureau"], due="T01", cluster_count=3),
    routed((), "school", "direct", "cluster", [], cluster_count=2),
    routed((6,), "school", "correction", "cluster_more", ["corrected"]),
    *[routed((7,), "school", "correction", event, ["corrected"]) for event in ("cleared", "reclassified", "cancelled")],
    routed((7,), "township", "correction", "cancelled", ["corrected"]),
    routed((8,), "school", "progress", "progress", ["district_office"], due="T04"),
    routed((9,), "school", "closing", "ended", ["district_office"], due="T04b"),
    routed((10,), "training_institution", "direct", "anomaly", ["market_bureau"], due="T03"),
    routed(
        (11, 12, 13), "training_institution", "initial", "suspected", ["cdc", "edu_dept", "health_authority"], due="T01"
    ),
    routed((14, 15), "village", "initial", "fever", ["town_hq", "town_clinic"]),
    routed((14,), "property", "initial", "detected", ["town_hq"], copy=False),
    routed((16,), "township", "initial", "case", ["county_hq"], due="T01"),
    routed((17,), "township", "progress", "progress", ["county_hq"], due="T22"),
    routed((18, 19), "village_clinic", "initial", "fever", ["health_authority", "cdc"]),
    routed((18, 19), "hospital", "initial", "suspected", ["health_authority", "cdc"]),
    routed((18, 19), "hospital", "initial", "fever", ["health_authority", "cdc"]),
    routed((20, 21), "enterprise", "initial", "area_case", ["competent_dept", "town_hq"], due="T01"),
    routed((20, 21), "bank_branch", "initial", "area_case", ["competent_dept", "town_hq"], due="T01"),
    routed((22,), "animal_cdc", "initial", "anomaly", ["animal_cdc"], due="T01"),
]

_EXCLUDED: dict[str, Any] = {
    "situation": "排除发热",
    "certificate": "file-1",
    "recovered": True,
    "symptom_end_at": LONG_AGO,
}
_ISOLATED: dict[str, Any] = {**_EXCLUDED, "situation": "隔离期满", "health_verdict": "无传染性"}


def missing(rows: tuple[int, ...], items: list[str], etas: list[object] | None = None, **names: object) -> Case:
    facts = names.pop("facts", {})
    policies = names.pop("policies", {})
    f06 = names.pop("f06", {})
    assert isinstance(facts, dict)
    assert isinstance(policies, dict)
    expected = {"item": items, "eta": etas if etas is not None else [None] * len(items)}
    return Case("D09_items", {"F17": {**_EXCLUDED, **names}, "F06": f06}, expected, rows, facts, policies)


def kind(code: str) -> dict[str, object]:
    return {"symptom_kind": code}


MISSING = [
    missing((), []),
    missing((1,), ["wait_fever"], [FORTY_EIGHT], symptom_end_at=END),
    missing((1,), ["wait_fever"], [FORTY_EIGHT], symptom_end_at=None, f06={"symptom_end_at": END}),
    missing((1, 6), ["wait_fever", "wait_gi"], [FORTY_EIGHT, SEVENTY_TWO], symptom_end_at=END, f06=kind("both")),
    missing((4,), ["wait_gi"], [SEVENTY_TWO], situation="排除吐泻", symptom_end_at=END, f06=kind("gi")),
    missing(
        (3, 4),
        ["wait_fever", "wait_gi"],
        [FORTY_EIGHT, SEVENTY_TWO],
        situation="排除吐泻",
        symptom_end_at=END,
        f06=kind("both"),
    ),
    missing((2,), ["wait_fever"], [FORTY_EIGHT], situation="病假", symptom_end_at=END, f06=kind("fever_only")),
    missing((5,), ["wait_gi"], [SEVENTY_TWO], situation="病假", symptom_end_at=END, f06=kind("gi")),
    missing((2, 5), ["wait_fever", "wait_gi"], [FORTY_EIGHT, SEVENTY_TWO], situation="病假", symptom_end_at=END),
    missing((7,), ["certificate"], certificate=None),
    missing((), [], certificate=None, facts={"certificate_filed": True}),
    missing((), [], certificate=None, policies={"certificate_required": False}),
    missing((), [], situation="病假", certificate=None),
    missing((8,), ["release_certificate"], **{**_ISOLATED, "certificate": None}),
    missing((9,), ["health_verdict"], **{**_ISOLATED, "health_verdict": "待定"}),
    missing((9,), ["health_verdict"], **{**_ISOLATED, "situation": "出院", "health_verdict": None}),
    missing((), [], **_ISOLATED),
    missing((10,), ["observation"], situation="疫区归来", certificate=None),
    missing((), [], situation="疫区归来", certificate=None, facts={"observation_finished": True}),
    missing((), [], situation="排除吐泻", f06=kind("both")),
    missing((11,), ["symptom_end_at"], symptom_end_at=None),
    missing((), [], **{**_ISOLATED, "symptom_end_at": None}),
    missing((12,), ["recovered"], recovered=False),
    missing((12,), ["recovered"], recovered=None),
    missing((13,), ["symptom_now"], symptom_at="2021-03-01T08:00:00+08:00"),
    missing((), [], symptom_at="2021-02-01T08:00:00+08:00"),
]


def eligible(row: int, result: str, lacking: list[str], eta: object = None, **f17: object) -> Case:
    expected = {"result": result, "missing": lacking, "eta": eta}
    return Case("D09", {"F17": {**_EXCLUDED, **f17}, "F06": kind("both")}, expected, (row,))


ELIGIBLE = [
    eligible(1, "eligible", []),
    eligible(1, "eligible", [], symptom_end_at="2021-03-01T09:00:00+08:00"),  # 72 h to the minute
    eligible(
        2, "not_yet", ["wait_gi"], datetime(2021, 3, 4, 1, 1, tzinfo=UTC), symptom_end_at="2021-03-01T09:01:00+08:00"
    ),
    eligible(2, "not_yet", ["wait_fever", "wait_gi"], SEVENTY_TWO, symptom_end_at=END),
    eligible(
        3, "need_document", ["wait_fever", "wait_gi", "certificate"], SEVENTY_TWO, symptom_end_at=END, certificate=None
    ),
    eligible(3, "need_document", ["recovered"], recovered=False),
]


def breach(rows: tuple[int, ...], found: str, classes: list[str], source: str = "举报", **names: object) -> Case:
    return Case("D20", {"F40": {"breach": found, "source": source}, **names}, {"result": classes}, rows)


BREACHES = [
    *[breach((1,), found, ["serious"]) for found in ("瞒报", "漏报", "谎报")],
    breach((2,), "迟报", ["serious"]),
    breach((3,), "迟报", ["notice_rectify"], source="系统逾期"),
    breach((3, 4), "迟报", ["notice_rectify", "strict"], source="系统逾期", serious_consequence=True),
    breach((8,), "推诿", ["strict"], source="系统逾期"),
    breach((5,), "不服从", ["persuade_police"]),
    *[breach((6,), found, ["by_law"]) for found in ("造谣", "哄抬物价")],
    breach((7,), "物资缺失", ["strict"]),
    *[breach((8,), found, ["strict"]) for found in ("措施不力", "推诿")],
]

OUTCOMES = [
    Case("D23", {}, {"outcome": outcome, "phase": phase}, (row,), {"case_class": found})
    for row, (found, outcome, phase) in enumerate(
        [
            ("excluded", "excluded", "E"),
            ("suspected", "suspected", "K"),
            ("confirmed", "confirmed", "K"),
            ("asymptomatic", "asymptomatic", "K"),
            ("observed", "pending", "wait"),
        ],
        start=1,
    )
]


def taken_to(row: int, destination: str, diagnosis: str | None = None, **names: object) -> Case:
    facts = {"diagnosis": diagnosis} if diagnosis else {}
    return Case("D24", names, {"destination": destination}, (row,), facts)


DESTINATIONS = [
    taken_to(1, "reserve", designated_full=True, severity="critical"),
    taken_to(1, "reserve", "confirmed", F05={"receive_outcome": "满床"}),
    taken_to(2, "base", severity="severe", category="确诊"),
    taken_to(2, "base", F06={"severity": "critical"}),
    taken_to(2, "base", F05={"severity": "critical"}),
    taken_to(3, "designated", category="疑似", severity="mild"),
    taken_to(3, "designated", "confirmed", F05={"receive_outcome": "接收"}, severity="ordinary"),
    taken_to(4, "central_site", category="无症状"),
    taken_to(4, "central_site", "asymptomatic"),
    taken_to(5, "fever_clinic", "pending", destination_type="clinic"),
    taken_to(5, "fever_clinic", category="密接", destination_type="clinic"),
    taken_to(6, "fever_clinic", category="发热待查"),
    taken_to(6, "fever_clinic", "pending"),
    taken_to(7, "central_site", category="密接"),
    taken_to(7, "central_site", F05={"category": "密接"}),
    taken_to(8, "fever_clinic", org_type="village", category="发热待查"),
    taken_to(8, "fever_clinic"),
]

CASES = [
    *GATE, *ABNORMAL, *RECHECK, *CLASSIFIED, *ROUTED, *MISSING, *ELIGIBLE, *BREACHES, *OUTCOMES, *DESTINATIONS
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.decision}:{','.join(map(str, case.rows))}")
def test_the_tables_say_what_the_plans_say(case: Case) -> None:
    result = evaluate(case.decision, TABLES, case.scope())
    assert {name: result.values[name] for name in case.expected} == dict(case.expected)
    assert result.matched == case.rows


@pytest.mark.parametrize("decision", TABLES.values(), ids=lambda decision: decision.id)
def test_every_row_is_hit_by_a_case_or_an_example_of_the_table(decision: Decision) -> None:
    hit = {row for case in CASES if case.decision == decision.id for row in case.rows}
    hit |= {row for example in decision.examples for row in example.rows}
    assert hit == set(range(1, len(decision.rules) + 1))


@pytest.mark.parametrize("org_type", ["school", "training_institution", "village"])
@pytest.mark.parametrize("decision", TABLES.values(), ids=lambda decision: decision.id)
def test_no_gap_no_overlap_no_dead_row(decision: Decision, org_type: str) -> None:
    assert check(decision, typed(CATALOGUE, snapshot(CATALOGUE, org_type, []))) == []


@pytest.mark.parametrize("decision", TABLES.values(), ids=lambda decision: decision.id)
def test_every_row_names_its_source_and_every_table_both_languages(decision: Decision) -> None:
    assert decision.name
    assert decision.name_en
    assert [rule.id for rule in decision.rules if "[S" not in rule.cite and "(推)" not in rule.cite] == []


def test_each_file_holds_the_decision_it_is_named_after() -> None:
    assert [name for name, tables in FILES.items() if name.removesuffix(".dmn") not in tables] == []


def test_policies_read_by_tables_exist() -> None:
    read = {key for d in TABLES.values() for rule in d.rules for test in rule.tests if test for key in test.policies}
    read |= {key for d in TABLES.values() for clause in d.inputs for key in clause.expression.policies}
    assert read <= set(CATALOGUE)
    assert {"fever_threshold", "cluster_n", "certificate_required", "symptom_free_fever"} <= read


def test_an_unforeseen_diagnosis_changes_nothing_and_is_an_error() -> None:
    case = classified(1, "unheard_of", "confirmed")
    with pytest.raises(DecisionError) as caught:
        evaluate("D04", TABLES, case.scope())
    assert caught.value.code == "input_not_allowed"


def test_a_mercury_reading_without_a_value_is_an_error() -> None:
    case = by_values(3, "start_plan", axillary_temp=None)
    with pytest.raises(DecisionError):
        evaluate("D03_table", TABLES, case.scope())


def test_a_stricter_threshold_of_the_school_counts() -> None:
    case = by_values(3, "start_plan", axillary_temp=37.1)
    strict = Case(case.decision, case.names, case.expected, case.rows, policies={"fever_threshold": 37.0})
    assert evaluate("D03_table", TABLES, strict.scope()).values["recheck_outcome"] == "start_plan"
    assert evaluate("D03_table", TABLES, case.scope()).values["recheck_outcome"] == "low"
