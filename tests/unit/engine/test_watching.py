"""What an instance is looked at for: no wait that reads something may be passed over."""

import pytest

from service.engine.model import Kind, Trigger
from service.engine.watching import ANYTHING, OWN, watched_facts
from tests.unit.engine.building import assembled, node, page, user


def watched(**values: str) -> frozenset[str]:
    """What a page with one waiting event reads."""
    trigger = Trigger.CONDITIONAL if "condition" in values else Trigger.DATE
    nodes = [node("s", Kind.START), node("e_wait", Kind.CATCH, trigger, **values), node("ee", Kind.END)]
    return watched_facts(assembled(page("p", nodes, ["s e_wait", "e_wait ee"])).bundle, "p")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"timer": '=deadline("T08", person)'}, {OWN}),
        ({"timer": '=deadline("T02")'}, {OWN, ANYTHING}),
        ({"condition": "F05.depart_at != null"}, {OWN}),
        ({"condition": 'fact("any_positive")'}, {OWN, "any_positive"}),
        ({"timer": "2026-03-02T10:00:00+08:00"}, set()),
    ],
)
def test_what_a_wait_reads(values: dict[str, str], found: set[str]) -> None:
    assert watched(**values) == found


def test_a_process_of_tasks_waits_for_nothing_that_happens_elsewhere() -> None:
    nodes = [node("s", Kind.START), user("t"), node("ee", Kind.END)]
    assert watched_facts(assembled(page("p", nodes, ["s t", "t ee"])).bundle, "p") == frozenset()
