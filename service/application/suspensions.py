"""Answers of a suspension: one daily report of the school a day; a resumption at a later time, when it looks again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from service.application import due_rows, home_health
from service.domain.errors import FormRefused
from service.domain.form_messages import field_error

if TYPE_CHECKING:
    from service.application.fill_contexts import Target
    from service.application.steps import Advance
    from service.domain.forms import Answers


def check(on: Advance, target: Target, answers: Answers) -> None:
    """F22: the school reports once a day. Raises FormRefused for a second report of the day."""
    if target.form_key != "F22#report":
        return
    days = home_health.reported_days(on.uow.connection, on.incident)
    if date.fromisoformat(answers.values["report_date"]) in days:
        raise FormRefused([field_error("report_date", "day_reported")])


def follow_answer(on: Advance, target: Target, answers: Mapping[str, Any]) -> None:
    """F18#resume was signed: `classes_resumed` comes true at the time it names, with nobody's doing."""
    if target.form_key != "F18#resume":
        return
    resume_at = datetime.fromisoformat(answers["resume_at"])
    if resume_at > on.now:
        due_rows.put(on, "wake", f"{target.instance['id']}:resume", resume_at)
