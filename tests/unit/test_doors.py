"""The doors of `/exchange/{partner}`: signature, envelope, fields."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import PARTNERS, doors
from integrations.inbound import MAX_BODY_BYTES
from service.domain.clock import SettableClock
from service.domain.errors import FormRefused, MessageUnknown, SignatureInvalid, TooLarge
from service.domain.gateways import InboundDoor
from service.domain.signatures import sign

NOW = datetime(2026, 3, 9, 2, 20, tzinfo=UTC)
SECRET = "a shared secret"  # noqa: S105 - of this test only
FORMS = Path(__file__).resolve().parents[2] / "forms"


def a_post(**changes: Any) -> bytes:
    payload = {"result": "excluded", "result_at": "2026-03-09T14:30:00+08:00", "hospital": {"id": "h-1"}}
    envelope = {
        "message_id": "m-1",
        "name": "msg_diagnosis",
        "keys": {"incident": "inc-1", "person": "p-1"},
        "payload": payload,
        "sent_at": "2026-03-09T14:30:00+08:00",
    }
    return json.dumps({**envelope, **changes}).encode()


def the_door(partner: str = "designated_hospital", now: datetime = NOW) -> InboundDoor:
    return doors({partner: (SECRET, "the older secret")}, clock=SettableClock(now))[partner]


def faults(body: bytes, partner: str = "designated_hospital") -> set[tuple[str, str]]:
    with pytest.raises(FormRefused) as caught:
        the_door(partner).read(body, sign(body, SECRET, now=NOW))
    return {(error.path, error.code) for error in caught.value.errors}


def test_a_signed_message_is_read_as_the_partys_own() -> None:
    body = a_post()
    message = the_door().read(body, sign(body, SECRET, now=NOW))
    assert (message.name, message.form, message.partner) == ("msg_diagnosis", "F06#result", "designated_hospital")
    assert message.keys == {"incident": "inc-1", "person": "p-1"}
    assert message.payload["info_source"] == "party"


def test_the_older_secret_still_opens() -> None:
    body = a_post()
    assert the_door().read(body, sign(body, "the older secret", now=NOW)).message_id == "m-1"


def test_a_receipt_names_its_delivery() -> None:
    body = a_post(name="receipt", keys={"delivery": "inc-1:42"}, payload={"reference": "ED-7"})
    message = the_door("edu_bureau").read(body, sign(body, SECRET, now=NOW))
    assert (message.name, message.form, message.keys["delivery"]) == ("receipt", "", "inc-1:42")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_message_out_of_its_time_is_refused(minutes: int) -> None:
    body = a_post()
    header = sign(body, SECRET, now=NOW)
    with pytest.raises(SignatureInvalid):
        the_door(now=NOW + timedelta(minutes=minutes)).read(body, header)


@pytest.mark.parametrize("header", ["", "t=1", "v1=abc", "t=,v1=", "t=-5,v1=x", "t=１,v1=x", "t=99999999999999,v1=x"])
def test_a_malformed_signature_is_refused(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        the_door().read(a_post(), header)


def test_a_changed_body_or_a_wrong_or_missing_secret_is_refused() -> None:
    body = a_post()
    header = sign(body, SECRET, now=NOW)
    with pytest.raises(SignatureInvalid):
        the_door().read(body + b" ", header)
    with pytest.raises(SignatureInvalid):
        the_door().read(body, sign(body, "wrong", now=NOW))
    for secrets in ({}, {"designated_hospital": ("",)}):
        shut = doors(secrets, clock=SettableClock(NOW))["designated_hospital"]
        with pytest.raises(SignatureInvalid):
            shut.read(body, sign(body, "", now=NOW))


def test_a_party_says_only_what_is_its_to_say() -> None:
    body = a_post(name="msg_superior_order")
    with pytest.raises(MessageUnknown):
        the_door().read(body, sign(body, SECRET, now=NOW))


def test_every_fault_of_an_envelope_is_named() -> None:
    assert faults(b"{") == {("", "json")}
    assert faults(b"[]") == {("", "json")}
    assert faults(b"[" * 50_000) == {("", "json")}
    wrong = a_post(message_id="", keys={"incident": 3}, payload=[], sent_at="2026-03-09T14:30:00", extra=1)
    assert faults(wrong) == {
        ("message_id", "required"),
        ("keys", "type"),
        ("payload", "type"),
        ("sent_at", "type"),
        ("extra", "unknown_field"),
    }


def test_every_fault_of_a_payload_is_named() -> None:
    wrong = a_post(keys={"incident": "inc-1", "who": "x"}, payload={"result": "well", "result_at": "", "id_no": "1"})
    assert faults(wrong) == {
        ("keys.person", "required"),
        ("keys.who", "unknown_field"),
        ("payload.result", "option"),
        ("payload.result_at", "required"),
        ("payload.hospital", "required"),
        ("payload.id_no", "unknown_field"),
    }


def test_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge):
        the_door().read(b" " * (MAX_BODY_BYTES + 1), "")


def test_inbound_fields_are_fields_of_their_forms() -> None:
    checked = 0
    for partner in PARTNERS.values():
        for name, kind in partner.inbound.items():
            file = FORMS / f"{kind.form.partition('#')[0]}.json"
            if not file.exists():  # forms of procedures that are not there yet
                continue
            definition = json.loads(file.read_text("utf-8"))
            views = [each.partition("#")[2] for each in (kind.form, kind.then) if each]
            known = {
                item if isinstance(item, str) else item["field"]
                for view in views
                for part in ("required", "more")
                for item in definition["views"][view][part]
            }
            lists = {"rows"} if any(definition["views"][view].get("list") for view in views) else set()
            assert {*kind.required, *kind.optional} <= known | lists, (partner.id, name)
            checked += 1
    assert checked >= 10


@given(st.binary(max_size=300))
def test_no_body_breaks_a_door(body: bytes) -> None:
    with pytest.raises((FormRefused, MessageUnknown)):
        the_door().read(body, sign(body, SECRET, now=NOW))


@given(st.text(max_size=80))
def test_no_header_opens_a_door(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        the_door().read(a_post(), header)
