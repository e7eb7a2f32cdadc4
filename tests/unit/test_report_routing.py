"""D05 tells nobody of what the plans do not foresee: all combinations of organisation, report and event."""

from itertools import product

from service.engine.decisions import evaluate
from tests.unit.test_decision_tables import ROUTED, TABLES, Case

SEEN = "school training_institution village enterprise property township hospital bank_branch animal_cdc nobody"
REPORTS = "initial written progress direct closing correction"
EVENTS = (
    "detected diagnosis cluster cluster_more progress ended cleared cancelled anomaly suspected case fever area_case"
)
UPWARD = {"village", "enterprise", "property"}  # to the township, whatever the event


def who_is_told() -> set[tuple[object, ...]]:
    facts = {"cluster_count": 5, "case_class": "confirmed"}
    found: set[tuple[object, ...]] = set()
    for org_type, report, event in product(SEEN.split(), REPORTS.split(), EVENTS.split()):
        case = Case("D05", {"org_type": org_type, "report_kind": report, "event": event}, {}, (), facts)
        if evaluate("D05", TABLES, case.scope()).values["recipient"]:
            found.add((org_type, report, event))
    return found


def test_only_foreseen_reports_have_recipients() -> None:
    told, foreseen = who_is_told(), {tuple(case.names.values()) for case in ROUTED}
    assert {t for t in told - foreseen if t[1] != "correction" and t[0] not in UPWARD} == set()
    assert {t[2] for t in told if t[1] == "correction" and t[0] != "school"} == {"cleared", "cancelled"}
    assert {t[2] for t in told if t[1] == "correction" and t[0] == "school"} == {"cleared", "cancelled", "cluster_more"}
    assert {t[1] for t in told if t[0] in UPWARD} == {"initial", "correction"}
    assert ("village", "initial", "area_case") not in told
