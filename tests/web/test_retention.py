"""Retention without scripts: looking, holding back, erasing, the certificate, and what is shown afterwards."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from service.persistence import tables as t
from tests.paths.player import Player
from tests.paths.world import at
from tests.web.site import Pages, with_passwords

GUARDIAN = "种植监护人"


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Pages]:
    """A school whose incident was closed 200 days ago."""
    world = Player(tmp_path, at("08:10"))
    with_passwords(world)
    world.patient = {"name": "学生甲", "temperature": 38.4, "guardian_name": GUARDIAN, "guardian_phone": "13900001234"}
    while world.play():
        pass
    world.clock.set(world.clock.now() + timedelta(days=200))
    yield Pages(world)
    world.close()


def test_from_the_list_to_the_certificate(closed: Pages) -> None:
    principal, incident = closed.as_("principal"), closed.world.incident
    page = principal.get("/retention")
    assert "已到期" in page.text
    nothing = principal.submit(page, {}, form="//form[@action='/retention/preview']")
    assert (nothing.status, nothing.words("//p[@role='alert']")) == (422, "请选择事件")
    preview = principal.submit(page, {"incident": incident}, form="//form[@action='/retention/preview']")
    assert "还没有删除" in preview.text
    assert "事件整体（不属于某一个人）" in preview.text
    assert GUARDIAN not in preview.text
    unsure = principal.submit(preview)
    assert (unsure.status, unsure.words("//p[@id='sure-e']")) == (422, "删除后不能恢复。请确认。")
    run = principal.submit(unsure, {"sure": "true"})
    assert run.path.startswith("/retention/runs/")
    assert "0 / 1" in run.words("//div[@id='run']")
    closed.world.app.worker.tick()
    done = principal.get(run.path)
    assert "1 / 1" in done.words("//div[@id='run']")
    certificate = done.words("//article")
    assert "信息删除证明" in certificate
    assert "证件号、电话、监护人与地址" in certificate
    ended = closed.world.events("data_erased")[0]
    assert ended["hash"] in certificate
    docx = principal.get(f"{run.path}.docx")
    assert docx.answer.content[:2] == b"PK"


def test_afterwards_the_pages_say_that_it_is_gone(closed: Pages) -> None:
    w = closed.world
    w.clock.set(w.clock.now() + timedelta(days=3 * 366))
    principal = closed.as_("principal")
    page = principal.get(f"/retention/incidents/{w.incident}")
    preview = principal.submit(page, {}, form="//form[@action='/retention/preview']")
    principal.submit(preview, {"sure": "true"})
    w.app.worker.tick()
    case = w.rows(t.Person, kind="case")[0]["id"]
    people = principal.get(f"/incidents/{w.incident}/people")
    assert "已删除" in people.text
    assert "学**" not in people.text
    person = principal.get(f"/incidents/{w.incident}/people/{case}")
    assert "已删除" in person.words("//section[.//h2[text()='基本信息']]")
    assert principal.get(f"/incidents/{w.incident}").status == 200
    assert "到期信息已删除" in principal.get(f"/incidents/{w.incident}").text
    assert principal.get(f"/incidents/{w.incident}/reports").status == 200
    assert "没有已结束且仍保存个人信息的事件。" in principal.get("/retention").text


def test_a_hold_is_set_and_lifted_with_a_reason(closed: Pages) -> None:
    principal, incident = closed.as_("principal"), closed.world.incident
    address = f"/retention/incidents/{incident}"
    hold = "//form[contains(@action, '/hold')]"
    assert principal.submit(principal.get(address), {}, form=hold).status == 422
    held = principal.submit(principal.get(address), {"reason": "法院调取"}, form=hold)
    assert "已开始留存。" in held.text
    assert "法院调取" in held.text
    assert not held.all("//form[@action='/retention/preview']")
    fields = {"incident": incident, "sure": "true", "csrf": held.fields(hold)["csrf"][0]}
    refused = principal.post("/retention/erase", fields)
    assert refused.status == 409
    assert "依法留存" in refused.words("//p[@role='alert']")
    lift = "//form[contains(@action, '/lift')]"
    lifted = principal.submit(principal.get(address), {"reason": "结案"}, form=lift)
    assert "已解除留存。" in lifted.text


def test_who_does_not_lead_sees_nothing_of_it(closed: Pages) -> None:
    incident = closed.world.incident
    assert closed.as_("teacher").get("/retention").status == 403
    assert closed.as_("principal2").get(f"/retention/incidents/{incident}").status == 404
    assert closed.world.incident not in closed.as_("principal2").get("/retention").text
