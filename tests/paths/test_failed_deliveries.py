"""What cannot be delivered is confirmed by hand: by the role of the send task, with who was reached and when."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.application import deliveries
from service.application.queries import deliveries as outbox
from service.application.queries import inbox
from service.application.queries.reader import Reader
from service.domain import commands as cmd
from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.world import World, at

BY_PHONE = {"send_channel": "电话", "outcome": "已接通", "answered_by": "值班员"}


@pytest.fixture
def cut_off(tmp_path: Path) -> Iterator[World]:
    """A school whose outside parties have no system of their own: every delivery is refused."""
    world = World(tmp_path, at("08:00"), demo=False)
    yield world
    world.close()


def reported(w: World) -> None:
    """The initial report is signed at 08:18; the district office cannot be reached."""
    variants.accepted(w)
    school.draft(w)
    w.go("08:18")
    school.sign(w)
    w.go("08:19")


def state(w: World, recipient: str) -> str:
    return str(w.rows(t.Delivery, recipient=recipient)[0]["state"])


def test_a_refused_report_is_confirmed_by_phone(cut_off: World) -> None:
    w = cut_off
    reported(w)
    assert state(w, "district_office") == "failed"
    (task,) = w.rows(t.Task, kind="delivery")
    assert (task["element"], task["role"], task["form_key"]) == ("s_send_report", "epi_office", "F00#send")
    w.go("08:25")
    w.do("coordinator", "s_send_report", BY_PHONE)
    (delivery,) = w.rows(t.Delivery, recipient="district_office")
    assert (delivery["state"], w.local(delivery["acknowledged_at"])) == ("acknowledged", "03-02 08:25")
    receipt = w.events("delivery_acknowledged")[-1]
    assert receipt["actor"] == w.who("coordinator").account_id
    assert "s_send_report" not in w.open_tasks()


def test_the_list_says_whom_to_reach_and_the_outbox_which_task(cut_off: World) -> None:
    w = cut_off
    reported(w)
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who("coordinator"), w.clock.now(), "zh_CN")
        (row,) = outbox.outbox(reader, incident=w.incident, state="failed").items
        found = inbox.listing(reader, inbox.TaskFilter(incident=w.incident)).items
        (task,) = [each for each in found if each.kind == "delivery"]
    assert task.name == "人工确认送达：发送报告 → 学区疫情防控办公室"
    assert row.by_hand == task.id


def test_nobody_reached_is_asked_again(cut_off: World) -> None:
    w = cut_off
    reported(w)
    w.do("coordinator", "s_send_report", {"send_channel": "电话", "outcome": "未接通"})
    assert state(w, "district_office") == "failed"
    assert len(w.open_tasks()["s_send_report"]) == 1
    w.do("coordinator", "s_send_report", BY_PHONE)
    assert state(w, "district_office") == "acknowledged"


def test_sent_again_with_success_nobody_has_to_phone(cut_off: World) -> None:
    w = cut_off
    reported(w)
    (delivery,) = w.rows(t.Delivery, recipient="district_office")
    retry = cmd.RetryDelivery(delivery["id"])
    w.app.run(lambda uow: deliveries.retry(uow, w.app.services, w.who("admin"), retry))
    queued = w.rows(t.Delivery, id=delivery["id"])[0]
    outcome = deliveries.Outcome(receipt="R-1")
    w.app.run(lambda uow: deliveries.record(uow, w.app.services, queued, outcome))
    assert state(w, "district_office") == "acknowledged"
    assert "s_send_report" not in w.open_tasks()


def test_a_notice_to_a_whole_class_is_one_confirmation(cut_off: World) -> None:
    w = cut_off
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    school.diagnosis(w, "excluded")
    w.go("14:31")
    notices = w.rows(t.Delivery, message="msg_exclusion_notice")
    assert {row["state"] for row in notices} == {"failed"}
    assert len(w.open_tasks()["s_exclusion_notice"]) == 1
    w.do("coordinator", "s_exclusion_notice", {"send_channel": "当面", "outcome": "已送达"})
    assert {row["state"] for row in w.rows(t.Delivery, message="msg_exclusion_notice")} == {"acknowledged"}
