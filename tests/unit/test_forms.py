import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.form_conditions import ALWAYS
from service.domain.form_samples import sample
from service.domain.forms import (
    FormInvalid,
    FormNotFound,
    View,
    fill,
    json_schema,
    typed,
    ui_hints,
)
from tests.unit.form_builders import (
    LIBRARY,
    NOW,
    POLICIES,
    PUPIL,
    ROW,
    VIEWS,
    a_context,
    an_answer,
    at,
    refusals,
)


def test_the_views_of_the_catalogue_are_there() -> None:
    wanted = """
    F00#done F00#send F00#sign F00#cancel F01#quick F01#complete F01#external F02#register
    F03#arrival F03#recheck F03#advice F04#plan F04#control
    F05#request F05#ppe F05#depart F05#arrive F05#clean F06#result F06#certificate F06#update F06#worse
    F07#approve F07#notice F07#refusal F08#draft F08#correct F08#oral F09#draft F10#draft F11#draft
    F14#temp F14#session F15#places F15#seal F15#work F15#clear F15#accept
    F17#apply F17#documents F17#symptom F17#review F18#order F18#propose F18#decide F18#online F18#resume
    F19#review F20#gate F20#entry F40#clue F40#verify F40#rectify F40#recheck F40#sanction
    """
    assert set(wanted.split()) <= set(VIEWS)


def test_only_the_named_fields_are_process_data() -> None:
    outputs = {
        f"{form.id}.{f.key}"
        for form in map(LIBRARY.form, {v.form for v in VIEWS.values()})
        for f in form.fields.values()
        if f.is_output
    }
    wanted = """
    F00.sign_decision F00.cancel_scope F00.outcome F01.source_kind F01.positions_fixed F04.control_confirmed
    F05.request_outcome F05.receive_outcome F08.corrects F12.other_org F15.scope F15.accept_result F17.decision
    F24.end_at F18.adjust F18.order_kind F18.scope F38.conclusion F38.consent_result F40.verified F40.recheck
    F44.stopped_at
    """
    assert outputs == set(wanted.split())


def test_an_unknown_view_is_not_found() -> None:
    for key in ("F99#x", "F01#x", "F01", ""):
        with pytest.raises(FormNotFound) as refused:
            LIBRARY.view(key)
        assert refused.value.key == key
        assert not LIBRARY.has(key)
    with pytest.raises(FormNotFound):
        LIBRARY.form("F99")
    assert LIBRARY.has("F01#quick")


# --- every view ---------------------------------------------------------------------------------


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("key", VIEWS)
def test_a_sample_is_accepted_and_fits_the_schema(key: str, is_full: bool) -> None:
    context = a_context()
    schema = json_schema(VIEWS[key], locale="zh_CN", context=context)
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    for seed in range(8):
        answer = sample(VIEWS[key], context, seed=seed, is_full=is_full)
        assert answer == sample(VIEWS[key], context, seed=seed, is_full=is_full)
        validator.validate(answer)
        answers = fill(VIEWS[key], answer, context)
        assert json.loads(json.dumps(answers.values)) == answers.values


@pytest.mark.parametrize("key", VIEWS)
def test_public_and_sealed_are_the_two_halves(key: str) -> None:
    view = VIEWS[key]
    answers = fill(view, sample(view, a_context(), seed=2, is_full=True), a_context())
    pairs = (
        zip(answers.public["rows"], answers.sealed["rows"], answers.values["rows"], strict=True)
        if view.is_list
        else [(answers.public, answers.sealed, answers.values)]
    )
    for public, sealed, values in pairs:
        assert public | sealed == values
        assert not set(public) & set(sealed)
        given = [field for field in view.fields if field.key in values]
        assert all(field.key in sealed for field in given if field.field_class.is_sealed)
        files = {"file", "list", "file_or_text"}  # the name of a file is sealed whatever the class
        assert all(field.type in files for field in given if field.key in sealed and not field.field_class.is_sealed)
    assert not set(answers.outputs.get(view.form, {})) & set(answers.sealed)


@pytest.mark.parametrize("key", VIEWS)
def test_a_missing_required_field_is_named(key: str) -> None:
    view, context = VIEWS[key], a_context()
    answer = sample(view, context, seed=1)
    record = answer["rows"][0] if view.is_list else answer
    for entry in view.entries:
        if entry.requirement == ALWAYS and entry.field.key in record:
            less = {name: value for name, value in record.items() if name != entry.field.key}
            data = {"rows": [less]} if view.is_list else less
            prefix = "rows.0." if view.is_list else ""
            assert (prefix + entry.field.key, "required") in refusals(key, data)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("key", [key for key, view in VIEWS.items() if not view.is_list])
def test_schema_and_validation_demand_the_same(key: str, seed: int) -> None:
    view, context = VIEWS[key], a_context()
    validator = jsonschema_rs.validator_for(json_schema(view, locale="en", context=context))
    answer = sample(view, context, seed=seed, is_full=True)
    for name in answer:
        less = {other: value for other, value in answer.items() if other != name}
        assert validator.is_valid(less) == (not refusals(key, less)), name


@pytest.mark.parametrize("key", VIEWS)
def test_hints_follow_the_view_in_both_languages(key: str) -> None:
    view = VIEWS[key]
    chinese, english = ui_hints(view, locale="zh_CN"), ui_hints(view, locale="en")
    assert [hint["key"] for hint in chinese] == [field.key for field in view.fields]
    for zh, en in zip(chinese, english, strict=True):
        assert zh["label"]
        assert en["label"].isascii()
        assert all(option["label"].isascii() for option in en["options"])
        assert [option["value"] for option in zh["options"]] == [option["value"] for option in en["options"]]
    assert all(hint["one_tap"] == view.is_one_tap for hint in chinese)


def test_without_a_context_the_schema_leaves_facts_open() -> None:
    assert json_schema(VIEWS["F05#ppe"], locale="en")["required"] == ["ppe"]
    with_context = json_schema(VIEWS["F05#ppe"], locale="en", context=a_context())
    assert with_context["required"] == ["ppe", "escort"]
    assert (
        json_schema(VIEWS["F08#draft"], locale="en", context=a_context(defaults={"occur_place": "七2教室"}))["required"]
        != json_schema(VIEWS["F08#draft"], locale="en")["required"]
    )
    quick = json_schema(VIEWS["F01#quick"], locale="en")
    assert quick["properties"]["temperature"]["x-class"] == "health"
    assert quick["properties"]["source_kind"]["x-output"] is True
    assert quick["properties"]["symptoms"]["x-labels"]["fever"] == "fever"


# --- defaults, outputs, warnings ----------------------------------------------------------------


def test_a_simple_task_is_one_tap() -> None:
    answers = fill(VIEWS["F00#done"], {}, a_context())
    assert answers.values == {"done_at": NOW.isoformat(), "done_by": {"id": "me"}, "result": "完成"}
    assert answers.outputs == {}
    assert [key for key, view in VIEWS.items() if view.is_one_tap] == ["F00#done"]


def test_a_quick_report_takes_defaults_from_the_place() -> None:
    data = {"person": PUPIL, "temperature": 38.1, "symptoms": ["fever", "sore_throat", "fever"], "place": " 七2教室 "}
    context = a_context(defaults={"positions_fixed": True, "place_lead": {"id": "lead"}})
    answers = fill(VIEWS["F01#quick"], data, context)
    assert answers.values["found_at"] == "2026-03-02T00:30:00+00:00"
    assert answers.public == {
        "place": "七2教室",
        "found_at": NOW.isoformat(),
        "source_kind": "check",
        "thermometer": "ir_forehead",
        "positions_fixed": True,
    }
    assert answers.sealed == {
        "person": PUPIL,
        "temperature": 38.1,
        "symptoms": ["fever", "sore_throat"],
        "place_lead": {"id": "lead"},
    }
    assert answers.outputs == {"F01": {"source_kind": "check", "positions_fixed": True}}
    shown = [part["key"] for part in ui_hints(VIEWS["F01#quick"], locale="en")[0]["parts"] if not part["is_folded"]]
    assert shown == ["name", "person_type", "org_unit"]


def test_what_the_service_cannot_supply_rightly_is_left_open() -> None:
    draft = an_answer("F08#draft", report_to=None)
    good = a_context(defaults={"report_to": [{"id": "学区"}, {"id": "值班校长"}]})
    assert fill(VIEWS["F08#draft"], draft, good).values["report_to"] == ["学区", "值班校长"]
    assert refusals("F08#draft", draft, defaults={"report_to": [{"id": "公众"}]}) == {("report_to", "required")}


def test_a_row_may_keep_the_person_apart() -> None:
    rows = [{"person": {"id": "p1"}, "distance": 1.25}, {"person": PUPIL, "left_place": True}]
    values = fill(VIEWS["F02#register"], an_answer("F02#register", rows=rows), a_context()).values
    assert values["rows"] == [{"id": "p1", "distance": 1.3, "left_place": False}, PUPIL | {"left_place": True}]


def test_instants_are_stored_in_utc_and_numbers_rounded() -> None:
    data = an_answer("F01#quick", found_at="2026-03-02T08:21:00+08:00", temperature=37.25)
    values = fill(VIEWS["F01#quick"], data, a_context()).values
    assert values["found_at"] == "2026-03-02T00:21:00+00:00"
    assert values["temperature"] == 37.3


def test_a_signature_is_written_by_the_service() -> None:
    values = fill(VIEWS["F04#plan"], an_answer("F04#plan", approver=True), a_context()).values
    assert values["approver"] == {"by": {"id": "me"}, "at": NOW.isoformat(), "method": "session"}


def warnings(key: str, data: dict[str, Any], **changes: Any) -> set[tuple[str, str]]:
    return {(warning.path, warning.code) for warning in fill(VIEWS[key], data, a_context(**changes)).warnings}


def test_fever_is_marked_at_the_threshold_of_the_organisation() -> None:
    exclusive = POLICIES | {"fever_threshold": Decimal("37.2"), "fever_threshold_inclusive": False}
    for temperature, policies, is_fever in (
        (37.3, POLICIES, True),
        (37.2, POLICIES, False),
        (37.2, exclusive, False),
        (37.3, exclusive, True),
    ):
        data = an_answer("F01#quick", temperature=temperature, person={"id": "p1"})
        assert (("temperature", "fever") in warnings("F01#quick", data, policies=policies)) is is_fever


def test_oddities_are_accepted_and_marked() -> None:
    recheck = an_answer("F03#recheck", thermometer="ear", axillary_temp=36.5)
    assert warnings("F03#recheck", recheck) == {("thermometer", "not_mercury")}
    late = an_answer("F14#session", **ROW, session="晚", day_no=1, window_reason="睡过了")
    assert warnings("F14#session", late) == {("measured_at", "outside_window")}
    rows = {"rows": [ROW, ROW | {"temperature": 38.5}]}
    assert warnings("F14#temp", rows) == {("rows.1.temperature", "fever")}
    adult = {"name": "教师乙", "person_type": "teacher", "org_unit": {"id": "s"}}
    assert warnings("F01#quick", an_answer("F01#quick", temperature=36.5, person=adult)) == {("person.phone", "wanted")}
    pupil = an_answer("F01#quick", temperature=36.5, person=PUPIL)
    assert warnings("F01#quick", pupil) == {("person.guardian_name", "wanted"), ("person.guardian_phone", "wanted")}


def test_an_output_left_empty_is_none() -> None:
    answers = fill(VIEWS["F18#order"], an_answer("F18#order", order_kind=None), a_context())
    assert answers.outputs["F18"]["order_kind"] is None
    assert set(answers.outputs["F18"]) == {"adjust", "scope", "order_kind"}


def test_stored_answers_become_typed() -> None:
    view = VIEWS["F18#order"]
    values = fill(view, an_answer("F18#order", start_at=at(60), planned_end="2026-03-09"), a_context()).values
    made = typed(view.fields, values)
    assert made["start_at"] == NOW + timedelta(hours=1)
    assert made["planned_end"].isoformat() == "2026-03-09"
    assert typed(VIEWS["F01#quick"].fields, {"temperature": 38.1, "other": 1}) == {
        "temperature": Decimal("38.1"),
        "other": 1,
    }


def test_errors_speak_both_languages() -> None:
    with pytest.raises(FormInvalid) as refused:
        fill(VIEWS["F01#quick"], an_answer("F01#quick", temperature=83.2), a_context())
    error = refused.value.errors[0]
    assert error.text("zh_CN") == "应在 34.0–43.0 ℃ 之间，是不是 38.2？"
    assert error.text("en") == "Must be between 34.0 and 43.0 ℃; did you mean 38.2?"


# --- whatever comes in --------------------------------------------------------------------------

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(), max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.sampled_from(["id", "name", "from", "to"]), children, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(VIEWS)), JSON_VALUES)
def test_anything_is_accepted_or_refused_with_errors(key: str, data: Any) -> None:
    check_is_orderly(VIEWS[key], data)


@given(st.sampled_from(sorted(VIEWS)), st.data())
def test_a_valid_answer_with_one_odd_field_is_accepted_or_refused_with_errors(key: str, data: st.DataObject) -> None:
    view = VIEWS[key]
    answer = sample(view, a_context(), seed=1, is_full=True)
    record = answer["rows"][0] if view.is_list else answer
    record[data.draw(st.sampled_from([field.key for field in view.fields]))] = data.draw(JSON_VALUES)
    check_is_orderly(view, answer)


def check_is_orderly(view: View, data: Any) -> None:
    values: dict[str, Any] = {}
    errors = None
    try:
        values = fill(view, data, a_context()).values
    except FormInvalid as refused:
        errors = refused.errors
    assert errors is None or len(errors) > 0
    assert all(error.zh and error.en and error.path.encode() is not None for error in errors or ())
    json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
