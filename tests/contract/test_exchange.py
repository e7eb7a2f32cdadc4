"""The door of outside systems: signed, once per message id, only what is a partner's business."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations import doors
from service.bootstrap import Tocsin
from service.domain.gateways import InboundDoor
from service.domain.signatures import HEADER, sign
from tests.contract.product import Product, product

SECRET = "said-by-phone"  # noqa: S105 - a secret of this test only


@dataclass(frozen=True)
class WithDoors(Tocsin):
    """A product that outside systems may speak to."""

    doors: Mapping[str, InboundDoor] = field(default_factory=dict)


@pytest.fixture(scope="module")
def open_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder: Path = tmp_path_factory.mktemp("data")
    with product(folder) as made:
        parts = {each.name: getattr(made.tocsin, each.name) for each in fields(Tocsin)}
        parts["doors"] = doors({"ambulance_120": (SECRET,)}, clock=made.clock)
        yield Product(WithDoors(**parts), made.clock)


def message(world: Product, incident: str, message_id: str, **changes: Any) -> bytes:
    person = next(
        each["id"] for each in world.get(f"/incidents/{incident}/people", "coordinator").json()["items"]
        if each["kind"] == "case"
    )  # fmt: skip
    body = {
        "message_id": message_id,
        "name": "msg_120_arrived",
        "keys": {"incident": incident, "person": person},
        "payload": {"arrive_120_at": world.clock.now().isoformat(), "vehicle_no": "示A·120"},
        "sent_at": world.clock.now().isoformat(),
    }
    return json.dumps({**body, **changes}).encode()


def send(world: Product, body: bytes, *, secret: str = SECRET, partner: str = "ambulance_120") -> httpx.Response:
    signature = sign(body, secret, now=world.clock.now())
    return world.call("POST", f"/exchange/{partner}", content=body, headers={HEADER: signature})


def test_a_signed_message_is_taken_once(open_world: Product) -> None:
    incident = open_world.opened()
    body = message(open_world, incident, "m-1")
    first = send(open_world, body)
    assert (first.status_code, first.json()) == (202, {"state": "buffered", "message_id": "m-1"})
    assert send(open_world, body).json()["state"] == "duplicate"


def test_a_message_somebody_waits_for_is_delivered(open_world: Product) -> None:
    incident = open_world.opened()
    for element, who in (("t_office_accept", "coordinator"), ("t_isolation_room", "nurse")):
        task = open_world.task(incident, element)["id"]
        assert open_world.post(f"/tasks/{task}/complete", {"data": {}}, who).status_code == 200
    call = open_world.task(incident, "s_call_120")["id"]
    said = {"send_channel": "电话", "outcome": "已接通", "answered_by": "调度员"}
    answer = open_world.post(f"/tasks/{call}/complete", {"data": said}, "coordinator")
    assert answer.status_code == 200, answer.text
    answer = send(open_world, message(open_world, incident, "m-2"))
    assert (answer.status_code, answer.json()["state"]) == (202, "delivered"), answer.text
    task = open_world.task(incident, "r_120_arrived")
    assert (task["state"], task["completed_by"]) == ("completed", "partner:ambulance_120")


def test_wrong_secret_changed_body_and_old_message(open_world: Product) -> None:
    body = message(open_world, open_world.opened(), "m-3")
    refused = send(open_world, body, secret=SECRET[::-1])
    assert (refused.status_code, refused.json()["code"]) == (401, "signature_invalid")
    signature = sign(body, SECRET, now=open_world.clock.now())
    changed = open_world.call("POST", "/exchange/ambulance_120", content=body + b" ", headers={HEADER: signature})
    assert changed.status_code == 401
    old = sign(body, SECRET, now=open_world.clock.now() - timedelta(minutes=6))
    assert open_world.call("POST", "/exchange/ambulance_120", content=body, headers={HEADER: old}).status_code == 401
    assert open_world.call("POST", "/exchange/ambulance_120", content=body).status_code == 401


def test_a_party_says_only_what_is_its_business(open_world: Product) -> None:
    incident = open_world.opened()
    other = send(open_world, message(open_world, incident, "m-4", name="msg_diagnosis"))
    assert (other.status_code, other.json()["code"]) == (422, "message_unknown")
    unknown = send(open_world, message(open_world, incident, "m-5", keys={"incident": "none", "person": "x"}))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    wrong = send(open_world, message(open_world, incident, "m-6", more=1))
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "more")


def test_partners_without_a_door(open_world: Product, world: Product) -> None:
    assert send(open_world, b"{}", partner="nobody").status_code == 404
    assert send(open_world, b"{}", partner="cdc").status_code == 401
    assert send(world, b"{}").status_code == 401  # no secret is set: nobody may post
