"""An incident by API: opening, tasks, timeline, diagram, actions, reports, outbox."""

import re
from datetime import datetime, timedelta
from typing import Any

from tests.contract.product import QUICK, Product

SIGN = {"sign_decision": "签发", "signer": True}


def complete(world: Product, incident: str, element: str, who: str, data: dict[str, Any] | None = None) -> Any:
    """Complete a task with what its form is prefilled with and some answers more."""
    task = world.task(incident, element)["id"]
    values = world.get(f"/tasks/{task}", who).json()["values"]
    answer = world.post(f"/tasks/{task}/complete", {"data": {**values, **(data or {})}}, who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_who_i_am(world: Product) -> None:
    me = world.get("/me", "coordinator").json()
    assert me["organisation"] == "demo-school"
    assert "epi_office" in me["roles"]


def test_procedures_say_how_they_are_opened(world: Product) -> None:
    items = {each["id"]: each for each in world.get("/procedures", "teacher").json()["items"]}
    start = items["school_suspected_case"]["start"]
    assert start["form_key"] == "F01#quick"
    assert start["schema"]["$schema"].endswith("2020-12/schema")
    assert start["schema"]["title"] == "快速上报"
    english = world.get("/procedures/school_suspected_case", "teacher", headers={"Accept-Language": "en"}).json()
    assert english["name"] == "Suspected case in a school"
    assert english["start"]["schema"]["title"] == "Quick report"
    assert {page["process"] for page in english["pages"]} >= {"school_suspected_case", "school_dispatch", "school_case"}
    assert items["incident_reporting"]["start"] is None


def test_definitions_are_given_back_as_deployed(world: Product) -> None:
    base = "/procedures/school_suspected_case/versions/1"
    folder = world.tocsin.settings.workflows_dir
    assert (
        world.get(f"{base}/bpmn", "teacher").content
        == (folder / "school_suspected_case" / "school_suspected_case.bpmn").read_bytes()
    )
    page = world.get(f"{base}/bpmn", "teacher", params={"page": "school_dispatch"})
    assert b'id="school_dispatch"' in page.content
    assert b"<definitions" in world.get(f"{base}/dmn/D03", "teacher").content
    assert world.get(f"{base}/dmn/D99", "teacher").status_code == 404


def test_a_decision_table_is_read_in_words(world: Product) -> None:
    base = "/procedures/school_suspected_case/versions/1/decisions"
    found = world.get(f"{base}/D04", "teacher", headers={"Accept-Language": "en"}).json()
    assert found["inputs"][0]["label"] == "Hospital diagnosis"
    assert found["rules"][0]["sentence"].startswith('If Hospital diagnosis "confirmed", then Case class "confirmed"')
    assert all(each["holds"] for each in found["examples"])
    assert world.get(f"{base}/D99", "teacher").status_code == 404


def test_two_versions_are_compared(world: Product) -> None:
    same = world.get("/procedures/school_suspected_case/differences", "teacher", params={"before": 1, "after": 1})
    assert same.json() == {"before": 1, "after": 1, "count": 0, "places": []}
    none = world.get("/procedures/school_suspected_case/differences", "teacher", params={"before": 1, "after": 9})
    assert none.status_code == 404


def test_deploying(world: Product) -> None:
    text = (world.tocsin.settings.workflows_dir / "small_check" / "small_check.bpmn").read_text("utf-8")
    same = world.call("POST", "/procedures", who="admin", files=[("files", ("small_check.bpmn", text, "text/xml"))])
    assert (same.status_code, same.json()["version"], same.json()["is_new"]) == (201, 1, False)
    bad = world.call(
        "POST", "/procedures", who="admin", files=[("files", ("small_check.bpmn", text[:400], "text/xml"))]
    )
    assert (bad.status_code, bad.json()["code"]) == (422, "definition_refused")
    assert set(bad.json()["findings"][0]) == {"file", "element", "rule", "severity", "message"}
    assert world.get("/procedures/small_check", "admin").json()["versions"] == [1]
    newer = text.replace('name="隔离室查看"', 'name="隔离室复查"', 1)
    next_ = world.call("POST", "/procedures", who="admin", files=[("files", ("small_check.bpmn", newer, "text/xml"))])
    assert (next_.status_code, next_.json()["version"], next_.json()["is_new"]) == (201, 2, True)


def test_an_opened_incident_with_its_deadline(world: Product) -> None:
    incident = world.opened()
    found = world.get(f"/incidents/{incident}", "coordinator").json()
    assert found["status"] == "detected"
    assert found["kind"] == "real"
    assert found["clock"]["speed"] == 1
    written = next(each for each in found["deadlines"] if each["rule"] == "T02")
    started, due = (datetime.fromisoformat(written[name]) for name in ("started_at", "due_at"))
    assert due - started == timedelta(hours=2)
    assert written["cite"] == ["[S0§5一(六)]"]
    assert found["counts"]["cases"] == 1
    assert found["counts"]["onsite"] > 20
    listed = world.get("/incidents", "coordinator", params={"status": "open", "procedure": "school_suspected_case"})
    assert incident in {each["id"] for each in listed.json()["items"]}
    assert world.get("/incidents", "coordinator", params={"kind": "drill"}).json()["items"] == []


def test_pages_of_a_list_meet_without_gap_or_overlap(world: Product) -> None:
    for _ in range(4):
        world.opened()
    for path in ("/tasks", "/incidents"):
        whole = [each["id"] for each in world.get(path, "coordinator", params={"limit": "200"}).json()["items"]]
        pieces: list[str] = []
        cursor = ""
        while True:
            page = world.get(path, "coordinator", params={"limit": "2", "cursor": cursor}).json()
            pieces += [each["id"] for each in page["items"]]
            cursor = page["next"] or ""
            if not cursor:
                break
        assert len(whole) > 3
        assert pieces == whole


def test_tasks_are_listed_due_first(world: Product) -> None:
    world.opened()
    dues = [each["due_at"] or "9999" for each in world.get("/tasks", "coordinator").json()["items"]]
    assert dues == sorted(dues)
    mine = world.get("/tasks", "coordinator", params={"mine": "true"}).json()["items"]
    assert {each["role"] for each in mine} == {"epi_office"}


def test_a_task_says_why_and_what_comes_next(world: Product) -> None:
    incident = world.opened()
    task = world.task(incident, "t_office_accept")
    assert task["name"] == "接报并派单"
    assert task["why"] == "您担任疫情防控办公室"
    assert re.fullmatch(r"接单超时，起算 \d\d:\d\d，剩 \d 分", task["deadline"]["text"])
    page = world.get(f"/tasks/{task['id']}", "coordinator").json()
    assert page["schema"]["type"] == "object"
    assert page["context"]["person"]["name"].startswith("学** · 七年级2班")
    assert [step["label"] for step in page["context"]["if_nothing"]][:2] == ["提醒", "到期"]


def test_claim_release_delegate_and_draft(world: Product) -> None:
    incident = world.opened()
    task = world.task(incident, "t_office_accept")["id"]
    me = world.get("/me", "coordinator").json()["id"]
    claimed = world.post(f"/tasks/{task}/claim", None, "coordinator").json()
    assert (claimed["state"], claimed["assignee"]) == ("claimed", me)
    assert world.post(f"/tasks/{task}/draft", {"data": {"remark": "半句"}}, "coordinator").status_code == 200
    assert world.get(f"/tasks/{task}", "coordinator").json()["draft"] == {"remark": "半句"}
    assert world.get(f"/tasks/{task}", "principal").json()["draft"] is None
    released = world.post(f"/tasks/{task}/release", None, "coordinator").json()
    assert (released["state"], released["assignee"]) == ("open", None)
    other = world.get("/me", "villager").json()["id"]
    assert world.post(f"/tasks/{task}/delegate", {"to": other, "reason": "x"}, "coordinator").status_code == 403


def test_completing_lists_what_it_opened_and_the_diagram_moves(world: Product) -> None:
    incident = world.opened()
    before = world.get(f"/incidents/{incident}/diagram", "coordinator").json()
    assert before["elements"]["t_office_accept"]["state"] == "active"
    assert "ca_dispatch" not in before["elements"]
    done = complete(world, incident, "t_office_accept", "coordinator")
    opened = {each["element"] for each in world.get(f"/incidents/{incident}/tasks", "coordinator").json()["items"]
              if each["id"] in done["opened"]}  # fmt: skip
    assert {"s_call_120", "t_draft_initial", "t_isolation_room"} <= opened
    after = world.get(f"/incidents/{incident}/diagram", "coordinator").json()
    assert after["elements"]["t_office_accept"]["state"] == "completed"
    assert after["elements"]["start_cancel_request"]["state"] == "waiting"
    children = {each["element"]: each for each in after["children"]}
    assert (children["ca_cases"]["process"], children["ca_cases"]["open"]) == ("school_case", 1)
    summed = world.get(f"/incidents/{incident}/diagram", "coordinator", params={"procedure": "school_case"}).json()
    assert summed["elements"]["t_isolation_room"]["state"] == "active"
    child = world.get(
        f"/incidents/{incident}/diagram", "coordinator", params={"instance": children["ca_cases"]["instances"][0]}
    ).json()
    assert child["elements"] == summed["elements"]
    unknown = world.get(f"/incidents/{incident}/diagram", "coordinator", params={"procedure": "none"})
    assert unknown.status_code == 404


def test_an_overdue_task_is_late_on_list_and_diagram(world: Product) -> None:
    incident = world.opened()
    world.clock.advance(timedelta(minutes=6))
    task = world.task(incident, "t_office_accept")
    assert task["late"] is True
    assert "已迟 1 分" in task["deadline"]["text"]
    late = world.get("/tasks", "coordinator", params={"overdue": "true", "incident": incident}).json()["items"]
    assert [each["element"] for each in late] == ["t_office_accept"]
    diagram = world.get(f"/incidents/{incident}/diagram", "coordinator").json()
    assert diagram["elements"]["t_office_accept"]["late"] == 1
    item = next(each for each in world.get("/incidents", "coordinator").json()["items"] if each["id"] == incident)
    assert item["late"] == 1
    body = {"data": {}, "late_reason": "会议"}
    assert world.post(f"/tasks/{task['id']}/complete", body, "coordinator").status_code == 200


def test_the_timeline_is_gapless_and_told_in_both_languages(world: Product) -> None:
    incident = world.opened()
    complete(world, incident, "t_office_accept", "coordinator")
    seen: list[dict[str, Any]] = []
    after = 0
    while True:
        params = {"after": str(after), "limit": "40"}
        page = world.get(f"/incidents/{incident}/timeline", "coordinator", params=params).json()
        seen += page["items"]
        if page["next"] is None:
            break
        after = int(page["next"])
    assert [each["seq"] for each in seen] == list(range(1, len(seen) + 1))
    assert len(seen) > 80
    told = {each["type"]: each["summary"] for each in seen}
    assert told["incident_opened"].startswith("事件 0309-")
    assert told["task_completed"] == "接报并派单"
    english = world.get(
        f"/incidents/{incident}/timeline", "coordinator", params={"limit": "1"}, headers={"Accept-Language": "en"}
    ).json()["items"]
    assert english[0]["summary"].startswith("Incident 0309-")


def test_notes_stand_at_the_time_they_speak_of(world: Product) -> None:
    incident = world.opened()
    body = {"text": "家长已到", "happened_at": "2026-03-09T10:05:00+08:00"}
    assert world.post(f"/incidents/{incident}/notes", body, "coordinator").status_code == 201
    events = world.get(f"/incidents/{incident}/timeline", "coordinator", params={"limit": "200"}).json()["items"]
    note = next(each for each in events if each["type"] == "note_added")
    assert note["text"] == "家长已到"
    assert datetime.fromisoformat(note["happened_at"]) == datetime.fromisoformat("2026-03-09T10:05:00+08:00")
    assert "家长" not in str(note["data"])


def test_a_further_case(world: Product) -> None:
    incident = world.opened()
    person = {"name": "学生乙", "person_type": "student", "org_unit": {"id": "demo-school-7-2"}}
    answer = world.post(f"/incidents/{incident}/cases", {"data": {**QUICK, "person": person}}, "teacher")
    assert answer.status_code == 201, answer.text
    items = world.get(f"/incidents/{incident}/people", "coordinator").json()["items"]
    assert [each["code"] for each in items if each["kind"] == "case"] == ["病例1", "病例2"]
    bad = world.post(f"/incidents/{incident}/cases", {"data": {**QUICK, "temperature": 20}}, "teacher")
    assert (bad.status_code, bad.json()["errors"][0]["path"]) == (422, "temperature")


def test_a_report_is_drafted_signed_by_another_and_sent(world: Product) -> None:
    incident = world.opened()
    complete(world, incident, "t_office_accept", "coordinator")
    complete(world, incident, "t_draft_initial", "coordinator")
    draft = world.get(f"/incidents/{incident}/reports", "principal").json()["items"][0]
    assert (draft["state"], draft["kind"]) == ("draft", "initial")
    assert world.post(f"/reports/{draft['id']}/submit", None, "principal").status_code == 409
    assert world.get(f"/reports/{draft['id']}", "principal").json()["content"]["is_draft"] is True
    assert world.post(f"/reports/{draft['id']}/approve", {}, "coordinator").status_code == 403
    key = {"Idempotency-Key": draft["id"]}
    signed = world.post(f"/reports/{draft['id']}/approve", {}, "principal", headers=key)
    assert signed.status_code == 200, signed.text
    assert world.post(f"/reports/{draft['id']}/approve", {}, "principal", headers=key).json() == signed.json()
    assert world.post(f"/reports/{draft['id']}/approve", {}, "principal").json()["code"] == "nothing_waits"
    assert signed.json()["state"] == "sent"
    assert signed.json()["content"]["number"].startswith("示例学校疫报〔2026〕")
    assert world.post(f"/reports/{draft['id']}/submit", None, "principal").json()["state"] == "sent"
    world.tocsin.worker.tick()
    sent = world.get(f"/incidents/{incident}/deliveries", "coordinator").json()["items"]
    district = next(each for each in sent if each["recipient"] == "district_office")
    assert (district["state"], district["message"]) == ("acknowledged", "msg_initial_report")
    assert district["receipt"]
    outbox = world.get("/outbox", "coordinator", params={"incident": incident, "state": "acknowledged"}).json()["items"]
    assert district["id"] in {each["id"] for each in outbox}


def test_documents(world: Product) -> None:
    incident = world.opened()
    complete(world, incident, "t_office_accept", "coordinator")
    complete(world, incident, "t_draft_initial", "coordinator")
    report = world.get(f"/incidents/{incident}/reports", "principal").json()["items"][0]["id"]
    html = world.get(f"/reports/{report}.html", "principal")
    assert html.headers["content-type"].startswith("text/html")
    assert "初次报告" in html.text
    assert "学生甲" not in html.text
    docx = world.get(f"/reports/{report}.docx", "principal")
    assert docx.content[:2] == b"PK"
    assert docx.headers["content-disposition"].endswith(".docx")
    assert world.get(f"/reports/{report}.html", "villager").status_code == 404


def test_actions_beside_the_tasks(world: Product) -> None:
    incident = world.opened()
    complete(world, incident, "t_office_accept", "coordinator")
    listed = world.get(f"/incidents/{incident}/actions", "coordinator").json()["items"]
    items = {each["message"]: each for each in listed}
    cancel = items["msg_cancel_request"]
    assert (cancel["element"], cancel["form_key"]) == ("start_cancel_request", "F00#cancel")
    assert "cancel_kind" in cancel["schema"]["properties"]
    bad = world.post(f"/incidents/{incident}/actions/msg_cancel_request", {"data": {"cancel_kind": "?"}}, "coordinator")
    assert bad.status_code == 422
    body = {"data": {"cancel_kind": "误报", "cancel_scope": "全部", "reason": "体温计故障"}}
    assert world.post(f"/incidents/{incident}/actions/msg_cancel_request", body, "coordinator").status_code == 200
    nothing = world.post(f"/incidents/{incident}/actions/msg_diagnosis", {"data": {}}, "coordinator")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_waits")


def test_attachments_are_kept_encrypted(world: Product) -> None:
    files = {"file": ("证明.txt", "诊断证明：排除".encode(), "text/plain")}
    kept = world.call("POST", "/attachments", who="teacher", files=files)
    assert kept.status_code == 201, kept.text
    found = kept.json()
    assert (found["name"], found["size"]) == ("证明.txt", len("诊断证明：排除".encode()))
    assert world.get(f"/attachments/{found['id']}", "teacher").content.decode() == "诊断证明：排除"
    assert world.get(f"/attachments/{found['id']}", "nurse").status_code == 404
    assert world.get(f"/attachments/{found['id']}", "principal").status_code == 404
    stored = (world.tocsin.settings.data_dir / "attachments" / found["id"]).read_bytes()
    assert "诊断".encode() not in stored
    empty = world.call("POST", "/attachments", who="teacher", files={"file": ("a", b"", "text/plain")})
    assert empty.status_code == 422
