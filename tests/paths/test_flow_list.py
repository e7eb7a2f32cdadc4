"""The list of flows no test can visit follows from the drawings; `make flows` gates all others."""

from tests.paths.coverage.diagrams import NOT_REACHABLE, all_flows, not_reachable, processes


def test_the_list_of_unreachable_flows_is_up_to_date() -> None:
    """Write it anew with `python -m tests.paths.coverage --write` when a procedure behind a call arrives."""
    assert NOT_REACHABLE.read_text("utf-8").split() == sorted(not_reachable())


def test_what_lies_behind_a_missing_procedure_is_unreachable_and_the_rest_is_not() -> None:
    pages, unreachable = processes(), not_reachable()
    missing = {node.id for page in pages.values() for node in page.nodes.values() if node.called} - {
        node.id for page in pages.values() for node in page.nodes.values() if node.called in pages
    }
    assert missing
    for page in pages.values():
        for flow in page.flows.values():
            if flow.source in missing:
                assert flow.id in unreachable
    for name in ("school_detection", "school_case_transfer", "incident_reporting", "return_to_school", "case_transfer"):
        assert not unreachable & set(pages[name].flows)
    assert len(unreachable) < len(all_flows()) / 6
