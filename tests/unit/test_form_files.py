import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from service.domain.forms import FormDefinitionError, FormInvalid, FormLibrary, fill, json_schema
from tests.unit.form_builders import (
    FOLDER,
    a_context,
)


def a_form(**changes: Any) -> dict[str, Any]:
    field = {"key": "a", "label": {"zh": "甲", "en": "a"}, "type": "str", "class": "internal"} | changes
    field = {name: value for name, value in field.items() if value is not None}
    view = {"name": {"zh": "视图", "en": "view"}, "required": ["a"], "more": []}
    return {
        "id": "F99",
        "key": "x",
        "name": {"zh": "表", "en": "form"},
        "fields": [field],
        "views": {"all": view},
        "rules": [],
    }


def load_with(folder: Path, form: Mapping[str, Any]) -> FormLibrary:
    for name in ("codes.json", "blocks.json"):
        shutil.copy(FOLDER / name, folder / name)
    (folder / "F99.json").write_text(json.dumps(form), encoding="utf-8")
    return FormLibrary.load(folder)


def test_a_new_form_file_is_enough(tmp_path: Path) -> None:
    assert load_with(tmp_path, a_form()).view("F99#all").fields[0].label.of("en") == "a"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (a_form(**{"class": None}), "class"),
        (a_form(**{"class": "secret"}), "class"),
        (a_form(type="colour"), "unknown type"),
        (a_form(colour="red"), "unknown keys"),
        (a_form(type="enum", options="no_such_list"), "code list"),
        (a_form(**{"class": "health", "output": True}), "process data"),
        (a_form(default={"source": "moon"}), "default"),
        (a_form(required_when={"field": "b", "like": 1}), "condition"),
        (a_form(required_when={"field": "b", "in": 1}), "list"),
        (a_form(required_when=7), "condition"),
        (a_form(type="person", block="no_such_block"), "block"),
        (a_form() | {"rules": [{"rule": "wish", "field": "a"}]}, "unknown rule"),
        (a_form() | {"fields": a_form()["fields"] * 2}, "same key"),
        (a_form() | {"id": "F98"}, "F98"),
        (a_form() | {"views": {"all": {"name": {}, "required": ["b"], "more": []}}}, "unknown field"),
        (a_form() | {"views": {"all": {"name": {}, "required": ["a"], "more": ["a"]}}}, "twice"),
        (a_form() | {"views": {"all": {"name": {}}}}, "required"),
    ],
)
def test_a_form_file_that_breaks_the_format_is_refused(tmp_path: Path, form: dict[str, Any], message: str) -> None:
    with pytest.raises(FormDefinitionError, match=message):
        load_with(tmp_path, form)


def test_a_pattern_and_a_time_of_day_are_checked(tmp_path: Path) -> None:
    for changes, good, bad, code in (
        ({"pattern": "[A-Z]{2}[0-9]+"}, "AB1", "ab1", "bad_format"),
        ({"type": "time"}, "17:00", "25:00", "bad_time"),
        ({"type": "time"}, "07:05", 7, "bad_time"),
    ):
        view = load_with(tmp_path, a_form(**changes)).view("F99#all")
        assert fill(view, {"a": good}, a_context()).values == {"a": good}
        assert json_schema(view, locale="en")["properties"]["a"]["pattern"]
        with pytest.raises(FormInvalid) as refused:
            fill(view, {"a": bad}, a_context())
        assert refused.value.errors[0].code == code
