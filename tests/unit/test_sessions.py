"""Sessions of an observation: how many there are, on which day, and which one runs."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.calendar import SHANGHAI, local_date
from service.domain.sessions import EVENING, MORNING, Session, session_at, session_of, sessions

POLICIES = {
    "session_am_from": time(6), "session_am_to": time(9), "session_pm_from": time(17), "session_pm_to": time(20),
}  # fmt: skip
FOURTEEN = timedelta(days=14)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=SHANGHAI)


def of(start: str) -> list[Session]:
    return list(sessions(at(start), at(start) + FOURTEEN, POLICIES))


def test_an_observation_that_starts_at_ten_has_fourteen_evenings_and_fourteen_mornings() -> None:
    found = of("03-10T10:00")
    assert [each.name for each in found].count(EVENING) == 14
    assert [each.name for each in found].count(MORNING) == 14
    assert (found[0].key, found[0].begins, found[0].ends) == ("1:晚", at("03-10T17:00"), at("03-10T20:00"))
    assert (found[-1].key, found[-1].begins) == ("15:早", at("03-24T06:00"))


@pytest.mark.parametrize(
    ("start", "first", "last"),
    [
        ("03-10T05:59", "1:早", "14:晚"),
        ("03-10T06:00", "1:早", "14:晚"),
        ("03-10T06:01", "1:晚", "15:早"),
        ("03-10T17:00", "1:晚", "15:早"),
        ("03-10T17:01", "2:早", "15:晚"),
        ("03-10T23:59", "2:早", "15:晚"),
    ],
)
def test_which_session_is_first_and_last(start: str, first: str, last: str) -> None:
    found = of(start)
    assert (found[0].key, found[-1].key, len(found)) == (first, last, 28)


instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware here


@given(instants, st.integers(1, 28))
def test_n_days_have_2n_sessions_each_once(start: datetime, days: int) -> None:
    found = list(sessions(start, start + timedelta(days=days), POLICIES))
    assert len(found) == len({each.key for each in found}) == 2 * days
    assert found == sorted(found)
    assert all(each.day_no == (each.day - local_date(start)).days + 1 for each in found)


@given(instants, st.timedeltas(timedelta(), FOURTEEN - timedelta(seconds=1)))
def test_the_session_that_runs_is_the_last_that_began(start: datetime, later: timedelta) -> None:
    begun = [each for each in sessions(start, start + FOURTEEN, POLICIES) if each.begins <= start + later]
    assert session_at(start + later, start, POLICIES) == (begun[-1] if begun else None)


@given(instants)
def test_a_session_is_found_by_day_and_name(start: datetime) -> None:
    for each in sessions(start, start + FOURTEEN, POLICIES):
        assert session_of(each.day_no, each.name, start, POLICIES) == each
