"""Answers of a suspension: one daily report a day, and a resumption at a later time, when the incident looks again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.domain.errors import FormRefused
from service.domain.form_messages import field_error
from service.persistence import queue

if TYPE_CHECKING:
    from service.application.fill_contexts import Target
    from service.application.steps import Advance
    from service.domain.forms import Answers


def check(on: Advance, target: Target, answers: Answers) -> None:
    """F22: the classes of a suspension report once a day. Raises FormRefused for a second report of the day."""
    if target.form_key != "F22#report":
        return
    mine = (row for row in on.facts.rows.records if (row["form"], row["view"]) == ("F22", "report"))
    days = {row["data"]["report_date"] for row in mine if row["instance_id"] == target.instance["id"]}
    if answers.values["report_date"] in days:
        raise FormRefused([field_error("report_date", "day_reported")])


def follow_answer(on: Advance, target: Target, answers: Mapping[str, Any]) -> None:
    """F18#resume was signed: `classes_resumed` comes true at the time it names, with nobody's doing."""
    if target.form_key != "F18#resume":
        return
    resume_at = datetime.fromisoformat(answers["resume_at"])
    if resume_at > on.now:
        queue.put(
            on.uow, kind="wake", ref=f"{target.instance['id']}:resume", incident_id=on.incident_id, due_at=resume_at,
            real_due_at=on.clock.real_of(resume_at),
        )  # fmt: skip
