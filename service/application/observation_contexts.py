"""What the service knows when a reading, a notice of home quarantine or a release is filled in."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from service.application.incident_view import IncidentView
from service.domain.calendar import at_local
from service.domain.sessions import Session, session_at

HOME = frozenset({"home", "home_monitor", "health_monitor"})
MIDNIGHT = datetime.min.time()


def of_reading(view: IncidentView, target: Any) -> dict[str, Any]:
    """F14#session: the session the task was opened for, and whether it has a reading already."""
    since = view.facts.value("observed_from", target.person) if target.form_key == "F14#session" else None
    if not isinstance(since, datetime):
        return {}
    session = session_at(target.opened_at, since, view.policies)
    if session is None:
        return {}
    recorded = view.facts.rows.course(target.person).recorded
    mode = str(view.facts.value("contact_mode", target.person))
    return reading_defaults(mode, session, is_recorded=session.key in recorded)


def reading_defaults(mode: str, session: Session, *, is_recorded: bool) -> dict[str, Any]:
    """Defaults and facts for a reading of one session."""
    return {
        "day_no": session.day_no,
        "session": session.name,
        "measured_by": "自测" if mode in HOME else "观察点",
        "session_ended_at": session.ends,
        "day_begins": at_local(session.day, MIDNIGHT),
        "day_ends": at_local(session.day + timedelta(days=1), MIDNIGHT),
        "is_recorded": is_recorded,
    }


def of_notice(view: IncidentView, _target: Any) -> dict[str, Any]:
    """F23: how many days at home."""
    return {"observation_days": view.policies["home_days"]}


def of_release(view: IncidentView, target: Any) -> dict[str, Any]:
    """F24: what D10 lists as missing, and the observation as it stands."""
    facts = view.facts
    mode = facts.value("contact_mode", target.person)
    until = facts.value("observed_until", target.person)
    decided = [d for d in facts.rows.decisions if d["decision"] == "D10" and d["instance_id"] == target.instance["id"]]
    missing: Mapping[str, Any] = facts.rows.outcome(decided[-1]) if decided else {}
    return {
        "missing": missing.get("missing", []),
        "mode": mode or "central",
        "start_at": facts.value("observed_from", target.person),
        "end_at": until,
        "observed_until": until,
        "observation_days": view.policies["home_days" if mode in HOME else "central_days"],
    }
