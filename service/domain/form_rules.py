"""Rules across fields. Each compares answers with each other, with the record, or with what the service knows.

A rule whose other side is not known does not refuse: the service supplies what it can.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from service.domain.calendar import local_date
from service.domain.form_conditions import is_given
from service.domain.form_context import MINUTE, Inspection, as_instant
from service.domain.form_definitions import Rule, View
from service.domain.form_values import rounded


def apply_rules(view: View, inspection: Inspection) -> None:
    """Apply the rules of a view to the checked values of one record."""
    for rule in view.rules:
        if not inspection.failed.intersection(rule.fields) and rule.when.holds(inspection.look_up):
            RULES[rule.kind](view, rule, inspection)


# Times of earlier views, which a view has no label for.
_RECORDED = {
    "found_at": ("发现时间", "found at"),
    "arrive_at": ("到达时间", "arrived at"),
    "depart_at": ("出发时间", "departed at"),
    "arrive_120_at": ("120到校时间", "ambulance arrived at"),
    "observed_until": ("现定的观察期满时间", "the end of the observation as it stands"),
    "day_begins": ("该日零点", "the beginning of that day"),
    "day_ends": ("该日二十四点", "the end of that day"),
    "cleaned_at": ("清扫消毒结束时间", "cleaning ended at"),
    "contact_window_from": ("发病前回溯期的开始", "the beginning of the look-back before onset"),
    "lost_since": ("最后联系时间", "when the contact was last reached"),
}


def _labels(view: View, key: str) -> dict[str, str]:
    field = view.field(key)
    zh, en = _RECORDED.get(key.lstrip("@"), ("先前登记的时间", "the time recorded before"))
    return {"zh": field.label.zh, "en": field.label.en} if field else {"zh": zh, "en": en}


def _order(view: View, rule: Rule, inspection: Inspection) -> None:
    earlier, later = rule.args["earlier"], rule.args["later"]
    first, last = inspection.look_up(earlier), inspection.look_up(later)
    culprit = later if later in inspection.values else earlier
    if culprit not in inspection.values or not is_given(first) or not is_given(last):
        return
    if rule.args.get("strict"):
        if _is_before(last, first, timedelta()) or first == last:
            inspection.refuse(culprit, "not_after", **_labels(view, earlier))
    elif _is_before(last, first, MINUTE):
        code, other = ("too_early", earlier) if culprit == later else ("too_late", later)
        inspection.refuse(culprit, code, **_labels(view, other))


def _lasts(_view: View, rule: Rule, inspection: Inspection) -> None:
    """From one time to the other it takes at least so many days."""
    key, days = rule.fields[0], inspection.look_up(rule.args["days"])
    first, last = as_instant(inspection.look_up(rule.args["earlier"])), as_instant(inspection.values.get(key))
    if first is None or last is None or not isinstance(days, int):
        return
    if last < first + timedelta(days=days) - MINUTE:
        inspection.refuse(key, "too_short_a_time", days=days)


def _is_before(value: object, other: object, slack: timedelta) -> bool:
    """Whether a time lies before another; a date counts as the whole day in Shanghai."""
    one, two = as_instant(value), as_instant(other)
    if one is not None and two is not None:
        return one < two - slack
    first, second = _as_date(value), _as_date(other)
    return first is not None and second is not None and first < second


def _as_date(value: object) -> date | None:
    instant = as_instant(value)
    if instant is not None:
        return local_date(instant)
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _minimum(_view: View, rule: Rule, inspection: Inspection) -> None:
    key = rule.fields[0]
    limit = policy_number(inspection.context.policies.get(rule.args["policy"]))
    value = inspection.values.get(key)
    if limit is not None and value is not None and Decimal(str(value)) < limit:
        inspection.refuse(key, "below_minimum", limit=limit)


def policy_number(value: object) -> Decimal | None:
    """A policy as a number for forms: a duration counts in minutes."""
    if isinstance(value, timedelta):
        return Decimal(int(value.total_seconds() // 60))
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    return Decimal(str(value))


def _any_of(view: View, rule: Rule, inspection: Inspection) -> None:
    if not any(is_given(inspection.values.get(key)) for key in rule.fields):
        labels = [_labels(view, key) for key in rule.fields]
        zh, en = "、".join(label["zh"] for label in labels), ", ".join(label["en"] for label in labels)
        inspection.refuse(rule.fields[0], "any_of", zh=zh, en=en)


def _contains_all(_view: View, rule: Rule, inspection: Inspection) -> None:
    """Every value is among those chosen, or stands in a part of the rows."""
    key, wanted = rule.fields[0], rule.args["values"]
    items = inspection.look_up(wanted) if isinstance(wanted, str) else wanted
    chosen = inspection.values.get(key)
    if chosen is not None and "part" in rule.args:
        chosen = [row.get(rule.args["part"]) for row in chosen]
    if chosen is not None and isinstance(items, (list, tuple)) and not set(items) <= set(chosen):
        inspection.refuse(key, "not_all", items="、".join(map(str, items)))


def _not_drafter(_view: View, rule: Rule, inspection: Inspection) -> None:
    key = rule.fields[0]
    if inspection.values.get(key) and inspection.context.account_id in inspection.context.drafters:
        inspection.refuse(key, "same_signer")


def _among(_view: View, rule: Rule, inspection: Inspection) -> None:
    """References must be among a set the service names."""
    key = rule.fields[0]
    allowed, value = inspection.look_up(rule.args["set"]), inspection.values.get(key)
    if not isinstance(allowed, (list, tuple, set, frozenset)) or value is None:
        return
    if isinstance(value, Mapping) and value["id"] not in allowed:
        inspection.refuse(f"{key}.id", "not_among")
    for place, item in enumerate(value if isinstance(value, list) else ()):
        if item["id"] not in allowed:
            inspection.refuse(f"{key}.{place}.id", "not_among")


def _not_among(_view: View, rule: Rule, inspection: Inspection) -> None:
    key = rule.fields[0]
    taken = inspection.look_up(rule.args["set"])
    if isinstance(taken, (list, tuple, set, frozenset)) and inspection.values.get(key) in taken:
        inspection.refuse(key, "taken")


def _role(_view: View, rule: Rule, inspection: Inspection) -> None:
    key, roles = rule.fields[0], inspection.look_up("@roles")
    if not is_given(inspection.values.get(key)) or not isinstance(roles, (list, tuple, set, frozenset)):
        return
    if not set(rule.args["roles"]) & set(roles):
        inspection.refuse(key, "not_permitted")


def _any_part(_view: View, rule: Rule, inspection: Inspection) -> None:
    key, parts = rule.fields[0], rule.args["parts"]
    if key in inspection.values and not any(is_given(inspection.look_up(f"{key}.{part}")) for part in parts):
        inspection.refuse(f"{key}.{parts[0]}", "any_of", zh="证件号、联系电话", en="identity number, phone")


def _at_most(view: View, rule: Rule, inspection: Inspection) -> None:
    key, other = rule.fields[0], rule.args["of"]
    value, limit = inspection.values.get(key), inspection.look_up(other)
    if value is not None and isinstance(limit, int | Decimal) and value > limit:
        inspection.refuse(key, "above_other", **_labels(view, other))


def _refuse_value(_view: View, rule: Rule, inspection: Inspection) -> None:
    """While the rule's condition holds, and a row says so where rows are named, the field may not have this value."""
    key = rule.fields[0]
    rows = inspection.look_up(rule.args["rows"]) if "rows" in rule.args else None
    if isinstance(rows, list) and not any(row.get(rule.args["part"]) in rule.args["among"] for row in rows):
        return
    if key in inspection.values and inspection.values[key] == rule.args["value"]:
        inspection.refuse(key, "does_not_apply")


def _nothing_open(_view: View, rule: Rule, inspection: Inspection) -> None:
    """The field may not have this value (any, if none is named) while the service knows of something open."""
    key, matters = rule.fields[0], inspection.look_up("@still_open")
    is_meant = key in inspection.values and rule.args.get("value") in (None, inspection.values[key])
    if is_meant and isinstance(matters, list) and matters:
        zh, en = ("、".join(each["zh"] for each in matters), ", ".join(each["en"] for each in matters))
        inspection.refuse(key, "still_open", zh=zh, en=en)


def _numbers_within(_view: View, rule: Rule, inspection: Inspection) -> None:
    key = rule.fields[0]
    numbers = inspection.values.get(key)
    if numbers is None:
        return
    limit = max(numbers[name] for name in rule.args["within"])
    if sum(numbers[name] for name in rule.args["parts"]) > limit:
        zh = "、".join(rule.args["parts"])
        inspection.refuse(f"{key}.{rule.args['parts'][0]}", "numbers_inconsistent", zh=zh, limit=limit)


def _contiguous(_view: View, rule: Rule, inspection: Inspection) -> None:
    key = rule.fields[0]
    previous, period = as_instant(inspection.look_up(rule.args["previous"])), inspection.values.get(key)
    begin = as_instant(period["from"]) if period else None
    if previous is not None and begin is not None and abs(begin - previous) > MINUTE:
        inspection.refuse(f"{key}.from", "not_contiguous")


def _period_from(view: View, rule: Rule, inspection: Inspection) -> None:
    """A period may not begin before a time the service names."""
    key = rule.fields[0]
    first, period = inspection.look_up(rule.args["first"]), inspection.values.get(key)
    if period is not None and is_given(first) and _is_before(period["from"], first, MINUTE):
        inspection.refuse(f"{key}.from", "too_early", **_labels(view, rule.args["first"]))


def _no_other_names(_view: View, rule: Rule, inspection: Inspection) -> None:
    """Text for one parent names nobody else; text for all parents (no subject in the view) names nobody."""
    subject = inspection.values.get(rule.args["subject"]) or {}
    own = inspection.look_up(f"{rule.args['subject']}.name")
    known = inspection.context.persons.items()
    names = [str(person.get("name") or "") for person_id, person in known if person_id != subject.get("id")]
    others = [name for name in names if len(name) > 1 and name != own]
    for key in rule.fields:
        # A longer name may contain a shorter one (学生甲, 学生甲乙): the pupil's own name is taken out first.
        text = str(inspection.values.get(key) or "").replace(str(own or "\0"), "")
        if any(name in text for name in others):
            inspection.refuse(key, "names_another_person")


def _fever(_view: View, rule: Rule, inspection: Inspection) -> None:
    key, policies = rule.fields[0], inspection.context.policies
    if is_fever(inspection.values.get(key), policies):
        inspection.warn(key, "fever", limit=policy_number(policies.get("fever_threshold")))


def is_fever(temperature: object, policies: Mapping[str, object]) -> bool:
    """Whether a temperature, rounded to one place, reaches the threshold of the kind of organisation."""
    threshold = policy_number(policies.get("fever_threshold"))
    if threshold is None or not isinstance(temperature, int | float | Decimal):
        return False
    measured = rounded(temperature, 1)
    return measured > threshold or (bool(policies.get("fever_threshold_inclusive", True)) and measured == threshold)


def _flag(_view: View, rule: Rule, inspection: Inspection) -> None:
    if rule.fields[0] in inspection.values:
        inspection.warn(rule.fields[0], rule.args["code"])


RULES: dict[str, Callable[[View, Rule, Inspection], None]] = {
    "order": _order,
    "lasts": _lasts,
    "minimum": _minimum,
    "at_most": _at_most,
    "any_of": _any_of,
    "contains_all": _contains_all,
    "not_drafter": _not_drafter,
    "among": _among,
    "not_among": _not_among,
    "role": _role,
    "any_part": _any_part,
    "refuse_value": _refuse_value,
    "nothing_open": _nothing_open,
    "numbers_within": _numbers_within,
    "contiguous": _contiguous,
    "period_from": _period_from,
    "no_other_names": _no_other_names,
    "fever": _fever,
    "flag": _flag,
}
