"""What the service knows when a view is answered, and the book in which errors are collected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final

from service.domain.calendar import local, parse_instant
from service.domain.errors import FieldError
from service.domain.form_messages import field_error

# Clocks of phones and partners differ a little; the form catalogue allows two minutes.
FUTURE_TOLERANCE = timedelta(minutes=2)
# People type minutes, machines write microseconds: 10:20 typed is not before 10:20:35 recorded.
MINUTE = timedelta(minutes=1)
_REFUSED: Final = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillContext:
    """What validation needs beside the answers.

    `policies` typed as the policy snapshot gives them (timedelta, time, Decimal …); `record` the
    fields of this form answered in earlier views; `persons` what is known of persons by id (`name`,
    `person_type`, `phone` …); `accounts` the accounts that may be named, None = not checked;
    `drafters` the accounts that drafted what is signed. `defaults` gives values for fields whose
    default is context, by field key, the rows a list view begins with (`rows`), and facts for
    conditions: is_overdue, is_transfer, ppe_done, several_persons, place_kind, checklist, missing,
    occupied_rooms, incident_persons, observed_until, observation_days, is_recorded, session_ended_at,
    day_begins, day_ends, sent_reports, open_incidents, roles, arrive_at, last_event_at,
    previous_period_to. A fact not given never refuses.
    """

    now: datetime
    account_id: str
    account_name: str = ""
    organisation_type: str = ""
    task_created_at: datetime | None = None
    found_at: datetime | None = None
    policies: Mapping[str, object] = field(default_factory=dict)
    record: Mapping[str, object] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    persons: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    accounts: frozenset[str] | None = None
    drafters: frozenset[str] = frozenset()


class Inspection:
    """One record being checked: its values so far, what is wrong, what is odd.

    `failed` holds the keys of fields that were refused, so that rules do not complain again.
    """

    def __init__(self, context: FillContext, prefix: str = "") -> None:
        self.context = context
        self.prefix = prefix
        self.values: dict[str, Any] = {}
        self.failed: set[str] = set()
        self.errors: list[FieldError] = []
        self.warnings: list[FieldError] = []

    def refuse(self, path: str, code: str, **named: object) -> Any:
        """Note an error at a path relative to the record; answers None, which a check hands on as its value."""
        self.failed.add(path.split(".", 1)[0])
        self.errors.append(field_error(self.prefix + path, code, **named))
        return _REFUSED

    def warn(self, path: str, code: str, **named: object) -> None:
        """Note something that is accepted but stands out."""
        self.warnings.append(field_error(self.prefix + path, code, **named))

    def look_up(self, name: str) -> object:
        """A field, a part of one (`person.person_type`) or a fact (`@is_overdue`); None if unknown."""
        if name.startswith("@"):
            return self._fact(name[1:])
        head, _, rest = name.partition(".")
        value: object = self.values[head] if head in self.values else self.context.record.get(head)
        if not rest:
            return value
        if not isinstance(value, Mapping):
            return None
        known = self.context.persons.get(str(value.get("id")), {})
        return value.get(rest, known.get(rest))

    def _fact(self, name: str) -> object:
        if name in ("found_at", "organisation_type", "task_created_at"):
            return getattr(self.context, name)
        if name == "is_late_entry":
            # of this answer alone: the record may hold the time of the step before
            done, created = as_instant(self.values.get("done_at")), self.context.task_created_at
            return done is not None and created is not None and done < created - MINUTE
        if name == "is_outside_window":
            return self._is_outside_window()
        if name == "is_late_reading":
            ended = as_instant(self.context.defaults.get("session_ended_at"))
            return ended is not None and self.context.now > ended and not self._is_outside_window()
        return self.context.defaults.get(name)

    def _is_outside_window(self) -> bool:
        # session and time of this answer alone, as above: a reading before it says nothing of this one
        return is_outside_window(self.values.get("session"), self.values.get("measured_at"), self.context.policies)


def as_instant(value: object) -> datetime | None:
    """A datetime from a datetime or its text; None for anything else."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return parse_instant(value)
        except (ValueError, OverflowError):
            return None
    return None


def is_outside_window(session: object, measured_at: object, policies: Mapping[str, object]) -> bool:
    """Whether a measurement of a morning or evening session was taken outside the session's hours.

    The hours are policies in Shanghai time, both ends included; an unscheduled one has no window.
    """
    prefix = {"早": "session_am", "晚": "session_pm"}.get(str(session))
    at = as_instant(measured_at)
    if prefix is None or at is None:
        return False
    first, last = policies.get(f"{prefix}_from"), policies.get(f"{prefix}_to")
    if not isinstance(first, time) or not isinstance(last, time):
        return False
    return not first <= local(at).time() <= last
