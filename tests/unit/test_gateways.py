"""Gateways: the rehearsal twin passes the same contract as the real client over a faked wire."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations import PARTNERS, DirectorySink, Endpoint, http_client, live_gateways, rehearsal_gateways
from service.domain.clock import SettableClock
from service.domain.errors import (
    OutsideSystemRefused,
    OutsideSystemUnreachable,
)
from service.domain.gateways import (
    AttachedDocument,
    Gateway,
    OutgoingDelivery,
    OutsideWorld,
    partner_of,
    report_message,
)
from service.domain.signatures import HEADER, verify

NOW = datetime(2026, 3, 9, 2, 20, tzinfo=UTC)
SECRET = "a shared secret"  # noqa: S105 - of this test only
FORMS = Path(__file__).resolve().parents[2] / "forms"


def a_delivery(**changes: Any) -> OutgoingDelivery:
    delivery = OutgoingDelivery(
        id="inc-1:42",
        incident="inc-1",
        recipient="edu_bureau",
        message="msg_written_report",
        sent_at=NOW,
        payload={
            "report_id": "r-1",
            "person_count": 1,
            "occur_time": NOW,
            "measures": "8时14分，呼叫120。",
            "home_address": "不得外传",
        },
        documents=(AttachedDocument("报告.docx", "application/octet-stream", b"text"),),
    )
    return replace(delivery, **changes)


class FakePartner:
    """The other end of the wire: checks the signature, has one effect per idempotency key."""

    def __init__(self, clock: SettableClock) -> None:
        self.clock = clock
        self.bodies: dict[str, dict[str, Any]] = {}
        self.requests = 0
        self.status = 200
        self.answer: bytes | None = None
        self.is_up = True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if not self.is_up:
            raise httpx.ConnectError("refused", request=request)
        verify(request.headers[HEADER], request.content, [SECRET], now=self.clock.now())
        key = request.headers["Idempotency-Key"]
        self.bodies.setdefault(key, json.loads(request.content))
        reference = f"ED-{len(key)}-{list(self.bodies).index(key)}"
        receipt = {"reference": reference, "received_at": NOW.isoformat(), "received_by": "值班员"}
        return httpx.Response(self.status, content=self.answer or json.dumps(receipt).encode())


class Rig:
    """One partner under test: its gateway, a switch for an outage, what arrived."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.clock = SettableClock(NOW)
        self.fake = FakePartner(self.clock)
        self.sink = DirectorySink(folder)
        self.kind = kind
        self.http = http_client(httpx.MockTransport(self.fake))

    def gateway(self, partner: str = "edu_bureau") -> Gateway:
        if self.kind == "twin":
            return rehearsal_gateways(self.sink, is_up=lambda: self.fake.is_up)[partner]
        endpoint = Endpoint("https://partner.example/hook", SECRET)
        return live_gateways({partner: endpoint}, http=self.http, clock=self.clock)[partner]

    def arrived(self) -> list[dict[str, Any]]:
        if self.kind == "twin":
            return [dict(entry.body) for entry in self.sink.entries()]
        return list(self.fake.bodies.values())


@pytest.fixture(params=["real", "twin"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    built = Rig(request.param, tmp_path / "outbox")
    yield built
    built.http.close()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Rig]:
    built = Rig("real", tmp_path / "outbox")
    yield built
    built.http.close()


# --- the contract of both ---------------------------------------------------------------------


def test_a_delivery_arrives_with_its_receipt(rig: Rig) -> None:
    receipt = rig.gateway().send(a_delivery())
    assert receipt.reference
    assert receipt.received_at.tzinfo is not None
    body = rig.arrived()[0]
    assert (body["id"], body["message"], body["incident"]) == ("inc-1:42", "msg_written_report", "inc-1")


def test_the_same_delivery_has_one_effect_and_one_receipt(rig: Rig) -> None:
    first = rig.gateway().send(a_delivery())
    again = rig.gateway().send(a_delivery(payload={"person_count": 9}, sent_at=NOW + timedelta(minutes=5)))
    assert again == first
    assert [body["payload"]["person_count"] for body in rig.arrived()] == [1]


def test_two_deliveries_have_two_effects(rig: Rig) -> None:
    first = rig.gateway().send(a_delivery())
    second = rig.gateway().send(a_delivery(id="inc-1:43"))
    assert first.reference != second.reference
    assert len(rig.arrived()) == 2


def test_only_declared_fields_leave(rig: Rig) -> None:
    rig.gateway().send(a_delivery())
    assert "不得外传" not in json.dumps(rig.arrived(), ensure_ascii=False)
    assert rig.arrived()[0]["payload"]["measures"] == "8时14分，呼叫120。"


def test_values_travel_as_plain_json(rig: Rig) -> None:
    payload = {"temperature": Decimal("38.1"), "symptoms": ("fever",), "person_count": 1}
    rig.gateway("ambulance_120").send(a_delivery(recipient="ambulance_120", message="msg_call_120", payload=payload))
    assert rig.arrived()[0]["payload"] == {"temperature": 38.1, "symptoms": ["fever"], "person_count": 1}


def test_documents_travel_with_their_hash(rig: Rig) -> None:
    rig.gateway().send(a_delivery())
    document = rig.arrived()[0]["documents"][0]
    assert document["sha256"] == hashlib.sha256(b"text").hexdigest()
    assert document["size"] == 4


def test_an_undeclared_message_is_refused(rig: Rig) -> None:
    with pytest.raises(OutsideSystemRefused) as caught:
        rig.gateway().send(a_delivery(message="msg_call_120"))
    assert caught.value.is_retryable is False
    assert rig.arrived() == []


def test_an_outage_may_be_retried_and_then_arrives_once(rig: Rig) -> None:
    rig.fake.is_up = False
    with pytest.raises(OutsideSystemUnreachable) as caught:
        rig.gateway().send(a_delivery())
    assert caught.value.is_retryable is True
    assert rig.arrived() == []
    rig.fake.is_up = True
    rig.gateway().send(a_delivery())
    assert len(rig.arrived()) == 1


def test_parents_get_a_code_and_a_link_only(rig: Rig) -> None:
    payload = {"code": "A-01", "link": "https://tocsin.example/n/1", "name": "学生甲", "symptoms": "发热"}
    delivery = a_delivery(recipient="person:p-1", message="msg_exclusion_notice", payload=payload)
    rig.gateway("parent").send(delivery)
    assert rig.arrived()[0]["payload"] == {"code": "A-01", "link": "https://tocsin.example/n/1"}


def test_both_ends_see_the_same_body(tmp_path: Path) -> None:
    real, twin = Rig("real", tmp_path), Rig("twin", tmp_path)
    with real.http, twin.http:
        real.gateway().send(a_delivery())
        twin.gateway().send(a_delivery())
    assert real.arrived() == twin.arrived()


# --- the real client ----------------------------------------------------------------------------


def test_a_drill_never_leaves_through_the_real_client(real: Rig) -> None:
    with pytest.raises(OutsideSystemRefused):
        real.gateway().send(a_delivery(is_drill=True))
    assert real.fake.requests == 0


@pytest.mark.parametrize(
    ("status", "is_retryable"),
    [(500, True), (503, True), (429, True), (408, True), (400, False), (401, False), (302, False)],
)
def test_the_status_decides_whether_to_retry(real: Rig, status: int, is_retryable: bool) -> None:
    real.fake.status = status
    with pytest.raises((OutsideSystemRefused, OutsideSystemUnreachable)) as caught:
        real.gateway().send(a_delivery())
    assert caught.value.is_retryable is is_retryable


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>ok</html>",
        b"[]",
        b'{"reference": "x"}',
        b'{"reference": "", "received_at": "2026-03-09T10:20:00+08:00"}',
        b'{"reference": "x", "received_at": "2026-03-09T10:20:00"}',
        b'{"reference": 3, "received_at": "2026-03-09T10:20:00+08:00"}',
    ],
)
def test_an_answer_without_a_receipt_is_none(real: Rig, answer: bytes) -> None:
    real.fake.answer = answer or b" "
    with pytest.raises(OutsideSystemRefused, match="unreadable receipt"):
        real.gateway().send(a_delivery())


def test_an_endless_answer_is_cut_off(real: Rig) -> None:
    real.fake.answer = b"x" * 100_000
    with pytest.raises(OutsideSystemRefused, match="too large"):
        real.gateway().send(a_delivery())


def test_an_address_in_clear_is_refused(real: Rig) -> None:
    for url in ("http://partner.example/hook", "ftp://partner.example/hook"):
        with pytest.raises(ValueError, match="https"):
            live_gateways({"cdc": Endpoint(url, SECRET)}, http=real.http, clock=real.clock)
    with pytest.raises(ValueError, match="secret"):
        live_gateways({"cdc": Endpoint("https://partner.example", "")}, http=real.http, clock=real.clock)


# --- the twin -------------------------------------------------------------------------------------


def test_the_twin_answers_the_same_on_every_run(tmp_path: Path) -> None:
    one = rehearsal_gateways(DirectorySink(tmp_path / "a"))["edu_bureau"].send(a_delivery(is_drill=True))
    two = rehearsal_gateways(DirectorySink(tmp_path / "b"))["edu_bureau"].send(a_delivery(is_drill=True))
    assert one == two
    assert one.is_rehearsal
    assert one.received_at == NOW


def test_the_outbox_shows_what_stayed_here_and_is_private(tmp_path: Path) -> None:
    sink = DirectorySink(tmp_path / "outbox")
    rehearsal_gateways(sink)["edu_bureau"].send(a_delivery(id="../../etc/x", is_drill=True))
    entry = sink.entries()[0]
    assert entry.withheld == ("home_address",)
    assert entry.is_drill
    files = list((tmp_path / "outbox").iterdir())
    assert [file.stat().st_mode & 0o077 for file in files] == [0]
    assert sink.read("../../etc/x") == entry


# --- the choice -------------------------------------------------------------------------------------


def test_the_world_is_chosen_by_the_delivery_alone(real: Rig) -> None:
    live = live_gateways({"edu_bureau": Endpoint("https://partner.example", SECRET)}, http=real.http, clock=real.clock)
    world = OutsideWorld(live=live, rehearsal=rehearsal_gateways(real.sink))
    assert world.gateway_for(a_delivery()) is live["edu_bureau"]
    assert world.gateway_for(a_delivery(is_drill=True)) is world.rehearsal["edu_bureau"]
    assert world.gateway_for(a_delivery(recipient="person:p-1", is_drill=True)).partner == "parent"
    assert world.knows("designated_hospital")
    assert not world.knows("duty_principal")
    with pytest.raises(OutsideSystemRefused):
        world.gateway_for(a_delivery(recipient="designated_hospital"))


def test_every_partner_is_listed_under_its_own_id() -> None:
    expected = {"ambulance_120", "designated_hospital", "cdc", "edu_bureau", "district_office", "moe_office", "parent"}
    assert {partner.id for partner in PARTNERS.values()} == set(PARTNERS) == expected
    assert partner_of("person:p-7") == "parent"
    assert report_message("initial", "edu_bureau") == "msg_case_report"
    assert report_message("initial", "district_office") == "msg_initial_report"
