"""Drafts say what the facts say, guess nothing and name nobody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.report_drafts import DRAFTS, draft
from service.domain.report_material import (
    Adjustment,
    CaseMaterial,
    CoursePoint,
    Disinfection,
    ReportMaterial,
    SentReport,
    TransferMaterial,
)
from service.domain.report_phrases import PHRASES, moment
from service.domain.report_texts import CONTACT_KEYS

FOUND = datetime(2026, 3, 2, 0, 10, tzinfo=UTC)  # 08:10 in Shanghai
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def a_case(**changes: Any) -> CaseMaterial:
    case = CaseMaterial(
        code="A-01",
        class_name="七年级2班",
        registered_at=FOUND,
        temperature=Decimal("38.1"),
        symptoms=("fever", "sore_throat"),
        epi_history=False,
    )
    return replace(case, **changes)


def some_material(**changes: Any) -> ReportMaterial:
    material = ReportMaterial(
        kind="initial",
        event="detected",
        organisation_name="示例学校",
        place="七年级2班教室",
        found_at=FOUND,
        now=FOUND + HOUR,
        cases=(a_case(),),
        measures_done=((FOUND + MINUTE, "佩戴口罩、带离"), (FOUND + 4 * MINUTE, "呼叫120")),
        recipients=("district_office", "duty_principal"),
    )
    return replace(material, **changes)


def test_the_initial_report_of_scenario_sc01() -> None:
    assert draft("initial", some_material()) == {
        "occur_time": "2026-03-02T08:10:00+08:00",
        "occur_place": "示例学校七年级2班教室",
        "person_count": 1,
        "symptoms": "七年级2班学生（编号A-01）：发热、咽痛，额温38.1℃。",
        "possible_cause": "待查。无境外及重点地区旅居、接触史。",
        "measures": "8时11分，佩戴口罩、带离。\n8时14分，呼叫120。",
        "report_to": [{"id": "district_office"}, {"id": "duty_principal"}],
    }


def test_an_english_draft_is_english() -> None:
    values = draft("initial", some_material(measures_done=()), locale="en_GB")
    assert values["possible_cause"] == "Under investigation. No stay in or contact with a key area."
    assert values["measures"] == "No measure taken yet."
    assert "infrared forehead 38.1 ℃" in str(values["symptoms"])


def test_the_place_does_not_repeat_the_organisation() -> None:
    assert draft("initial", some_material(place="示例学校一楼大厅"))["occur_place"] == "示例学校一楼大厅"


@pytest.mark.parametrize(
    ("histories", "finding", "expected"),
    [
        ((None,), "", "待查"),
        ((False, None), "", "待查"),
        ((False, False), "", "待查。无境外及重点地区旅居、接触史。"),
        ((True, False), "", "1例有境外或重点地区旅居、接触史，原因待查。"),
        ((False,), "输入性，来自甲地。", "输入性，来自甲地。"),
        ((), "", "待查"),
    ],
)
def test_a_cause_is_found_or_under_investigation(
    histories: tuple[bool | None, ...], finding: str, expected: str
) -> None:
    cases = tuple(a_case(epi_history=history) for history in histories)
    assert draft("initial", some_material(cases=cases, finding=finding))["possible_cause"] == expected


def test_the_written_report_goes_on_where_the_first_stopped() -> None:
    case = a_case(axillary_temp=Decimal("37.9"), rechecked_at=FOUND + 28 * MINUTE)
    transfer = TransferMaterial("A-01", "120救护车", FOUND + 45 * MINUTE, "示例定点医院", FOUND + 65 * MINUTE)
    material = some_material(cases=(case,), transfers=(transfer,), refusal="拒绝")
    lines = str(draft("written", material)["measures"]).splitlines()
    assert lines == [
        "8时11分，佩戴口罩、带离。",
        "8时14分，呼叫120。",
        "【处置进展】",
        "8时38分，120到校复测，七年级2班学生（编号A-01）水银腋温37.9℃。",
        "8时55分，七年级2班学生（编号A-01）由120救护车离校。",
        "9时15分，七年级2班学生（编号A-01）与示例定点医院完成交接。",
        "家长态度：拒绝。",
        "目前等待诊断，结果将即时续报。",
    ]
    assert draft("written", some_material())["measures"] == draft("initial", some_material())["measures"]


def test_many_cases_are_counted_not_listed() -> None:
    cases = tuple(a_case(code=f"A-{number:02}", symptoms=("fever",)) for number in range(11))
    values = draft("initial", some_material(cases=cases))
    assert values["symptoms"] == "发热11例"
    assert values["person_count"] == 11


def test_progress_without_news_says_so() -> None:
    last = SentReport("r-1", "R02", "进程报告", until=FOUND + 2 * HOUR)
    case = a_case(diagnosis="confirmed", diagnosed_at=FOUND + HOUR, course=(CoursePoint(FOUND + HOUR, "ordinary"),))
    values = draft("progress", some_material(cases=(case,), previous_report=last, now=FOUND + 26 * HOUR))
    assert values["diagnosis_treatment"] == "无变化"
    assert values["condition_change"] == "无变化"
    assert values["control_state"] == "本时段无新增病例。"
    assert values["period"] == {"from": "2026-03-02T10:10:00+08:00", "to": "2026-03-03T10:10:00+08:00"}
    assert values["contact_numbers"] == dict.fromkeys(CONTACT_KEYS, 0)


def test_progress_reports_what_came_since_the_last() -> None:
    last = SentReport("r-1", "R02", "进程报告", until=FOUND + 2 * HOUR)
    case = a_case(
        diagnosis="confirmed",
        diagnosed_at=FOUND + 3 * HOUR,
        hospital="示例定点医院",
        severity="ordinary",
        treatment="抗病毒",
        course=(CoursePoint(FOUND + HOUR, "ordinary"), CoursePoint(FOUND + 4 * HOUR, "severe", "加重")),
    )
    new = a_case(code="A-02", registered_at=FOUND + 5 * HOUR)
    material = some_material(cases=(case, new), previous_report=last, now=FOUND + 26 * HOUR, contacts={"最终": 8})
    values = draft("progress", material)
    assert str(values["diagnosis_treatment"]).splitlines() == [
        "3月2日11时10分，七年级2班学生（编号A-01）：确诊病例（示例定点医院）。",
        "七年级2班学生（编号A-01）：病情普通，诊疗情况：抗病毒。",
        "七年级2班学生（编号A-02）：诊断结果未出。",
    ]
    assert values["condition_change"] == (
        "七年级2班学生（编号A-01）：普通（3月2日9时10分）→重症（3月2日12时10分，加重）。"
    )
    assert values["control_state"] == "本时段新增1例。"
    assert values["contact_numbers"] == {**dict.fromkeys(CONTACT_KEYS, 0), "最终": 8}


def test_control_tells_of_places_and_classes_since_the_last_report() -> None:
    classes = ("七年级2班", "七年级3班")
    material = some_material(
        previous_report=SentReport("r-1", "R02", "进程报告", until=FOUND + 2 * HOUR),
        disinfections=(
            Disinfection(FOUND + HOUR, ("楼梯",)),
            Disinfection(FOUND + 3 * HOUR, ("教室", "走廊")),
        ),
        adjustments=(Adjustment(FOUND + 4 * HOUR, "class_suspend", classes, FOUND + 5 * HOUR),),
        now=FOUND + 26 * HOUR,
    )
    assert str(draft("progress", material)["control_state"]).splitlines() == [
        "本时段无新增病例。",
        "3月2日11时10分，终末消毒验收合格：教室、走廊。",
        "自3月2日12时10分起，七年级2班、七年级3班班级停课。",
        "七年级2班、七年级3班自3月2日13时10分起复课。",
    ]


def test_a_number_reported_directly_is_not_withdrawn_but_its_change_is_stated() -> None:
    cases = (a_case(diagnosis="suspected"), a_case(code="A-02", diagnosis="excluded"))
    values = draft("progress", some_material(cases=cases, reported_count=3, withdrawn=1))
    assert "此前直报3例，其中经医疗机构诊断排除1例，撤销1例，现为1例。" in str(values["control_state"])
    assert "此前直报" not in str(draft("progress", some_material(cases=cases, withdrawn=1))["control_state"])


def test_contacts_are_counted_by_class_too() -> None:
    material = some_material(contact_classes=(("七年级2班", 4), ("", 1)))
    assert draft("progress", material)["contact_classes"] == "按班级或单位：七年级2班4人、其他单位1人。"
    assert "contact_classes" not in draft("progress", some_material())


@pytest.mark.parametrize(
    ("results", "event", "nature"),
    [
        (("excluded",), "ended", "排除"),
        (("excluded", "excluded"), "ended", "排除"),
        (("confirmed",), "ended", "散发确诊"),
        (("confirmed", "confirmed"), "ended", None),
        (("confirmed", "suspected", "asymptomatic"), "ended", "聚集性疫情"),
        (("confirmed", ""), "ended", None),
        (("",), "ended", None),
        (("excluded", "pending"), "ended", None),
        (("",), "cancelled", "误报"),
    ],
)
def test_the_nature_is_drafted_only_where_facts_decide_it(
    results: tuple[str, ...], event: str, nature: str | None
) -> None:
    cases = tuple(a_case(diagnosis=result, diagnosed_at=FOUND + HOUR if result else None) for result in results)
    assert draft("closing", some_material(cases=cases, event=event)).get("nature") == nature


def test_cleared_on_the_spot_closes_as_excluded() -> None:
    assert draft("closing", some_material(cases=(a_case(status="cleared"),)))["nature"] == "排除"


def test_the_closing_report_of_scenario_sc01() -> None:
    case = a_case(diagnosis="excluded", diagnosed_at=FOUND + 6 * HOUR, hospital="示例定点医院")
    values = draft("closing", some_material(cases=(case,), now=FOUND + 7 * HOUR, contacts={"初步": 2, "最终": 2}))
    assert values["accountability"] == "无"
    assert values["closed_at"] == "2026-03-02T15:10:00+08:00"
    assert str(values["result"]).splitlines() == [
        "共涉及1例：经医疗机构诊断排除1例。",
        "3月2日14时10分，七年级2班学生（编号A-01）：经医疗机构诊断排除（示例定点医院）。",
    ]
    assert str(values["control"]).splitlines() == [
        "自3月2日8时10分发现至3月2日15时10分，共完成处置措施2项。",
        "密接排查：初步2人，最终2人，到位0人，隔离中0人，解除0人，转阳0人。",
    ]


def test_a_direct_report_counts_and_names_the_classes_once() -> None:
    cases = (a_case(), a_case(code="A-02"), a_case(code="B-01", class_name="七年级3班"))
    values = draft("direct", some_material(cases=cases, event="cluster", suspected_count=4))
    assert values["trigger"] == "≥3例聚集"
    assert values["suspected_count"] == 4
    assert values["classes"] == ["七年级2班", "七年级3班"]
    assert draft("direct", some_material(event="anomaly"))["trigger"] == "机构异常信息"


@pytest.mark.parametrize(
    ("event", "reason", "text"),
    [
        ("cleared", "现场排除", "所报1例不按疑似病例处置"),
        ("reclassified", "医院排除", "所报1例不按疑似病例处置"),
        ("cancelled", "误报撤销", "其中2例经核实为误报，予以撤销，现为1例"),
        ("cluster_more", "人数增加", "涉及人数现为5例"),
    ],
)
def test_a_correction_says_what_and_why(event: str, reason: str, text: str) -> None:
    sent = SentReport("r-1", "R01", "初次报告", number="示校疫报〔2026〕3号")
    values = draft("correction", some_material(event=event, corrected=(sent,), suspected_count=5, withdrawn=2))
    assert values["corrects"] == [{"id": "r-1"}]
    assert values["correction_reason"] == reason
    assert text in str(values["correction_text"])
    assert "初次报告（示校疫报〔2026〕3号）" in str(values["correction_text"])


def test_a_correction_of_a_withdrawn_incident_withdraws_everything() -> None:
    values = draft("correction", some_material(event="cancelled", cases=(), withdrawn=1))
    assert "原报告的事件予以撤销" in str(values["correction_text"])


def test_a_correction_about_one_person_says_how_many_are_left() -> None:
    cases = (a_case(diagnosis="excluded"), a_case(code="A-02", diagnosis="suspected"))
    values = draft("correction", some_material(event="reclassified", cases=cases, subject="A-01"))
    assert "七年级2班学生（编号A-01）经医疗机构诊断排除，不再按疑似或确诊病例处置；目前疑似或确诊1例。" in str(
        values["correction_text"]
    )


def test_a_correction_of_a_direct_report_states_the_number_of_the_school() -> None:
    sent = SentReport("r-1", "R04", "直报单")
    assert (
        draft("correction", some_material(event="cancelled", corrected=(sent,), suspected_count=2))["person_count"] == 2
    )


def test_a_correction_of_unknown_cause_is_left_to_the_drafter() -> None:
    assert set(draft("correction", some_material(event="other"))) == {"corrects", "person_count"}


def test_the_exclusion_notice_tells_no_case() -> None:
    text = " ".join(str(value) for value in draft("exclusion", some_material()).values())
    assert "经医疗机构诊断排除" in text
    assert "A-01" not in text
    assert "七年级2班学生" not in text


def test_no_draft_signs_itself_and_unknown_kinds_are_errors() -> None:
    for kind in DRAFTS:
        assert not {"drafter", "signer"} & set(draft(kind, some_material()))
    with pytest.raises(KeyError):
        draft("daily", some_material())


def test_times_of_a_long_response_carry_their_day() -> None:
    values = draft("initial", some_material(now=FOUND + 30 * HOUR))
    assert str(values["measures"]).startswith("3月2日8时11分，")


def test_every_phrase_has_the_same_blanks_in_both_languages() -> None:
    for key, (chinese, english) in PHRASES.items():
        blanks = [sorted(part.split("}")[0] for part in text.split("{")[1:]) for text in (chinese, english)]
        assert blanks[0] == blanks[1], key


cases = st.builds(
    CaseMaterial,
    code=st.text("ABC-0123456789", min_size=1, max_size=6),
    class_name=st.sampled_from(["七年级2班", "", "{x}"]),
    registered_at=st.none() | st.just(FOUND),
    temperature=st.none() | st.decimals(34, 43, places=1),
    axillary_temp=st.none() | st.decimals(34, 43, places=1),
    rechecked_at=st.none() | st.just(FOUND + HOUR),
    symptoms=st.lists(st.sampled_from(["fever", "cough", "unheard_of"]), max_size=3).map(tuple),
    epi_history=st.none() | st.booleans(),
    status=st.sampled_from(["", "observed", "cleared", "suspected"]),
    diagnosis=st.sampled_from(["", "pending", "excluded", "confirmed"]),
    diagnosed_at=st.none() | st.just(FOUND + HOUR),
    severity=st.sampled_from(["", "mild"]),
    treatment=st.sampled_from(["", "观察"]),
)


@given(st.lists(cases, max_size=12), st.sampled_from(sorted(DRAFTS)), st.sampled_from(["zh_CN", "en"]))
def test_every_draft_can_be_made_of_any_facts(found: list[CaseMaterial], kind: str, locale: str) -> None:
    values = draft(kind, some_material(cases=tuple(found), event="cleared"), locale=locale)
    assert values
    for value in values.values():
        assert value not in ("", None)


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis takes naive bounds
def test_instants_are_shown_in_shanghai(at: datetime) -> None:
    local = at + timedelta(hours=8)
    assert moment(at, "zh") == f"{local.month}月{local.day}日{local.hour}时{local.minute:02d}分"
