"""What the readings of one person come to: sessions that have one, and the reading that counts."""

from typing import Any

from service.application.observation_course import Course
from service.domain.sessions import EVENING, MORNING


def reading(day: int, session: str, temperature: float) -> dict[str, Any]:
    return {"day_no": day, "session": session, "temperature": temperature}


def course(*said: tuple[str, dict[str, Any]]) -> Course:
    made = Course([])
    for view, values in said:
        made.take(view, values)
    return made


def test_a_correction_stands_in_the_place_of_what_it_corrects() -> None:
    made = course(("session", reading(1, EVENING, 38.4)), ("session", reading(1, EVENING, 36.4)))
    assert made.latest["temperature"] == 36.4
    assert made.recorded == {f"1:{EVENING}"}


def test_an_earlier_session_entered_later_is_not_the_latest() -> None:
    made = course(
        ("session", reading(2, MORNING, 36.5)), ("session", reading(2, EVENING, 36.6)),
        ("session", reading(1, EVENING, 38.9)),
    )  # fmt: skip
    assert made.latest["temperature"] == 36.6
    assert made.entered == f"1:{EVENING}"
    assert made.recorded == {f"1:{EVENING}", f"2:{MORNING}", f"2:{EVENING}"}


def test_other_views_and_erased_readings_say_nothing_and_are_not_asked_again() -> None:
    made = course(("log", reading(3, MORNING, 39.0)), ("session", {}))
    assert (made.taken, made.recorded, made.entered, made.latest) == (2, set(), "", {})
