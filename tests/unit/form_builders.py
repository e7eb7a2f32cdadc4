"""What the tests of forms build: a context, valid answers, and what is refused of others."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from service.domain.form_samples import sample
from service.domain.forms import FillContext, FormInvalid, FormLibrary, fill

FOLDER = Path(__file__).parents[2] / "forms"
LIBRARY = FormLibrary.load(FOLDER)
VIEWS = {view.key: view for view in LIBRARY.views()}
NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai
POLICIES: dict[str, object] = {
    "fever_threshold": Decimal("37.3"),
    "fever_threshold_inclusive": True,
    "cluster_n": 3,
    "disinfect_contact": timedelta(minutes=30),
    "ventilate_min": timedelta(minutes=30),
    "session_am_from": time(6),
    "session_am_to": time(9),
    "session_pm_from": time(17),
    "session_pm_to": time(20),
}
PUPIL: dict[str, Any] = {"name": "学生甲", "person_type": "student", "org_unit": {"id": "class-72"}}
KNOWN: dict[str, dict[str, Any]] = {
    "p1": PUPIL,
    "p2": {"name": "学生乙", "person_type": "student"},
    "v1": {"name": "访客丙", "person_type": "visitor"},
}


def at(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def a_context(**changes: Any) -> FillContext:
    context = FillContext(
        now=NOW,
        account_id="me",
        account_name="教师乙",
        organisation_type="school",
        task_created_at=NOW - timedelta(minutes=5),
        found_at=NOW - timedelta(minutes=20),
        policies=POLICIES,
        persons=KNOWN,
    )
    return replace(context, **changes)


def refusals(key: str, data: object, **changes: Any) -> set[tuple[str, str]]:
    try:
        fill(VIEWS[key], data, a_context(**changes))
    except FormInvalid as refused:
        return {(error.path, error.code) for error in refused.errors}
    return set()


def an_answer(key: str, **changes: Any) -> dict[str, Any]:
    """A valid minimal answer with changes; None takes a field out."""
    answer = sample(VIEWS[key], a_context(), seed=1) | changes
    return {name: value for name, value in answer.items() if value is not None}


ROW: dict[str, Any] = {
    "person": {"id": "p1"},
    "temperature": 36.5,
    "symptoms": ["none"],
    "measured_by": "校医",
    "in_place": True,
    "measured_at": at(0),
}
