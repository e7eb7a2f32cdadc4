"""Joining a drill by PIN: a name, a wait, a role; the tasks of that drill, and nothing of anything real."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from service.app import create_app
from service.application import drill_join
from service.persistence.chain import verify
from service.persistence.tables import sql
from tests.contract.test_access_matrix import route_table
from tests.paths import drilling
from tests.paths.school import quick
from tests.web.site import Browser, Page, Pages

STEP = "t_small_check"


@pytest.fixture
def drill(web: Pages) -> str:
    """A drill whose way in is open."""
    found = drilling.begin(web.world, speed=0)
    trainer = web.as_("trainer")
    page = trainer.get(f"/drills/{found}/join")
    assert trainer.submit(page, {"do": "open"}, "//aside//form").status == 200
    return found


def pin_of(web: Pages, drill: str) -> str:
    return web.as_("trainer").get(f"/drills/{drill}/join").words("//p[@class='pin-code']")


def joined(web: Pages, drill: str, name: str = "小明", wish: str = "护士") -> tuple[Browser, Page]:
    guest = web.guest()
    asked = guest.get(f"/join?pin={pin_of(web, drill)}")
    return guest, guest.submit(asked, {"name": name, "wish": wish}, "//form")


def decided(web: Pages, drill: str, role: str, do: str = "admit", place: int = 1) -> Page:
    trainer = web.as_("trainer")
    page = trainer.get(f"/drills/{drill}/join")
    return trainer.submit(page, {"role": role, "do": do}, f"(//ul[contains(@class,'guests')]//form)[{place}]")


def task_of(web: Pages, drill: str, element: str = STEP) -> Any:
    with web.world.app.read() as connection:
        mine = (sql.tasks.c.incident_id == drill) & (sql.tasks.c.element == element)
        return connection.execute(select(sql.tasks).where(mine)).one()


def test_who_joins_waits_gets_a_role_and_does_its_tasks(web: Pages, drill: str) -> None:
    assert web.guest().get("/join").status == 200
    guest, waiting = joined(web, drill)
    assert (waiting.path, waiting.status, "请等导调员同意" in waiting.text) == ("/join/room", 200, True)
    assert "YL-" in waiting.text
    task = task_of(web, drill)
    assert guest.get(f"/join/tasks/{task.id}").status == 404
    listed = decided(web, drill, task.role)
    assert ("小明" in listed.text, "想演：护士" in listed.text, "已参演" in listed.text) == (True, True, True)
    room = guest.get("/join/room")
    assert f"/join/tasks/{task.id}" in room.text
    other, _ = joined(web, drill, "小红", "")
    decided(web, drill, task.role)  # those who wait stand first
    assert f"/join/tasks/{task.id}" in other.get("/join/room").text  # several people play one role
    form = guest.get(f"/join/tasks/{task.id}")
    assert (form.status, "演练" in form.words("//aside[contains(@class,'drill-band')]")) == (200, True)
    late = other.get(f"/join/tasks/{task.id}")
    assert (guest.submit(form).path, task_of(web, drill).state) == ("/join/room", "completed")
    assert other.submit(late).status in (404, 422)  # somebody else was first
    with web.world.app.read() as connection:
        types = connection.execute(select(sql.events.c.type).where(sql.events.c.stream == drill)).scalars()
        assert list(types).count("drill_guest_decided") == 2
        assert verify(connection).ok


def test_the_alarm_of_a_guest_counts_the_tasks_of_his_drill_alone(web: Pages, drill: str) -> None:
    guest, waiting = joined(web, drill)
    assert (guest.get("/join/count").text, waiting.all("//body")[0].get("data-alarm-count")) == ("0", "/join/count")
    task = task_of(web, drill)
    decided(web, drill, task.role)
    before = int(guest.get("/join/count").text)
    assert before >= 1
    title = guest.get("/join/room").words("//title")
    assert title.startswith(f"({before}) ")
    web.world.open("teacher", quick("王小真"))  # a real incident, and another drill: tasks of the same roles
    drilling.begin(web.world, speed=0)
    assert guest.get("/join/count").text == str(before)
    guest.submit(guest.get(f"/join/tasks/{task.id}"))
    assert task_of(web, drill).state == "completed"
    assert guest.get("/join/count").text == str(len(open_of(web, drill, task.role)))
    part = guest.get("/join/room", **{"hx-request": "true"})
    assert ("<html" in part.text, "data-alarm-switch" in part.text) == (False, False)
    trainer = web.as_("trainer")
    trainer.submit(trainer.get(f"/drills/{drill}"), {}, "//form[contains(@action, '/finish')]")
    assert guest.get("/join/count").status == 401
    assert guest.get("/join/room", **{"hx-request": "true"}).status == 204


def open_of(web: Pages, drill: str, role: str) -> list[str]:
    """Open tasks of a role in a drill."""
    held, tasks = sql.task_roles, sql.tasks
    found = select(tasks.c.id).join(held, held.c.task_id == tasks.c.id).where(held.c.role == role)
    with web.world.app.read() as connection:
        mine = found.where(tasks.c.incident_id == drill, tasks.c.state.in_(("open", "claimed")))
        return list(connection.execute(mine).scalars())


def test_a_guest_completes_a_task_under_his_name(web: Pages, drill: str) -> None:
    guest, _ = joined(web, drill)
    task = task_of(web, drill, "t_small_written")
    decided(web, drill, task.role)
    form = guest.get(f"/join/tasks/{task.id}")
    done = guest.submit(form, {"drafter": "true"})
    assert (done.path, done.status) == ("/join/room", 200), done.words("//main")
    stored = task_of(web, drill, "t_small_written")
    with web.world.app.read() as connection:
        name = connection.execute(select(sql.accounts.c.name).where(sql.accounts.c.id == stored.completed_by)).scalar()
    assert (stored.state, name) == ("completed", "小明")


def test_a_guest_sent_out_or_refused_and_one_of_a_drill_that_is_over_sees_nothing(web: Pages, drill: str) -> None:
    guest, _ = joined(web, drill)
    role = task_of(web, drill).role
    decided(web, drill, "", "refuse")
    assert guest.get("/join/room").status == 401  # his session was ended
    second, _ = joined(web, drill, "小刚")
    decided(web, drill, role)
    assert second.get("/join/room").status == 200
    trainer = web.as_("trainer")
    trainer.submit(trainer.get(f"/drills/{drill}"), {}, "//form[contains(@action, '/finish')]")
    assert second.get("/join/room").status == 401
    assert web.guest().get("/join?pin=000000").status == 422


def test_a_wrong_pin_is_refused_and_counted(web: Pages, drill: str) -> None:
    guest = web.guest()
    pin = pin_of(web, drill)
    wrong = "000000" if pin != "000000" else "111111"
    answers = [guest.post("/join", {"pin": wrong, "name": "某人"}).status for _ in range(33)]
    assert (answers[0], answers[-1]) == (422, 429)
    refused = joined(web, drill, "   ")[1]
    assert (refused.status, "须为1至30个字" in refused.text) == (422, True)
    web.world.clock.advance(drill_join.OPEN_FOR)
    assert "口令不对" in web.guest().get(f"/join?pin={pin}").text


def test_nothing_real_is_reachable_by_the_session_of_a_guest(web: Pages, drill: str) -> None:
    """Every page and API route asked with the guest's secret in every place a secret is looked for."""
    web.world.open("teacher", quick("王小真"))
    real = web.world.incident
    real_task = next(iter(web.world.open_tasks().values()))[0]
    guest, _ = joined(web, drill)
    decided(web, drill, task_of(web, drill).role)
    secret = guest.cookies["tocsin_guest"]
    whole = create_app(web.world.app, with_worker=False)
    thief = Browser(whole)
    for name in ("tocsin_guest", "tocsin_session", "tocsin_pass"):
        thief.cookies.set(name, secret)
    assert thief.get(f"/join/tasks/{real_task}").status == 404
    assert thief.get("/join/room").status == 200
    values = {"incident": real, "drill": real, "task": real_task, "organisation": "demo-school"}
    asked = 0
    for route in sorted(route_table(whole)):
        method, _, path = route.partition(" ")
        if method != "GET" or path in ("/{path:path}", "/openapi.json") or path.endswith("/events"):
            continue
        address = re.sub(r"{(\w+)(?::path)?}", lambda found: values.get(found[1], "none"), path)
        page = thief.get(address, authorization=f"Bearer {secret}")
        assert "王小真" not in page.text, address
        assert real not in page.text.replace(address, ""), address
        asked += 1
    assert asked > 150
