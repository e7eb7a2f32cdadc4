"""The first day of SC02 at desks 1440 pixels wide: from the first fever to the report of 20:40."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from service.persistence import tables as t
from tests.paths.tracing import NEIGHBOURS
from tests.paths.world import World
from tests.web.browser.phone import Answers, Person
from tests.web.browser.walk import People, Walk

pytestmark = pytest.mark.browser

OFFICE = "coordinator"
SIGNED: Answers = {"sign_decision": "签发"}
CALLED: Answers = {"send_channel": "电话", "outcome": "已接通"}
# The eleven of the initial list: name, place as the school calls it, scene; all but the driver are pupils.
LISTED = (
    *((name, "七年级2班", "前后左右") for name in NEIGHBOURS),
    *((name, "七年级2班", "同班") for name in ("学生丑", "学生寅", "学生己二")),
    ("学生乙丑", "七年级3班", "同桌用餐"),
    ("学生丙寅", "八年级1班", "校外机构"),
    ("学生庚", "七年级2班", "校车/车次"),
    ("司机辛", "校车2号", "校车/车次"),
)


class Day(Walk):
    """A walk whose times are those of 9 March; tasks are opened by their address, as from a notice."""

    def do(self, who: str, element: str, answers: Answers | None = None) -> None:
        """Somebody answers the open task of an element."""
        waiting = self.world.open_tasks()
        assert element in waiting, f"{element} is not open; open are {sorted(waiting)}"
        person = self.people(who)
        person.open(f"/tasks/{waiting[element][0]}")
        person.enter(answers or {})
        person.submit()
        assert waiting[element][0] not in self.world.open_tasks().get(element, [])

    def at(self, time: str) -> str:
        """Let time pass; returns it as a datetime input takes it."""
        self.world.go(f"03-09 {time}")
        return self.now()


def test_the_first_day_of_sc02(world: World, desks: People) -> None:
    day = Day(world, desks)
    fever(day)
    recheck(day)
    transfer(day)
    suspected(day)
    first_list(day)
    screening_and_progress(day)
    confirmed(day)
    looked_at(day)


def fever(day: Day) -> None:
    """A1 to B8's beginning, 10:20 to 10:30."""
    now = day.at("10:20")
    teacher = day.people("teacher")
    teacher.open("/report")
    teacher.page.locator(".roster label", has_text="3-4").click()
    teacher.enter({"temperature": "38.4", "symptoms": ["fever", "dry_cough"]})
    teacher.page.get_by_role("button", name="立即上报").click()
    teacher.page.wait_for_url("**/tasks?said=reported")
    day.world.incident = teacher.page.url.split("/incidents/")[1].split("/")[0]
    masked: Answers = {
        "mask_put_on": "true", "escorted_to": "临时留观点", "measures_taken": ["带离", "佩戴口罩"],
        "epi_history": "false", "onset_at": "2026-03-07T09:00",
    }  # fmt: skip
    day.do("teacher", "t_mask_escort", masked)
    day.finish("teacher", "t_remind_protection")
    day.finish(OFFICE, "t_office_accept")
    day.finish("nurse", "t_isolation_room")
    neighbours(day)
    day.at("10:25")
    day.do(OFFICE, "s_call_120", {**CALLED, "answered_by": "120调度员"})
    day.do(OFFICE, "t_draft_initial", {"possible_cause": "待查"})
    day.at("10:28")
    day.do("principal", "t_sign_report", SIGNED)
    assert met(day, "T01", "detected")
    told: Answers = {"condition_told": "发热待查", "measures_told": "等待120复测"}
    day.do("principal", "t_approve_parent_notice", {**told, "approved_by": "true"})
    day.do("cleaner", "t_evacuate_class", {"head_count": "29"})
    day.do("teacher", "t_inform_parents", {**parents(day, "1"), **told})
    day.do(OFFICE, "t_mark_places", {"place_list": ["教室", "走廊"]})
    day.do("cleaner", "t_seal_aircon", {"cleared_people": "true", "aircon_off": "true"})
    day.do("cleaner", "t_disinfect", worked(now, day.now()))


def neighbours(day: Day) -> None:
    """Four rows: one is filled in, the others as the first."""
    nurse = day.people("nurse")
    nurse.start(day.world.open_tasks()["t_observe_neighbours"][0])
    first: Answers = {"temperature": "36.5", "symptoms": ["none"], "measured_by": "校医", "in_place": "true"}
    nurse.enter({f"rows.0.{name}": value for name, value in first.items()})
    nurse.page.get_by_role("button", name="空着的照第一行填").click()
    expect(nurse.page.locator('[name="rows.3.temperature"]')).to_have_value("36.5")
    nurse.submit()
    assert len(day.world.rows(t.Record, form="F14")) == 4


def recheck(day: Day) -> None:
    """C1 to C5."""
    now = day.at("10:50")
    day.do("nurse", "r_120_arrived", {"arrive_120_at": now, "info_source": "visit"})
    found: Answers = {
        "axillary_temp": "38.2", "thermometer": "mercury_axillary", "cough": "true", "diarrhoea": "false",
        "epi_history": "false", "determined_by": "start_plan", "info_source": "visit",
    }  # fmt: skip
    day.do("nurse", "r_recheck", found)
    assert [row["rules"] for row in day.world.rows(t.DecisionRow, decision="D03")] == [[3]]
    day.at("10:55")
    day.do("principal", "t_start_plan", {"case_class": "observed", "basis": ["体温"], "approver": "true"})
    assert day.world.row()["status"] == "responding"


def transfer(day: Day) -> None:
    """M1 to M4, and the written report."""
    now = day.at("11:10")
    day.do("cleaner", "t_clear_residue", {"residue_removed": "true", "ventilated_min": "30"})
    day.do(OFFICE, "s_notify_hospital", {**CALLED, "answered_by": "分诊台"})
    told: Answers = {"condition_told": "发热待查", "measures_told": "由120转运", "no_self_drive_told": "true"}
    day.do("teacher", "t_parent_transfer", {**parents(day, "2"), **told})
    day.do("nurse", "t_ppe_escort", {"ppe": ["N95口罩", "手套", "工作服"]})
    left: Answers = {
        "vehicle_no": "急救01", "vehicle_kind": "120救护车", "depart_at": now, "temp_at_transfer": "38.2",
        "severity": "mild", "handed_by": "true",
    }  # fmt: skip
    day.do("nurse", "t_hand_over", left)
    now = day.at("11:35")
    arrived: Answers = {
        "arrive_at": now, "receive_outcome": "接收", "info_source": "visit", "received_by.name": "接诊医生",
        "received_by.at": now, "received_by.info_source": "visit",
    }  # fmt: skip
    day.do("nurse", "r_received", arrived)
    day.do("nurse", "t_clean_vehicle", {"vehicle_disinfected": "true"})
    day.at("11:50")
    day.do(OFFICE, "t_written_report_2h")
    day.do("principal", "t_sign_written_report", SIGNED)
    assert met(day, "T02")


def suspected(day: Day) -> None:
    """M5 at the partner desk opens the whole control phase; K1, K8, K2."""
    now = day.at("15:00")
    manager = day.people("manager")
    manager.open("/partner")
    manager.page.get_by_role("link", name="诊断结果").first.click()
    manager.page.wait_for_url("**/partner/*")
    manager.enter({"result": "suspected", "result_at": now, "hospital": "示例定点医院", "info_source": "party"})
    manager.page.locator(".actions .btn.primary").click()
    manager.page.wait_for_url("**/partner?said=delivered")
    control = {"t_draft_initial", "t_inform_family", "t_case_history", "r_epi_request", "t_mark_places"}
    assert control <= set(day.world.open_tasks())
    day.do(OFFICE, "t_draft_initial", {"possible_cause": "待查"})
    day.at("15:05")
    day.do("principal", "t_sign_report", SIGNED)
    day.at("15:10")
    day.do("principal", "t_propose_suspension", {"adjust": "class_suspend"})
    assert [row["rules"] for row in day.world.rows(t.DecisionRow, decision="D13")] == [[5]]
    day.at("15:20")
    told: Answers = {"condition_told": "疑似病例", "measures_told": "住院隔离"}
    day.do("teacher", "t_inform_family", {**parents(day, "1"), **told})


def first_list(day: Day) -> None:
    """P05.1 and P05.2: the eleven are written into the sheet the office took along."""
    now = day.at("16:00")
    trail: Answers = {"activity_trail.0.at": now, "activity_trail.0.place": "七年级2班教室", "travel": "无"}
    day.do(OFFICE, "t_case_history", {**trail, "activity_trail.0.companions": "同班同学"})
    office = day.people(OFFICE)
    office.start(day.world.open_tasks()["t_list_contacts"][0])
    assert office.page.locator("#f-rows > [data-row]").count() == 29
    office.keep("sc02-initial-list")
    with sheet(office) as rows:
        del rows[1:]
        rows.extend(_line(rows[0], each, now) for each in LISTED)
    expect(office.page.locator("h2", has_text="读到 11 行")).to_be_visible()
    office.keep("sc02-sheet-preview")
    office.page.get_by_role("button", name="放入草稿").click()
    office.page.wait_for_url("**?said=draft")
    assert office.page.locator("#f-rows > [data-row]").count() == 11
    office.submit()
    assert [row["stage"] for row in day.world.rows(t.Contact)] == ["initial"] * 11


@contextmanager
def sheet(person: Person) -> Iterator[list[list[object]]]:
    """The sheet of the open task: taken along, changed, brought back."""
    person.page.get_by_role("link", name="用表格填写").click()
    address = person.page.url
    person.page.get_by_role("link", name="下载表格").click()
    person.page.locator(".pick label", has_text="离线填报").click()
    person.look()
    with person.page.expect_download() as download:
        person.page.get_by_role("button", name="下载").click()
    person.page.goto(address)
    book = load_workbook(BytesIO(Path(download.value.path()).read_bytes()))
    page = book.worksheets[0]
    rows: list[list[object]] = [list(row) for row in page.iter_rows(values_only=True)]
    yield rows
    page.delete_rows(1, page.max_row)
    for row in rows:
        page.append(row)
    made = BytesIO()
    book.save(made)
    file = {"name": "名单.xlsx", "mimeType": "application/octet-stream", "buffer": made.getvalue()}
    person.page.locator("#sheet").set_input_files(file)  # type: ignore[arg-type]  # a mapping with these keys
    person.page.get_by_role("button", name="上传并检查").click()
    person.look()


def _line(headings: list[object], entry: tuple[str, str, str], now: str) -> list[object]:
    name, place, scene = entry
    is_driver = name == "司机辛"
    known = {
        "姓名": name, "人员类别": "职工" if is_driver else "学生", "单位/班级/村组": place, "接触地点": "教室",
        "接触场景": scene, "末次接触": now.replace("T", " "), "类别": "密切接触者",
        "联系电话": "13800000008" if is_driver else None,
    }  # fmt: skip
    return [known.get(str(heading).rstrip("*")) for heading in headings]


def screening_and_progress(day: Day) -> None:
    """P05.3 and K11."""
    day.at("16:30")
    day.do(OFFICE, "t_draft_screening", {"scope": ["班级", "车次"], "no_identity_ok": "true"})
    day.do("principal", "t_sign_screening", SIGNED)
    assert len([row for row in day.world.rows(t.Delivery, message="msg_screening_notice")]) == 4
    day.at("16:50")
    day.do(OFFICE, "t_draft_progress")
    day.do("principal", "t_sign_report", SIGNED)
    assert met(day, "T04", "day:2026-03-09")
    assert [row["number"] for row in day.world.rows(t.Report, document="R02")] == ["1"]


def confirmed(day: Day) -> None:
    """The hospital's second word, keyed in by the office; K1 again."""
    now = day.at("20:30")
    office = day.people(OFFICE)
    office.open(f"/incidents/{day.world.incident}")
    office.page.locator("details.menu > summary", has_text="操作").click()
    office.page.locator("details.menu a[href*='/actions/msg_diagnosis']").click()
    known = {"result": "confirmed", "result_at": now, "hospital": "示例定点医院", "severity": "mild"}
    office.enter({**known, "info_source": "phone"})
    office.page.locator(".actions .btn.primary").click()
    office.page.wait_for_url("**?said=acted")
    assert day.world.row()["status"] == "confirmed"
    day.do(OFFICE, "t_draft_initial", {"possible_cause": "待查"})
    day.at("20:40")
    day.do("principal", "t_sign_report", SIGNED)
    late = [row["late_minutes"] for row in day.world.rows(t.Deadline, rule="T01") if row["met_at"]]
    assert late == [0] * 3


def looked_at(day: Day) -> None:
    """What the office sees at the end of the day."""
    office, base = day.people(OFFICE), f"/incidents/{day.world.incident}"
    for tab in ("", "/people", "/people?group=contact", "/places", "/tasks", "/reports", "/diagram"):
        office.open(base + tab)
        office.keep(f"sc02-{tab.strip('/').replace('?group=', '-') or 'timeline'}")
    office.open(base + "/people?group=contact")
    expect(office.page.locator("table tbody tr")).to_have_count(11)
    office.open(base + "/places")
    expect(office.page.locator(".places .card", has_text="教室")).to_contain_text("11 人")


# --- what several steps say -------------------------------------------------------------------------


def parents(day: Day, attempts: str) -> Answers:
    return {
        "guardian.name": "家长甲", "guardian.phone": "13800000000", "notified_at": day.now(), "channel": "电话",
        "response": "理解配合", "attempts": attempts,
    }  # fmt: skip


def worked(start: str, end: str) -> Answers:
    return {"agent": "84消毒液", "start_at": start, "end_at": end, "ppe": ["N95口罩", "手套"]}


def met(day: Day, rule: str, subject: str = "") -> bool:
    row = day.world.deadline(rule, subject)
    return row["met_at"] is not None and row["late_minutes"] == 0
