"""When an outbreak is under control (K13), and what still stands against it.

Imported by `facts`, so that it is registered with the others.
"""

from collections.abc import Mapping

from service.application.fact_base import FactBase, incident_fact
from service.application.suspension_facts import POSITIVE

CLOSED_CASE = {"excluded", "cleared"}
INVESTIGATED, DISINFECTED, SUPPORTED = "ca_epi", "ca_terminal", "g_support_done"
# What is open, in words; the keys are those of `open_matters`.
MATTERS: Mapping[str, tuple[str, str]] = {
    "observation": ("医学观察", "observation of contacts"),
    "diagnosis": ("待定的诊断", "diagnoses still pending"),
    "investigation": ("流行病学调查", "epidemiological investigation"),
    "disinfection": ("终末消毒验收", "acceptance of the terminal disinfection"),
    "support": ("隔离学生的辅导", "support of isolated pupils"),
    "order": ("上级指令", "orders of a superior"),
    "dispatch": ("首发派单", "the first response"),
    "discharge": ("病例出院", "discharge of the patients"),
}


def open_matters(base: FactBase) -> list[str]:
    """What has to end before control may be confirmed; empty too where nobody was positive."""
    people = base.open_cases()
    positive = [case for case in people if base.value("diagnosis", case.id) in POSITIVE]

    def lacks(element: str) -> bool:
        return not all(base.rows.has_completed(element, case.instance) for case in positive)

    is_open = {
        "observation": base.value("contacts_open", ""),
        "diagnosis": any(
            base.value("diagnosis", case.id) in {"pending", "suspected"} and case.status not in CLOSED_CASE
            for case in people
        ),
        "investigation": lacks(INVESTIGATED),
        "disinfection": lacks(DISINFECTED),
        "support": lacks(SUPPORTED),
        "order": not base.value("order_settled", ""),
        "dispatch": not base.value("dispatch_settled", ""),
        "discharge": base.policies["closing_waits_discharge"]
        and not all(base.value("discharged", case.id) for case in positive),
    }
    return [matter for matter, holds in is_open.items() if holds]


@incident_fact
def control_reached(base: FactBase) -> bool:
    """Somebody was positive, and nothing is open any more."""
    return bool(base.value("any_positive", "")) and not open_matters(base)


def in_words(matters: list[str]) -> list[dict[str, str]]:
    """Open matters in both languages, for the message of a form."""
    return [{"zh": MATTERS[matter][0], "en": MATTERS[matter][1]} for matter in matters]
