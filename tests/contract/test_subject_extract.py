"""Everything stored about one person, for that person: whole, approved by another, on record, nobody else in it."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from service.application import incidents
from service.application.queries.subject_extracts import is_same
from service.domain import commands as cmd
from service.persistence import tables as t
from tests.contract.matrix_district import DETAILS, sick
from tests.contract.matrix_planted import PLANTED, Planted
from tests.contract.product import Product
from tests.paths import school
from tests.paths.world import World, at
from tests.web.site import with_passwords

ME = PLANTED["demo-school"]
NAMESAKE = Planted(ME.name, "13912345679", "110105201203077459", "钱别人", "别处一号院", "别人去过别处", "")
WISH = {"kind": "subject", "purpose": "data_subject", "note": "本人书面申请"}


def opened(w: World, planted: Planted) -> tuple[str, str]:
    """An incident with a pupil: its id and his."""
    data = {key: value for key, value in sick(planted, school.CLASS).items() if key not in DETAILS}
    opening = cmd.OpenIncident("school_suspected_case", "demo-school", data)
    w.incident = w.app.run(lambda uow: incidents.open_incident(uow, w.app.services, w.who("teacher"), opening))
    (person,) = [each["id"] for each in people(w) if each["case_no"]]
    return w.incident, person


def people(w: World) -> list[dict[str, Any]]:
    """The persons of the current incident."""
    return w.rows(t.Person)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Product, list[tuple[str, str]]]]:
    """The pupil in two incidents, and another one of the same name in a third."""
    w = World(tmp_path_factory.mktemp("extract"), at("08:10"))
    with_passwords(w)
    found = [opened(w, planted) for planted in (ME, ME, NAMESAKE)]
    yield w, Product(w.app, w.clock), found
    w.close()


def asked(desk: Product, who: str, incident: str, person: str, **more: Any) -> Any:
    return desk.post(f"/incidents/{incident}/exports", {**WISH, "key": person, **more}, who)


def test_it_is_whole_approved_by_another_and_on_record_wherever_it_was_taken_from(kept: Any) -> None:
    w, desk, ((first, person), (second, twin), (third, namesake)) = kept
    refused = asked(desk, "coordinator", first, person)
    assert (refused.status_code, refused.json()["code"]) == (403, "approval_needed")
    request = desk.post(f"/incidents/{first}/exports/requests", {**WISH, "key": person}, "coordinator").json()["id"]
    decide = f"/incidents/{first}/exports/requests/{request}/decide"
    assert desk.post(decide, {"is_approved": True}, "coordinator").status_code == 403  # asked for it himself
    assert desk.post(decide, {"is_approved": True}, "principal").status_code == 200
    answer = asked(desk, "coordinator", first, person, form="json")
    assert answer.status_code == 200, answer.text
    text = answer.text
    assert [value for value in (ME.name, ME.phone, ME.id_no, ME.guardian, ME.address) if value not in text] == []
    assert text.count(ME.address) == 2
    assert "38.1" in text  # what was answered about him
    assert [value for value in NAMESAKE.values if value and value != ME.name and value in text] == []
    assert "办公室丙" in answer.json()["made"]
    assert len(answer.json()["incidents"]) == 2
    for incident, persons in ((first, {person, twin}), (second, {person, twin})):
        w.incident = incident
        sha256 = hashlib.sha256(answer.content).hexdigest()
        (event,) = (each for each in w.events("export_made") if each["data"]["sha256"] == sha256)
        assert (event["data"]["kind"], set(event["data"]["persons"])) == ("subject", persons)
        assert event["data"]["approver"] == w.who("principal").account_id
    w.incident = third
    assert w.events("export_made") == []
    assert asked(desk, "coordinator", first, person).status_code == 403  # the approval served once
    assert namesake != person


def test_nobody_but_the_data_protection_contact_may_ask_for_it(kept: Any) -> None:
    _, desk, ((first, person), *_) = kept
    for who, status in (("principal", 403), ("nurse", 403), ("manager", 403), ("admin", 403), ("staff2", 404)):
        assert asked(desk, who, first, person).status_code == status, who
    assert asked(desk, "coordinator", first, "nobody").status_code == 404


def test_it_is_a_document_too(kept: Any) -> None:
    _, desk, (_, (second, twin), _) = kept
    request = desk.post(f"/incidents/{second}/exports/requests", {**WISH, "key": twin}, "coordinator").json()["id"]
    desk.post(f"/incidents/{second}/exports/requests/{request}/decide", {"is_approved": True}, "principal")
    answer = asked(desk, "coordinator", second, twin)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        text = archive.read("word/document.xml").decode("utf-8")
    assert [word for word in ("个人信息摘录", ME.phone, ME.address, "本人书面申请") if word not in text] == []


def test_who_is_the_same_person() -> None:
    me = {"name": "钱小满", "phone": "139 1234 5671"}
    assert is_same({"id_no": "11010520120307743x"}, {"id_no": "11010520120307743X", "name": "别名"})
    assert not is_same({**me, "id_no": "110105201203077432"}, {**me, "id_no": "11010520120307743X"})
    assert is_same(me, {"name": "钱小满", "guardian_phone": "13912345671"})
    assert not is_same(me, {"name": "钱小满"})
    assert not is_same({"phone": "13912345671"}, {"phone": "13912345671"})
