"""What the review of a drill brings out, and which policy value or element of the plan it points at.

A finding is a deviation or an expectation that was not met; where both speak of one thing there is one finding. Its
`key` is the same in every drill of the plan, so that it can be seen whether it came again. Where it points follows
from its kind alone:

| what | where it points |
| --- | --- |
| a limit that stands in a source was passed | the reminder of the ladder: earlier; the limit is not ours |
| an inferred limit was passed | that limit: kept, or changed to what was needed |
| a step without a limit was left undone | the step in the diagram: it needs a deadline with a reminder |
| a step was undone because its time ran out, or passed over | the step in the diagram, and who stands in for its role |
| another way at a gateway | the gateway and the decision before it |
| an answer without a field | the form view of the step: the field becomes required |
| a recipient who was not told | the step that sends |
| done again, or in another order | the step in the diagram |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.domain.deadlines import DeadlineRule
from service.domain.evaluation_conformance import LATE, SKIPPED, Deviation
from service.domain.evaluation_expectations import NOT_MET, ExpectationResult
from service.domain.evaluation_material import PlanElement

REMIND_EARLIER = "ladder_remind_pct"
REMIND_CLOCK = "ladder_clock_remind"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What would change. `target` is policy, element or form, `id` which one; `advice` the code of the sentence."""

    target: str
    id: str
    advice: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that went otherwise than planned: where, until when, what was done, and what follows.

    `kind` is that of a deviation or of an expectation; `cause` and `by` as in a deviation. `actual` None: not at all.
    `expectations` are the ids it fails.
    """

    key: str
    kind: str
    element: PlanElement
    follow_up: FollowUp
    cause: str = ""
    by: PlanElement | None = None
    rule: str = ""
    limit: datetime | None = None
    actual: datetime | None = None
    over_by: timedelta | None = None
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    times: int = 1
    expectations: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()


def findings(
    found: Sequence[Deviation],
    results: Sequence[ExpectationResult],
    rules: Mapping[str, DeadlineRule],
    policies: Mapping[str, object],
) -> tuple[Finding, ...]:
    """All findings: those of the diagram first, each once by its key, then what was expected besides."""
    made: dict[str, Finding] = {}
    for each in found:
        finding = _of_deviation(each, rules, policies)
        known = made.get(finding.key)
        made[finding.key] = replace(known, times=known.times + 1) if known else finding
    for result in results:
        if result.state == NOT_MET:
            _take(made, result, rules, policies)
    return tuple(made.values())


def _take(
    made: dict[str, Finding], result: ExpectationResult, rules: Mapping[str, DeadlineRule],
    policies: Mapping[str, object],
) -> None:  # fmt: skip
    """Put a failed expectation to the finding that says the same, or make it one of its own."""
    expected = result.expectation
    for key, finding in made.items():
        is_same = (finding.element.procedure, finding.element.id) == (result.element.procedure, result.element.id)
        if is_same and finding.kind in _SAME.get(expected.kind, ()) and not expected.is_not:
            limit = finding.limit or (result.limit if expected.within is not None else None)
            made[key] = replace(finding, expectations=(*finding.expectations, expected.id), limit=limit)
            return
    kind = "unwanted" if expected.is_not else expected.kind
    key = f"{kind}:{result.element.procedure}:{expected.element}:{expected.id}"
    detail = result.missing or result.others or tuple(each.id for each in result.ways)
    made[key] = Finding(
        key, kind, result.element, _follow(kind, result.element, result.rule, rules, policies), rule=result.rule,
        limit=result.limit, actual=result.actual, over_by=result.over_by, times=max(result.times, 1),
        expectations=(expected.id,), detail=detail, by=result.ways[0] if result.ways else None,
    )  # fmt: skip


_SAME = {"done": (SKIPPED, LATE), "in_time": (LATE, SKIPPED)}


def _of_deviation(each: Deviation, rules: Mapping[str, DeadlineRule], policies: Mapping[str, object]) -> Finding:
    key = f"{each.kind}:{each.element.procedure}:{each.element.id}:{each.rule}"
    follow_up = _follow(each.kind, each.element, each.rule, rules, policies, cause=each.cause)
    return Finding(
        key, each.kind, each.element, follow_up, each.cause, each.by, each.rule, each.limit,
        each.done_at, each.over_by, each.opened_at, each.ended_at, each.times,
    )  # fmt: skip


def _follow(
    kind: str, element: PlanElement, rule_id: str, rules: Mapping[str, DeadlineRule],
    policies: Mapping[str, object], *, cause: str = "",
) -> FollowUp:  # fmt: skip
    rule = rules.get(rule_id)
    if rule is not None and rule.policies and kind in (LATE, "in_time"):
        if rule.is_inferred:
            return FollowUp("policy", rule.policy, "review_limit", str(policies.get(rule.policy, "")))
        ladder = REMIND_CLOCK if rule.kind == "clock" else REMIND_EARLIER
        return FollowUp("policy", ladder, "remind_earlier", str(policies.get(ladder, "")))
    if kind == "complete":
        return FollowUp("form", element.form or element.id, "require_fields")
    advice = {
        SKIPPED: "set_deadline" if cause in ("drill_ended", "process_ended", "overtaken") else "name_stand_in",
        "done": "set_deadline",
        "in_time": "set_deadline",
        "branch": "check_gateway",
        "recipient": "check_recipient",
        "repeated": "explain_step",
        "out_of_order": "check_order",
        "unwanted": "check_gateway",
    }
    return FollowUp("element", element.id, advice.get(kind, "explain_step"))
