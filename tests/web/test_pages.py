"""Pages as somebody without scripts meets them: signing in, reporting, working, looking, being refused."""

import pytest

from service.demo.people import usernames
from service.web.security import CONTENT_SECURITY_POLICY
from service.web.sign_in import demo_accounts
from service.web.site import Guest
from tests.paths.school import CLASS, quick
from tests.web.site import Page, Pages


def reported(web: Pages) -> str:
    """An incident that the teacher reported through the form."""
    teacher = web.as_("teacher")
    page = teacher.get("/report")
    member = page.all("//label[contains(., '学生甲') and not(contains(., '二'))]//input[@name='person.id']/@value")[0]
    answers: dict[str, str | list[str]] = {
        "person.id": [member],
        "temperature": "38.1",
        "symptoms": ["fever", "sore_throat"],
    }
    after = teacher.submit(page, {**answers, "incident": ""})
    assert after.status == 200, after.text
    web.world.incident = after.path.split("/")[2]
    return web.world.incident


@pytest.fixture
def incident(web: Pages) -> str:
    return reported(web)


def headings(page: Page) -> list[str]:
    return [" ".join(each.text_content().split()) for each in page.all("//h1")]


# --- the door -----------------------------------------------------------------------------------


def test_without_a_session_a_page_leads_to_the_door_and_back(web: Pages) -> None:
    guest = web.guest()
    door = guest.get("/procedures")
    assert headings(door) == ["登录"]
    inside = guest.submit(door, {"username": "nurse", "password": "demo"}, form="//form[.//input[@type='password']]")
    assert inside.path.startswith("/procedures")


def test_a_part_of_a_page_left_open_tells_the_page_and_keeps_what_is_typed(web: Pages) -> None:
    part = web.guest().get("/inbox", **{"HX-Request": "true"})
    assert (part.status, part.answer.headers["hx-trigger"]) == (204, "tocsin:signed-out")


def test_a_wrong_password_shows_the_form_again_and_keeps_the_name(web: Pages) -> None:
    page = web.guest().post("/sign-in", {"username": "nurse", "password": "wrong"})
    assert page.status == 401
    assert page.all("//input[@name='username']/@value")[0] == "nurse"
    assert "用户名或密码" in page.words("//*[@role='alert']")


def test_another_site_cannot_sign_somebody_in(web: Pages) -> None:
    page = web.guest().post("/sign-in", {"username": "nurse", "password": "demo"}, Origin="http://evil.example")
    assert page.status == 403


@pytest.mark.parametrize("target", ["//evil.example/x", "https://evil.example", "/\\evil.example"])
def test_after_signing_in_nobody_is_led_elsewhere(web: Pages, target: str) -> None:
    page = web.guest().post("/sign-in", {"username": "nurse", "password": "demo", "next": target})
    assert page.path.startswith("/inbox")


def test_the_offered_accounts_are_those_of_the_demo(web: Pages) -> None:
    offered = web.guest().get("/sign-in").all("//section//input[@name='username']/@value")
    assert sorted(offered) == sorted(usernames())
    assert demo_accounts.__annotations__["guest"] is Guest


def test_language_can_be_chosen_before_and_after_signing_in(web: Pages) -> None:
    guest = web.guest()
    assert headings(guest.post("/language", {"locale": "en"})) == ["Sign in"]
    inside = guest.post("/sign-in", {"username": "doctor", "password": "demo"})
    assert inside.tree.get("lang") == "en"
    assert headings(inside)[0].startswith("Tasks")
    me = guest.get("/me")
    back = guest.submit(me, {"locale": "zh_CN"}, form="//form[@action='/me/language']")
    assert back.tree.get("lang") == "zh-CN"


def test_signing_out_ends_the_session(web: Pages) -> None:
    guest = web.guest()
    guest.post("/sign-in", {"username": "clinic", "password": "demo"})
    me = guest.get("/me")
    assert headings(guest.submit(me, form="//form[@action='/sign-out']")) == ["登录"]
    assert headings(guest.get("/inbox")) == ["登录"]


# --- safety -------------------------------------------------------------------------------------


def test_every_page_carries_the_strict_policy(web: Pages) -> None:
    teacher = web.as_("teacher")
    for path in ("/inbox", "/incidents", "/report", "/procedures", "/me", "/nowhere"):
        answer = teacher.get(path).answer
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_form_without_its_token_is_refused(web: Pages) -> None:
    page = web.as_("teacher").post("/me/language", {"locale": "en"})
    assert page.status == 403
    assert "页面已过期" in page.text
    assert page.all("//a[@href='/inbox']")


def test_files_are_kept_for_ever_and_nothing_else_is_served(web: Pages) -> None:
    teacher = web.as_("teacher")
    style = teacher.get("/inbox").all("//link[@rel='stylesheet']/@href")[0]
    assert "immutable" in teacher.get(style).answer.headers["cache-control"]
    for path in ("/static/../site.py", "/static/css/base.css", "/static/vendor/../../site.py"):
        assert teacher.get(path).status == 404


# --- reporting ----------------------------------------------------------------------------------


def test_a_teacher_finds_his_class_chosen_and_reports_with_three_entries(web: Pages) -> None:
    page = web.as_("teacher").get("/report")
    assert "七年级2班" in page.words("//a[contains(@class, 'chip-link') and @aria-current]")
    assert len(page.all("//input[@name='person.id' and @value!='']")) == 30
    incident = reported(web)
    assert web.world.row()["status"] == "detected"
    assert web.world.row()["place"] == "七年级2班"
    assert set(web.world.open_tasks()) >= {"t_mask_escort", "t_office_accept"}
    assert incident


def test_a_field_that_breaks_a_rule_is_told_beside_it_and_the_input_is_kept(web: Pages) -> None:
    teacher = web.as_("teacher")
    before = len(web.world.rows(web_incident_table()))
    page = teacher.get("/report")
    again = teacher.submit(page, {"temperature": "83.1", "symptoms": ["fever"], "incident": ""})
    assert again.status == 422
    assert again.all("//input[@name='temperature']/@value") == ["83.1"]
    assert again.all("//input[@value='fever']/@checked")
    assert "是不是 38.1" in again.words("//*[@id='f-temperature-e']")
    assert again.words("//button[@data-set='f-temperature']") == "改为 38.1"
    assert again.all("//*[@role='alert']//a[@href='#f-person']")
    assert len(web.world.rows(web_incident_table())) == before


def web_incident_table() -> type:
    from service.persistence.tables import Task

    return Task


def test_a_second_person_joins_the_running_incident(web: Pages, incident: str) -> None:
    teacher = web.as_("teacher")
    page = teacher.get(f"/report?incident={incident}")
    member = page.all("//input[@name='person.id' and @value!='']/@value")[5]
    teacher.submit(page, {"person.id": [member], "temperature": "37.9", "symptoms": ["cough"], "incident": incident})
    people = teacher.get(f"/incidents/{incident}/people")
    assert len(people.all("//tbody/tr[contains(., '病例')]")) == 2


# --- working ------------------------------------------------------------------------------------


def test_the_inbox_says_what_where_when_why_and_who(web: Pages, incident: str) -> None:
    page = web.as_("coordinator").get("/inbox")
    task = web.world.open_tasks()["t_office_accept"][0]
    row = page.words(f"//li[@id='task-{task}']")
    assert "接报并派单" in row
    assert web.world.row()["number"] in row
    assert "起算" in row
    assert page.all(f"//a[@href='/incidents/{incident}']")


def test_a_simple_step_is_one_tap(web: Pages, incident: str) -> None:
    web.as_("coordinator").submit(
        web.as_("coordinator").get("/inbox"),
        form=f"//form[@action='/tasks/{web.world.open_tasks()['t_office_accept'][0]}/complete']",
    )
    assert "t_office_accept" not in web.world.open_tasks()
    assert "s_call_120" in web.world.open_tasks()
    assert incident


def test_a_draft_is_kept_and_shown_again(web: Pages, incident: str) -> None:
    page = web.task("teacher", "t_mask_escort")
    saved = web.as_("teacher").submit(page, {"do": "draft", "epi_history": "false", "measures_taken": ["带离"]})
    assert saved.all("//input[@name='epi_history' and @value='false']/@checked")
    assert saved.all("//input[@name='measures_taken' and @value='带离']/@checked")
    assert "草稿保存于" in saved.words("//*[@id='saved']")
    assert "t_mask_escort" in web.world.open_tasks()
    assert incident


def test_a_script_keeps_a_draft_and_gets_only_the_time(web: Pages, incident: str) -> None:
    page = web.task("teacher", "t_mask_escort")
    action = page.all("//form[@id='form']/@data-draft")[0]
    answer = web.as_("teacher").post(action, {**page.fields(), "epi_history": "true"}, **{"HX-Request": "true"})
    assert answer.text.strip().startswith("草稿保存于")
    assert incident


def test_submitting_completes_the_task_and_leads_on(web: Pages, incident: str) -> None:
    page = web.task("teacher", "t_mask_escort")
    answers: dict[str, str | list[str]] = {
        "mask_put_on": "true",
        "escorted_to": "临时留观点",
        "measures_taken": ["带离"],
        "epi_history": "false",
    }
    after = web.as_("teacher").submit(page, {"do": "submit", **answers})
    assert "已提交" in after.words("//*[@role='status']")
    assert "t_mask_escort" not in web.world.open_tasks()
    again = web.as_("teacher").submit(page, {"do": "submit", **answers})
    assert again.status in (404, 409)
    assert incident


def test_rows_are_added_and_removed_without_scripts(web: Pages) -> None:
    web.world.open("teacher", quick(positions_fixed=False))
    page = web.task("teacher", "t_register_onsite")
    teacher = web.as_("teacher")
    more = teacher.submit(page, {"do": "add:rows", "rows.0.seat_no": "1-1"})
    assert len(more.all("//*[@data-row]")) == len(page.all("//*[@data-row]")) + 1
    assert more.all("//input[@name='rows.0.seat_no']/@value") == ["1-1"]
    fewer = teacher.submit(more, {"do": "remove:rows.0"})
    assert len(fewer.all("//*[@data-row]")) == len(page.all("//*[@data-row]"))
    assert fewer.all("//input[@name='rows.0.seat_no']") == []


def test_an_error_stands_beside_its_row_after_another_row_was_taken_away(web: Pages) -> None:
    web.world.open("teacher", quick(positions_fixed=False))
    teacher = web.as_("teacher")
    page = teacher.submit(web.task("teacher", "t_register_onsite"), {"do": "add:rows"})
    two = {f"rows.{row}.{part}": text for row in (0, 1) for part, text in (("name", f"学生{row}"), ("phone", "123"))}
    fewer = teacher.submit(page, {"do": "remove:rows.0", **two})
    refused = teacher.submit(fewer, {"do": "submit", "source": "现场登记"})
    assert refused.status == 422
    assert refused.all("//*[@data-row]//input[@name='rows.0.phone']/@value") == ["123"]
    assert refused.words("//*[@data-row]//*[@id='f-rows-0-phone-e']")
    assert refused.all("//*[@data-row]/details/@open")


def test_a_long_list_is_lines_that_open(web: Pages) -> None:
    web.world.open("teacher", quick(positions_fixed=False))
    teacher = web.as_("teacher")
    known = {"person_type": "student", "org_unit": CLASS}
    rows = {
        f"rows.{row}.{part}": text for row in range(50) for part, text in {"name": f"学生{row:02}", **known}.items()
    }
    page = teacher.submit(web.task("teacher", "t_register_onsite"), {"do": "add:rows", **rows})
    assert len(page.all("//*[@id='f-rows']/*[@data-row]")) == 51
    assert page.words("(//*[@id='f-rows']/*[@data-row])[50]//summary").startswith("50学生49")
    assert [each.getparent().get("id") for each in page.all("//*[@id='f-rows']/*[@data-row]/details[@open]")] == [
        "f-rows-50"
    ]
    assert page.all("//*[@id='f-rows-50' and @autofocus]")


def test_what_cannot_be_done_needs_a_reason_and_stays_open(web: Pages, incident: str) -> None:
    teacher = web.as_("teacher")
    task = web.world.open_tasks()["t_mask_escort"][0]
    page = teacher.get(f"/tasks/{task}/not-executable")
    assert teacher.submit(page).status == 422
    after = teacher.submit(page, {"reason": "口罩用完"})
    assert "负责人已收到通知" in after.words("//*[@role='status']")
    assert "t_mask_escort" in web.world.open_tasks()
    assert incident


def test_an_overdue_task_wants_the_reason_and_then_goes_through(web: Pages, incident: str) -> None:
    web.world.go("12:00")
    page = web.task("teacher", "t_mask_escort")
    answers: dict[str, str | list[str]] = {
        "mask_put_on": "true",
        "escorted_to": "临时留观点",
        "measures_taken": ["带离"],
        "epi_history": "false",
    }
    refused = web.as_("teacher").submit(page, {"do": "submit", **answers})
    assert refused.status == 422
    assert "写明原因" in refused.words("//*[@id='late-e']")
    web.as_("teacher").submit(refused, {"do": "submit", "_late_reason": "网络中断"})
    assert "t_mask_escort" not in web.world.open_tasks()
    assert incident


def test_a_colleague_can_look_at_a_task_but_not_answer(web: Pages, incident: str) -> None:
    task = web.world.open_tasks()["t_office_accept"][0]
    page = web.as_("cleaner").get(f"/tasks/{task}")
    assert page.status == 200
    assert not page.all("//form[@id='form']")
    assert "不能填写" in page.text
    assert incident


# --- looking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", ["", "/diagram", "/tasks", "/people", "/reports", "/deliveries"])
def test_every_tab_stands_in_both_languages(web: Pages, incident: str, tab: str) -> None:
    page = web.as_("coordinator").get(f"/incidents/{incident}{tab}")
    assert page.status == 200
    assert web.world.row()["number"] in headings(page)[0]
    part = web.as_("coordinator").get(f"/incidents/{incident}{tab}", **{"HX-Request": "true"})
    assert "<html" not in part.text
    assert "七年级2班" in part.text


def test_names_are_masked_for_who_has_no_task_that_needs_them(web: Pages, incident: str) -> None:
    page = web.as_("principal").get(f"/incidents/{incident}/people")
    assert "学** · 七年级2班" in " ".join(page.words("//table").split())
    assert "学生乙" not in page.text


def test_another_school_sees_nothing_of_it(web: Pages, incident: str) -> None:
    page = web.as_("villager").get(f"/incidents/{incident}")
    assert page.status == 404
    assert headings(page) == ["找不到这一页"]
    assert incident not in page.text


def test_a_note_goes_on_the_timeline(web: Pages, incident: str) -> None:
    coordinator = web.as_("coordinator")
    page = coordinator.get(f"/incidents/{incident}")
    after = coordinator.submit(page, {"text": "家长已到校门"}, form="//form[contains(@action, '/notes')]")
    assert "家长已到校门" in after.words("//ol[@class='timeline']")


def test_the_diagram_lists_steps_and_draws_where_there_is_a_drawing(web: Pages, incident: str) -> None:
    page = web.as_("coordinator").get(f"/incidents/{incident}/diagram?page=school_detection")
    assert page.all("//*[@id='step-t_mask_escort']")
    assert page.all("//*[@data-board]//*[local-name()='svg']")
    source = page.all("//@data-source")[0]
    assert b"t_mask_escort" in web.as_("coordinator").get(source).answer.content


def test_a_full_page_draws_its_event_sub_processes_beneath_and_the_viewer_gets_whole_flows(
    web: Pages, incident: str
) -> None:
    coordinator = web.as_("coordinator")
    page = coordinator.get(f"/incidents/{incident}/diagram?page=school_suspected_case")
    drawn = page.all("//figure[@class='closed-sub'][figcaption='申请撤销']//*[@data-element='t_approve_cancel']")
    assert len(drawn) == 1
    assert not page.all("//*[@class='board-picture']/*[local-name()='svg']//*[@data-element='t_approve_cancel']")
    xml = coordinator.get(page.all("//@data-source")[0]).answer.text
    assert 'targetRef="sp_superior_order"' in xml
    assert 'targetRef="start_superior_order"' not in xml.split("process id=")[0]


def test_every_sheet_of_a_drawing_can_be_kept_as_a_picture(web: Pages, incident: str) -> None:
    coordinator = web.as_("coordinator")
    page = coordinator.get(f"/incidents/{incident}/diagram?page=school_suspected_case")
    files = page.all("//div[contains(@class, 'board-files')]//a/@href")
    assert files == page.all("//button/@data-png")
    whole, *closed = (coordinator.get(each) for each in files)
    assert whole.answer.headers["content-type"] == "image/svg+xml"
    assert 'data-element="ca_dispatch"' in whole.text
    assert any('data-element="t_approve_cancel"' in each.text for each in closed)
    assert coordinator.get(f"{files[0]}&sheet=nothing").status == 404
    assert web.as_("villager").get(files[0]).status == 404
    library = coordinator.get("/procedures/case_transfer").all("//div[contains(@class, 'board-files')]//a/@href")
    assert 'data-element="g_ppe_done"' in coordinator.get(library[0]).text


# --- outside parties and operators --------------------------------------------------------------


def test_the_partner_desk_answers_for_the_party(web: Pages, incident: str) -> None:
    manager = web.as_("manager")
    desk = manager.get("/partner")
    number = web.world.row()["number"]
    link = desk.all(f"//h2[contains(., '{number}')]/following-sibling::ul[1]//a[contains(., '上级指令')]/@href")[0]
    form = manager.get(link)
    wrong = manager.submit(form, {})
    assert wrong.status == 422
    answers: dict[str, str | list[str]] = {
        "order_source": "教体局要求",
        "adjust": "class_suspend",
        "scope": [CLASS],
        "start_at": "2026-03-03T08:00",
    }
    said = manager.submit(wrong, {**answers, "info_source": wrong.all("//input[@name='info_source']/@value")[0]})
    assert said.status == 200
    assert "送达" in said.words("//*[@role='status']")
    assert web.as_("coordinator").get("/partner").status == 403
    assert incident


def test_only_the_administrator_sees_stopped_processes(web: Pages) -> None:
    assert headings(web.as_("admin").get("/engine-incidents")) == ["停住的流程 0"]
    assert web.as_("teacher").get("/engine-incidents").status == 403
