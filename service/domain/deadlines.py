"""Deadline rules: when something is due, whom the ladder wakes when, and how late it was.

The rules are a file (`workflows/deadlines.yaml`); values come from the incident's policy snapshot.
All instants are aware; times of day are Asia/Shanghai.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any

import yaml

from service.domain.calendar import CalendarDuration, Duration, add, next_at

KINDS = ("duration", "clock", "none")
LADDERS = ("reporting", "operational", "none")


class Level(IntEnum):
    """Rungs of the escalation ladder."""

    REMIND = 0
    DUE = 1
    SUPERIOR = 2
    CLUE = 3


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """One rule. `policies` are the keys its value comes from; several only for clock times."""

    id: str
    kind: str
    policies: tuple[str, ...]
    ladder: str
    label_zh: str
    label_en: str
    cite: tuple[str, ...] = ()
    is_inferred: bool = False
    is_lookback: bool = False

    @property
    def policy(self) -> str:
        """The first policy key, "" for a rule without a value."""
        return self.policies[0] if self.policies else ""

    def label(self, locale: str) -> str:
        """The name of the deadline in a locale."""
        return self.label_en if locale.startswith("en") else self.label_zh


@dataclass(frozen=True, slots=True)
class LadderStep:
    """A rung and the instant it is reached."""

    level: Level
    at: datetime


def load_rules(path: Path) -> dict[str, DeadlineRule]:
    """Read the rules by id.

    Raises:
        ValueError: A rule breaks the file's own conventions; the message names it.
    """
    rules: dict[str, DeadlineRule] = {}
    for item in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
        rule = _read_rule(item)
        if rule.id in rules:
            msg = f"deadline rule {rule.id} stands twice"
            raise ValueError(msg)
        rules[rule.id] = rule
    return rules


def _read_rule(item: Mapping[str, Any]) -> DeadlineRule:
    rule = DeadlineRule(
        id=item["id"],
        kind=item["kind"],
        policies=tuple(item["policies"]),
        ladder=item["ladder"],
        label_zh=item["label_zh"],
        label_en=item["label_en"],
        cite=tuple(item["cite"]),
        is_inferred=item.get("inferred", False),
        is_lookback=item.get("direction") == "back",
    )
    broken = {
        "unknown kind": rule.kind not in KINDS,
        "unknown ladder": rule.ladder not in LADDERS,
        "a value comes from a policy": (rule.kind == "none") == bool(rule.policies),
        "one policy, or several clock times": rule.kind == "duration" and len(rule.policies) != 1,
        "no ladder without a due time": rule.kind == "none" and rule.ladder != "none",
        "no ladder on a look-back": rule.is_lookback and rule.ladder != "none",
        "no source and not inferred": not rule.cite and not rule.is_inferred,
    }
    found = [reason for reason, is_broken in broken.items() if is_broken]
    if found:
        msg = f"deadline rule {rule.id}: {', '.join(found)}"
        raise ValueError(msg)
    return rule


def due_at(rule: DeadlineRule, policies: Mapping[str, object], started_at: datetime) -> datetime:
    """The due time of a deadline that started at an instant.

    Duration: start plus the policy (whole numbers are days), a look-back minus it. Clock: the local
    day of the start at the policy time, the next day if that has passed; of several times the next.

    Raises:
        ValueError: The rule has no due time (kind none).
        LookupError: The policy is not in the snapshot.
        TypeError: The policy is no duration or time of day.
    """
    if rule.kind == "duration":
        length = _length(policies[rule.policy])
        return _before(started_at, length) if rule.is_lookback else add(started_at, length)
    if rule.kind == "clock":
        return min(next_at(_clock(policies[key]), started_at) for key in rule.policies)
    msg = f"deadline rule {rule.id} has no due time"
    raise ValueError(msg)


def _length(value: object) -> Duration:
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(days=value)
    if isinstance(value, timedelta | CalendarDuration):
        return value
    msg = f"not a duration: {value!r}"
    raise TypeError(msg)


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    msg = f"not a time of day: {value!r}"
    raise TypeError(msg)


def _before(at: datetime, length: Duration) -> datetime:
    if isinstance(length, CalendarDuration):
        return add(at, CalendarDuration(-length.months, -length.rest))
    return at - length


def ladder(
    rule: DeadlineRule, policies: Mapping[str, object], started_at: datetime, due: datetime
) -> tuple[LadderStep, ...]:
    """The rungs of a deadline row, earliest first.

    Remind, due and superior; the clue (P23) for reporting deadlines only; waiting times and
    look-backs have none. For a duration deadline the distances are percentages of its length with
    a cap, for a clock deadline fixed. The reminder never lies before the start.
    """
    if rule.ladder == "none":
        return ()
    if rule.kind == "clock":
        remind, superior, clue = (_fixed(policies, f"ladder_clock_{name}") for name in ("remind", "superior", "clue"))
    else:
        length = max(due - started_at, timedelta())
        remind, superior, clue = (_capped(policies, name, length) for name in ("remind", "superior", "clue"))
    steps = [
        LadderStep(Level.REMIND, max(due - remind, min(started_at, due))),
        LadderStep(Level.DUE, due),
        LadderStep(Level.SUPERIOR, due + superior),
    ]
    if rule.ladder == "reporting":
        # a clue before the superior was told would be unfair, whatever the policies say
        steps.append(LadderStep(Level.CLUE, due + max(clue, superior)))
    return tuple(steps)


def _fixed(policies: Mapping[str, object], key: str) -> timedelta:
    value = policies[key]
    if isinstance(value, timedelta):
        return value
    msg = f"policy {key} is no fixed duration: {value!r}"
    raise TypeError(msg)


def _capped(policies: Mapping[str, object], name: str, length: timedelta) -> timedelta:
    percent = policies[f"ladder_{name}_pct"]
    if not isinstance(percent, int):
        msg = f"policy ladder_{name}_pct is no whole number: {percent!r}"
        raise TypeError(msg)
    return min(_fixed(policies, f"ladder_{name}_max"), length * percent / 100)


def lateness(due: datetime, done: datetime) -> int:
    """Minutes late, every begun minute counts; 0 if in time (at the due time is in time)."""
    return max(-((due - done) // timedelta(minutes=1)), 0)


def remaining(due: datetime, now: datetime) -> timedelta:
    """Time left; negative when overdue."""
    return due - now
