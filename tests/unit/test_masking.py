from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.fields import (
    FieldClass,
    Mask,
    list_name,
    mask_address,
    mask_id_no,
    mask_name,
    mask_phone,
    mask_value,
    surname,
)
from service.domain.form_samples import sample
from service.domain.forms import FillContext, FormLibrary, fill, masked
from service.domain.identity_numbers import check_character, is_citizen_number, is_identity_number, is_phone_number

LIBRARY = FormLibrary.load(Path(__file__).parents[2] / "forms")


@pytest.mark.parametrize(
    ("name", "family"),
    [("王小明", "王"), ("欧阳小明", "欧阳"), ("欧阳", "欧"), ("学生甲", "学"), ("Ann Smith", "S."), ("  ", "")],
)
def test_surname(name: str, family: str) -> None:
    assert surname(name) == family


def test_a_masked_name_does_not_tell_its_length() -> None:
    assert mask_name("王明") == mask_name("王小明明") == "王**"
    assert mask_name("") == ""


def test_lists_show_surname_class_and_code() -> None:
    assert list_name("学生甲", "七年级2班", "0309-01") == "学** · 七年级2班 · 0309-01"
    assert list_name("", "七年级2班", "0309-01") == "七年级2班 · 0309-01"


@pytest.mark.parametrize(
    ("phone", "shown"), [("13800001234", "138****1234"), ("010-88886666", "****66"), ("110", "***"), ("", "***")]
)
def test_phone(phone: str, shown: str) -> None:
    assert mask_phone(phone) == shown


def test_identity_number_keeps_two_characters() -> None:
    assert mask_id_no("11010519491231002X") == "****************2X"
    assert mask_id_no("12") == "***"
    assert mask_address("示例镇示例村 1 号") == "***"


@given(st.text(max_size=40), st.sampled_from(Mask))
def test_no_mask_shows_a_text_whole(text: str, mask: Mask) -> None:
    shown = mask_value(text, mask)
    assert isinstance(shown, str)
    assert not text.strip() or shown != text or set(text) <= {"*"}


def test_numbers_and_answers_are_hidden_and_nothing_stays_nothing() -> None:
    assert mask_value(38.1, None) == mask_value(False, None) == mask_value(["fever"], None) == "***"
    assert mask_value(None, Mask.NAME) is None


def test_sealed_classes() -> None:
    assert {each for each in FieldClass if each.is_sealed} == {"personal", "health", "child_critical"}


@pytest.mark.parametrize(
    ("number", "is_valid"),
    [
        ("11010519491231002X", True),  # the example of GB 11643-1999
        ("440524188001010014", True),  # the other one
        ("110105194912310021", False),  # wrong check character
        ("11010519491331002X", False),  # month 13
        ("1101051949123100", False),
        ("", False),
    ],
)
def test_citizen_number(number: str, is_valid: bool) -> None:
    assert is_citizen_number(number) is is_valid


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_found(place: int, step: int) -> None:
    number = "11010519491231002X"
    wrong = number[:place] + str((int(number[place]) + step) % 10) + number[place + 1 :]
    assert not is_citizen_number(wrong)
    assert check_character(number[:17]) == "X"


def test_passports_and_phones() -> None:
    assert is_identity_number("E12345678")
    assert not is_identity_number("护照12345")
    assert all(map(is_phone_number, ("13800001234", "010-88886666", "0871-8888666", "88886666-801")))
    assert not any(map(is_phone_number, ("12800001234", "1380000123", "一三八", "110")))


def test_masked_answers_show_no_sealed_value() -> None:
    context = FillContext(now=datetime(2026, 3, 2, tzinfo=UTC), account_id="t", organisation_type="school")
    view = LIBRARY.view("F01#quick")
    values = fill(view, sample(view, context, seed=3, is_full=True), context).values
    shown = masked(view.fields, values | {"later_field": "x"})
    assert shown["person"]["name"] == "示**"
    assert shown["person"]["org_unit"] == values["person"]["org_unit"]
    assert shown["person"]["phone"][3:7] == "****"
    assert shown["temperature"] == "***"
    assert shown["place"] == values["place"]
    assert "later_field" not in shown


def test_masked_rows_and_signatures() -> None:
    context = FillContext(now=datetime(2026, 3, 2, tzinfo=UTC), account_id="t", organisation_type="school")
    view = LIBRARY.view("F14#temp")
    values = fill(view, sample(view, context, seed=3), context).values
    assert masked(view.fields, values)["rows"][0]["temperature"] == "***"
    accepted = LIBRARY.view("F15#accept").fields
    signed = {"accepted_by": {"name": "李医生", "at": "2026-03-02T00:00:00+00:00", "info_source": "visit"}}
    assert masked(accepted, signed)["accepted_by"]["name"] == "李**"
