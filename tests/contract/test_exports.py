"""Taking persons out: purpose, columns, watermark and hash are on record; a second person approves what is large."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from service.application.services import PrivacyLimits
from tests.contract.product import Product
from tests.paths import observing, tracing
from tests.paths.world import World, at
from tests.web.site import with_passwords


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four contacts on the final list."""
    made = World(tmp_path_factory.mktemp("exports"), at("08:10"))
    with_passwords(made)
    observing.listed(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def desk(listed: World) -> Product:
    return Product(listed.app, listed.clock)


@pytest.fixture(scope="module")
def strict(listed: World) -> Product:
    """Where more than three persons need a second one."""
    privacy = PrivacyLimits(export_alone=3)
    return Product(replace(listed.app, services=replace(listed.app.services, privacy=privacy)), listed.clock)


def export(product: Product, listed: World, who: str, **wish: Any) -> Any:
    body = {"kind": "contacts", "purpose": "handover", **wish}
    return product.post(f"/incidents/{listed.incident}/exports", body, who)


def test_a_file_carries_its_watermark_and_the_log_its_hash(listed: World, desk: Product) -> None:
    answer = export(desk, listed, "coordinator", fields=["code", "person", "state"], note="交疾控流调")
    assert answer.status_code == 200, answer.text
    book = load_workbook(BytesIO(answer.content))
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert (len(rows), len(rows[0])) == (5, 3)
    mark = book["export"]["A1"].value
    assert "办公室丙" in mark
    assert "交疾控流调" in mark
    assert "交疾控流调" in book.worksheets[0].oddFooter.center.text
    event = listed.events("export_made")[-1]
    assert event["data"]["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert event["data"]["fields"] == ["code", "person", "state"]
    assert (event["data"]["rows"], event["data"]["purpose"], event["data"]["approver"]) == (4, "handover", "")
    assert set(event["data"]["persons"]) == {tracing.person(listed, name) for name in tracing.NEIGHBOURS}
    assert "交疾控流调" not in str(event)  # sealed


def test_without_a_purpose_nothing_leaves(listed: World, desk: Product) -> None:
    before = len(listed.events("export_made"))
    assert export(desk, listed, "coordinator", purpose="").status_code == 422
    answer = export(desk, listed, "coordinator", purpose="other")
    assert (answer.status_code, answer.json()["code"]) == (422, "value_refused")
    assert export(desk, listed, "coordinator", fields=["phone"]).json()["code"] == "value_refused"
    assert export(desk, listed, "staff2").status_code == 404
    assert export(desk, listed, "admin").status_code == 403
    assert len(listed.events("export_made")) == before


def test_a_large_export_needs_another_person_who_leads_and_serves_once(listed: World, strict: Product) -> None:
    before = len(listed.events("export_made"))
    refused = export(strict, listed, "coordinator")
    assert (refused.status_code, refused.json()["code"]) == (403, "approval_needed")
    path = f"/incidents/{listed.incident}/exports/requests"
    wish = {"kind": "contacts", "purpose": "handover"}
    asked = strict.post(path, wish, "coordinator").json()["id"]
    assert strict.post(path, wish, "coordinator").json()["id"] == asked
    assert export(strict, listed, "coordinator").json()["code"] == "approval_needed"
    for who, code in (("coordinator", "not_allowed"), ("nurse", "not_allowed")):
        assert strict.post(f"{path}/{asked}/decide", {"is_approved": True}, who).json()["code"] == code
    own = strict.post(path, wish, "principal").json()["id"]
    assert strict.post(f"{path}/{own}/decide", {"is_approved": True}, "principal").json()["code"] == "same_signer"
    assert len(listed.events("export_made")) == before
    assert strict.post(f"{path}/{asked}/decide", {"is_approved": True}, "principal").status_code == 200
    assert export(strict, listed, "coordinator", purpose="superior").json()["code"] == "approval_needed"
    assert export(strict, listed, "coordinator").status_code == 200
    made = listed.events("export_made")[-1]["data"]
    assert (made["export"], made["approver"]) == (asked, listed.who("principal").account_id)
    assert export(strict, listed, "coordinator").json()["code"] == "approval_needed"
    assert strict.get("/audit/verify", "admin").json()["ok"] is True
