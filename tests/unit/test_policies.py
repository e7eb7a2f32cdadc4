"""The policy catalogue: the shipped file, overrides down the tree, snapshots."""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.calendar import CalendarDuration
from service.domain.policies import (
    PolicyCatalogue,
    PolicyEntry,
    PolicyError,
    parse_value,
    raw_value,
    typed,
)
from service.domain.policy_overrides import check_override, is_looser, snapshot
from service.domain.policy_words import in_words, limit_in_words

SHIPPED = PolicyCatalogue.load(Path(__file__).parents[2] / "workflows" / "policies.yaml")


def an_entry(**changes: Any) -> PolicyEntry:
    entry = PolicyEntry(
        key="written_report",
        type="duration",
        unit=None,
        default="PT2H",
        stricter="lower",
        cite=("[S0§5一(六)]",),
        is_inferred=False,
        label_zh="成文报告",
        label_en="Written report",
        range=("PT15M", "PT24H"),
    )
    return replace(entry, **changes)


def test_the_shipped_catalogue_is_complete() -> None:
    assert len(SHIPPED) == 146
    assert SHIPPED["written_report"].cite == ("[S0§5一(六)]",)
    assert SHIPPED["cluster_window_d"].is_inferred


@pytest.mark.parametrize("key", list(SHIPPED))
def test_every_default_is_allowed_and_survives_its_json_form(key: str) -> None:
    entry = SHIPPED[key]
    for raw in (entry.default, *entry.org_defaults.values()):
        value = parse_value(entry, raw)
        assert parse_value(entry, raw_value(value)) == value


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "colour"}, "unknown type"),
        ({"stricter": "up"}, "unknown direction"),
        ({"range": None}, "either allowed values or a range"),
        ({"cite": ()}, "no source"),
        ({"label_en": ""}, "labels"),
        ({"default": "PT1M"}, "not allowed"),
        ({"org_defaults": {"school": "P9D"}}, "not allowed"),
        ({"range": None, "allowed": ("PT2H",)}, "a direction needs a range"),
    ],
)
def test_a_broken_entry_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        PolicyCatalogue([an_entry(**changes)])


def test_a_key_stands_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        PolicyCatalogue([an_entry(), an_entry()])


def test_an_unknown_field_of_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policies.yaml"
    path.write_text("units: {}\noptions: {}\npolicies:\n  - {key: x, colour: red}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="colour"):
        PolicyCatalogue.load(path)


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        ("fever_threshold", 37.3, Decimal("37.3")),
        ("fever_threshold", "37.2", Decimal("37.2")),
        ("cluster_n", 3, 3),
        ("cluster_n", "4", 4),
        ("certificate_required", False, False),
        ("certificate_required", "true", True),
        ("first_room", "isolation_room", "isolation_room"),
        ("progress_due", "17:30", time(17, 30)),
        ("written_report", "PT90M", timedelta(minutes=90)),
        ("market_closure", "P1M", CalendarDuration(1)),
    ],
)
def test_values_are_typed(key: str, raw: object, expected: object) -> None:
    value = parse_value(SHIPPED[key], raw)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("fever_threshold", 34.9),
        ("fever_threshold", 42.1),
        ("fever_threshold", True),
        ("fever_threshold", "warm"),
        ("fever_threshold", "NaN"),
        ("fever_threshold", None),
        ("cluster_n", 0),
        ("cluster_n", 3.5),
        ("cluster_n", True),
        ("cluster_n", "-3"),
        ("certificate_required", 1),
        ("certificate_required", "yes"),
        ("first_room", "garden"),
        ("first_room", 1),
        ("progress_due", "25:00"),
        ("progress_due", "06:59"),
        ("written_report", "2h"),
        ("written_report", "-PT1H"),
        ("written_report", "PT14M"),
        ("written_report", 120),
    ],
)
def test_values_that_are_not_allowed(key: str, raw: object) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_value(SHIPPED[key], raw)
    assert key in caught.value.text("zh_CN")
    assert key in caught.value.text("en")


def test_a_subordinate_may_only_tighten() -> None:
    report = SHIPPED["written_report"]  # stricter is lower
    assert check_override(report, "PT2H", "PT1H") == timedelta(hours=1)
    assert check_override(report, "PT2H", "PT2H") == timedelta(hours=2)
    with pytest.raises(PolicyError, match="not longer than 2 hours"):
        check_override(report, "PT2H", "PT3H")
    days = SHIPPED["central_days"]  # stricter is higher
    assert check_override(days, 14, 21) == 21
    with pytest.raises(PolicyError, match="not below 14 days"):
        check_override(days, 14, 7)
    assert check_override(SHIPPED["reobserve_wait"], "PT1H", "PT6H") == timedelta(hours=6)  # no direction


def test_defaults_follow_the_type_of_the_organisation() -> None:
    assert snapshot(SHIPPED, "school", [])["fever_threshold"] == 37.3
    assert snapshot(SHIPPED, "training_institution", [])["fever_threshold"] == 37.2
    assert snapshot(SHIPPED, "training_institution", [])["fever_threshold_inclusive"] is False
    assert snapshot(SHIPPED, "village", [])["social_distance"] == 1.5
    assert snapshot(SHIPPED, "somewhere", [])["fever_threshold"] == 37.3


def test_overrides_apply_down_the_tree() -> None:
    county, bureau, school = {"written_report": "PT90M"}, {"progress_due": "16:00"}, {"written_report": "PT1H"}
    values = snapshot(SHIPPED, "school", [county, bureau, school])
    assert (values["written_report"], values["progress_due"]) == ("PT1H", "16:00")


def test_a_superior_that_tightened_later_wins() -> None:
    values = snapshot(SHIPPED, "school", [{"written_report": "PT30M"}, {"written_report": "PT1H"}])
    assert values["written_report"] == "PT30M"


def test_unknown_or_forbidden_overrides_are_refused() -> None:
    with pytest.raises(PolicyError, match="nothing"):
        snapshot(SHIPPED, "school", [{"nothing": 1}])
    with pytest.raises(PolicyError, match="written_report"):
        snapshot(SHIPPED, "school", [{"written_report": "PT1M"}])
    with pytest.raises(PolicyError):
        SHIPPED.entry("nothing")


def test_a_snapshot_is_typed_as_it_was_taken() -> None:
    values = snapshot(SHIPPED, "school", [])
    assert typed(SHIPPED, values)["written_report"] == timedelta(hours=2)
    assert typed(SHIPPED, values)["progress_open"] == time(16)
    kept = {**values, "written_report": "PT5M", "gone": 1}  # outside today's range, and a key of an older release
    assert typed(SHIPPED, kept)["written_report"] == timedelta(minutes=5)
    assert "gone" not in typed(SHIPPED, kept)
    without = {key: raw for key, raw in values.items() if key != "written_report"}  # added after the snapshot
    assert typed(SHIPPED, without)["written_report"] == timedelta(hours=2)


@pytest.mark.parametrize(
    ("key", "raw", "zh", "en"),
    [
        ("written_report", "PT90M", "1 小时 30 分钟", "1 hour 30 minutes"),
        ("market_closure", "P1M", "1 个月", "1 month"),
        ("fever_threshold", 37.3, "37.3 ℃", "37.3 ℃"),
        ("cluster_n", 3, "3 例", "3 cases"),
        ("certificate_required", True, "是", "yes"),
        ("first_room", "observation_point", "临时留观点", "observation point"),
        ("progress_due", "17:00", "17:00", "17:00"),
    ],
)
def test_values_are_said_in_words(key: str, raw: object, zh: str, en: str) -> None:
    assert (in_words(SHIPPED[key], raw, "zh_CN"), in_words(SHIPPED[key], raw, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("key", "zh"),
    [
        ("written_report", "不长于 2 小时"),
        ("progress_due", "不晚于 17:00"),
        ("central_days", "不低于 14 天"),
        ("reobserve_wait", ""),
    ],
)
def test_a_limit_names_the_direction(key: str, zh: str) -> None:
    assert limit_in_words(SHIPPED[key], SHIPPED[key].default, "zh_CN") == zh


def test_every_policy_stands_under_a_heading() -> None:
    assert all(entry.group for entry in SHIPPED.values())


@given(st.lists(st.integers(15, 24 * 60), max_size=6))
def test_down_the_tree_the_strictest_wins(minutes: list[int]) -> None:
    levels = [{"written_report": f"PT{n}M"} for n in minutes]
    value = typed(SHIPPED, snapshot(SHIPPED, "school", levels))["written_report"]
    assert value == timedelta(minutes=min([120, *minutes]))


@given(
    st.sampled_from([key for key in SHIPPED if SHIPPED[key].type == "int"]), st.integers(0, 200), st.integers(0, 200)
)
def test_what_is_looser_is_exactly_what_is_refused(key: str, a: int, b: int) -> None:
    entry = replace(SHIPPED[key], range=(0, 200))
    if is_looser(entry, a, b):
        with pytest.raises(PolicyError):
            check_override(entry, a, b)
    else:
        assert check_override(entry, a, b) == b
