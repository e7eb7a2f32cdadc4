"""What a form shows and what it sends back are the same answers, for every view of every form."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.form_context import FillContext, as_instant
from service.domain.form_samples import sample
from service.domain.forms import FormLibrary, View
from service.settings import ROOT
from service.web.form_models import Choice, Directory, FieldModel, Filled
from service.web.form_pages import FormWriter
from service.web.form_values import Flat, as_json_instant, flatten_view, gather

LIBRARY = FormLibrary.load(ROOT / "forms")
VIEWS = {view.key: view for view in LIBRARY.views()}
CONTEXT = FillContext(
    now=datetime(2026, 3, 2, 1, 30, tzinfo=UTC),
    account_id="account-1",
    account_name="办公室丙",
    organisation_type="school",
    persons={"person-1": {"name": "学生甲", "person_type": "student"}},
    accounts=frozenset({"account-1", "account-2"}),
)
DIRECTORY = Directory(
    persons=(Choice("person-1", "学生甲"),),
    accounts=(Choice("account-1", "办公室丙"), Choice("account-2", "校长己")),
    places=(Choice("place-1", "七年级1班"),),
)


def same(value: Any) -> Any:
    """Answers with instants to the minute, since that is what an input holds, and numbers as numbers."""
    if isinstance(value, dict):
        return {key: same(each) for key, each in value.items() if key != "label"}
    if isinstance(value, list):
        return [same(each) for each in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}T", value):
        at = as_instant(value)
        return at.replace(second=0, microsecond=0).timestamp() if at else value
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize("key", sorted(VIEWS))
@pytest.mark.parametrize("seed", range(4))
def test_answers_come_back_as_they_were_shown(key: str, seed: int) -> None:
    view = VIEWS[key]
    fields = {each.key for each in view.fields if each.const is None and not each.is_auto}
    answers = sample(view, CONTEXT, seed=seed, is_full=True)
    rows = answers["rows"] if view.is_list else [answers]
    wanted = [{name: value for name, value in row.items() if name in fields} for row in rows]
    back = gather(view, flatten_view(view, answers), {})
    assert same(back["rows"] if view.is_list else [back]) == same(wanted)


def names(models: tuple[FieldModel, ...]) -> set[str]:
    """Input names of some fields, with those of their parts and rows."""
    found = set[str]()
    for model in models:
        found |= {model.name, f"{model.name}.id", f"{model.name}.from", f"{model.name}.to"}
        found |= names(model.parts) | names(model.folded)
        found |= {name for row in model.rows for name in names(row.fields + row.folded)}
        found |= {name for row in model.rows for name, _ in row.kept}
    return found


@pytest.mark.parametrize("key", sorted(VIEWS))
@pytest.mark.parametrize("locale", ["zh_CN", "en"])
def test_every_answer_has_an_input(key: str, locale: str) -> None:
    view = VIEWS[key]
    flat = flatten_view(view, sample(view, CONTEXT, seed=1, is_full=True))
    form = FormWriter(view, CONTEXT, DIRECTORY, locale).write(Filled(flat))
    shown = names(form.asked + form.more)
    constants = {each.key for each in view.fields if each.const is not None or each.is_auto}
    files = {f"{each.key}.{part}" for each in view.fields for part in ("name", "size", "sha256")}
    missing = {name for name in flat if name not in shown and name.split(".")[-1] not in constants} - files
    assert {name for name in missing if not re.search(r"\.(size|sha256|name)$", name)} == set()


def test_what_cannot_be_read_as_its_type_is_handed_on_as_typed() -> None:
    view = VIEWS["F03#recheck"]
    flat: Flat = {"axillary_temp": ["三十八度"], "cough": ["maybe"]}
    assert gather(view, flat, {}) == {"axillary_temp": "三十八度", "cough": "maybe"}


@pytest.mark.parametrize("typed", ["38.1", "３８．１", " 38.1 ", "38.1℃", "38.1 °C"])
def test_a_temperature_may_be_typed_as_people_type_it(typed: str) -> None:
    assert gather(VIEWS["F03#recheck"], {"axillary_temp": [typed]}, {}) == {"axillary_temp": 38.1}


def test_a_time_of_the_input_is_shanghai_time() -> None:
    assert as_json_instant("2026-03-02T08:10") == "2026-03-02T08:10:00+08:00"
    assert as_json_instant("2026-02-30T08:10") == "2026-02-30T08:10"
    assert as_json_instant("yesterday") == "yesterday"


_NAMES = st.from_regex(r"[a-z_]{1,12}(\.[0-9]{1,6})?(\.[a-z_]{1,8}){0,2}", fullmatch=True)


@given(st.sampled_from(sorted(VIEWS)), st.dictionaries(_NAMES, st.lists(st.text(max_size=30), max_size=3), max_size=8))
def test_nothing_a_browser_can_send_breaks_the_reading(key: str, flat: dict[str, list[str]]) -> None:
    view: View = VIEWS[key]
    data = gather(view, flat, {})
    form = FormWriter(view, CONTEXT, DIRECTORY, "zh_CN").write(Filled(flat))
    assert isinstance(data, dict)
    assert form.asked
