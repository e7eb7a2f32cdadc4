import re
from datetime import UTC, datetime

import pytest

from service.domain import errors
from service.domain.errors import FieldError, FormRefused, NoSuch, TaskNotOpen, TocsinError, leaves

LEAVES = leaves()
BRANCHES = {each for each in TocsinError.__subclasses__() if "code" not in vars(each)}
SAMPLES = {"retry_after_seconds": 60, "seconds": 10, "limit": 1000, "schema_version": 1, "errors": [], "findings": []}


def a_leaf(cls: type[TocsinError]) -> TocsinError:
    names = getattr(cls, "__dataclass_fields__", {})
    return cls(**{name: SAMPLES.get(name, "甲") for name, field in names.items() if "ClassVar" not in str(field.type)})


def test_codes_are_unique_and_speak() -> None:
    codes = [leaf.code for leaf in LEAVES]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z0-9_]+", code) for code in codes)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.code)
def test_every_leaf_has_a_message_in_both_languages_and_one_branch(leaf: type[TocsinError]) -> None:
    error = a_leaf(leaf)
    assert re.search(r"[一-鿿]", error.text())
    assert "{" not in error.text()
    assert re.search(r"[A-Za-z]", error.text("en"))
    assert "{" not in error.text("en")
    assert sum(isinstance(error, branch) for branch in BRANCHES) == 1


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(re.findall(r"\b[A-Z][A-Za-z]+\b", (errors.__doc__ or "").split("A leaf's")[0])) & set(vars(errors))
    assert drawn - {"TocsinError"} == {each.__name__ for each in (*LEAVES, *BRANCHES)}


def test_messages_name_who_and_when_in_shanghai() -> None:
    error = TaskNotOpen("校医丁", datetime(2026, 3, 2, 0, 10, tzinfo=UTC))
    assert error.text() == "任务已结束：校医丁，2026-03-02 08:10:00。"
    assert error.text("en") == "The task is no longer open: 校医丁, 2026-03-02 08:10:00."
    assert str(NoSuch("task", "t1")) == "not_found: There is no such task: t1."


def test_a_refused_form_counts_its_errors() -> None:
    error = FormRefused([FieldError("rows.0.name", "required", "必填", "required")])
    assert error.text() == "有1处填写不符合要求。"
    assert error.errors[0].text("zh_CN") == "必填"
    assert error.errors[0].text("en") == "required"
