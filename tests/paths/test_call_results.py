"""What called procedures give back: it comes out of the child and stands in the caller's data where it asks for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.engine.model import Kind
from service.persistence import tables as t
from tests.paths import observing, school, suspension, tracing
from tests.paths.coverage.diagrams import processes
from tests.paths.world import World

ONE, *_ = tracing.NEIGHBOURS


def given_back(w: World, **where: Any) -> Mapping[str, Any]:
    """The result of the one child instance with these columns."""
    (child,) = w.rows(t.Instance, **where)
    ends = {row["data"]["instance"]: row["data"]["result"] for row in w.events("instance_ended")}
    found: Mapping[str, Any] = ends[child["id"]]
    return found


def test_reports_transfers_disinfection_and_investigation_say_what_they_came_to(world: World) -> None:
    w = world
    (person,) = observing.observed(w, [ONE])
    report = given_back(w, parent_element="ca_initial_report")
    (sent,) = w.rows(t.Report, id=report["report_id"])
    assert (sent["document"], report["sent_at"]) == ("R01", sent["sent_at"].isoformat())
    assert report["closing_sent"] is None
    transfer = given_back(w, parent_element="ca_contact_transfer")
    assert w.local(datetime.fromisoformat(transfer["arrived_at"])) == "03-02 10:30"
    assert transfer["destination"] == {"id": "demo-town"}
    assert w.local(w.deadline("T08", person)["started_at"]) == "03-02 10:30"  # counts from what came back
    assert given_back(w, parent_element="ca_spot_disinfect")["places"] == ["教室", "楼梯", "扶手", "卫生间"]
    assert "finished_at" in given_back(w, parent_element="ca_epi")


def test_a_suspension_says_what_was_adjusted_and_a_suggestion_that_it_is_one(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("10:00")
    school.diagnosis(w, "suspected")
    suspension.propose(w)
    w.do("principal", "s_suggest_bureau", {"send_channel": "电话", "outcome": "已送达", "answered_by": "值班科长"})
    given = given_back(w, procedure="class_suspension")
    assert (given["adjust"], given["result"]) == ("class_suspend", "suggested")
    assert given["scope"] == [{"id": school.CLASS}]


def test_every_output_a_caller_names_is_given_back_by_what_it_calls() -> None:
    """Names without a value would be promises of the diagram that nothing keeps."""
    told = {
        "case_transfer": {"arrived_at", "destination"}, "terminal_disinfection": {"accepted_at", "places"},
        "epi_investigation": {"finished_at"}, "class_suspension": {"adjust", "scope", "result"},
        "class_resumption": {"resumed_at"}, "contact_tracing": {"contact_counts"}, "incident_opinion": {"result"},
        "accountability_inspection": {"result"},
        "incident_reporting": {"report_id", "sent_at", "direct_report_count", "closing_sent"},
    }  # fmt: skip
    calls = [node for page in processes().values() for node in page.nodes.values() if node.kind is Kind.CALL]
    named = [(node.called, set(node.outputs)) for node in calls if node.outputs]
    assert {called for called, _ in named} == set(told)
    assert not [(called, names - told[called]) for called, names in named if names - told[called]]
