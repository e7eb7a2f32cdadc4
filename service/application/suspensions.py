"""Resumption at a later time: the incident looks at its facts again when lessons begin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.persistence import queue

if TYPE_CHECKING:
    from service.application.fill_contexts import Target
    from service.application.steps import Advance


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
