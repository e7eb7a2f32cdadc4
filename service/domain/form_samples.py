"""Valid answers made up from a form's definition, for simulation, drills and tests.

Invented values only. The same seed gives the same answers; times are the context's now.
"""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from service.domain.calendar import local
from service.domain.form_answers import usable_default
from service.domain.form_conditions import is_given
from service.domain.form_context import FillContext, Inspection, as_instant
from service.domain.form_definitions import Entry, Field, View
from service.domain.form_rules import policy_number
from service.domain.identity_numbers import check_character

_HEAVENLY_STEMS = "甲乙丙丁戊己庚辛壬癸"


PREFERENCE = 0.9  # how often a preferred answer is given


def sample(
    view: View, context: FillContext, *, seed: int, is_full: bool = False, prefer: Mapping[str, str] | None = None,
    chosen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Answers that `fill` accepts in this context: what the view demands, with `is_full` everything it offers.

    Fields the service can fill (defaults) are left out unless `is_full`. `prefer` names the usual option of a field,
    `chosen` gives fields as they are (None: no answer); of a list each row of `rows`, or what every row has.
    """
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    fixed = dict(chosen or {})
    rows = fixed.pop("rows", [{}]) if view.is_list else [{}]
    made = [_Sampler(view, context, chance, is_full=is_full, prefer=prefer or {}).record(fixed | row) for row in rows]
    return {"rows": made} if view.is_list else made[0]


class _Sampler:
    def __init__(
        self, view: View, context: FillContext, chance: random.Random, *, is_full: bool, prefer: Mapping[str, str]
    ) -> None:
        self.view = view
        self.context = context
        self.chance = chance
        self.is_full = is_full
        self.prefer = prefer

    def record(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Answers field by field, again until no condition demands a further one."""
        seen = Inspection(self.context)
        made: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
        seen.values.update(chosen)
        for _ in range(3):
            for entry in self.view.entries:
                self._take(entry, made, seen)
        return made

    def _take(self, entry: Entry, made: dict[str, Any], seen: Inspection) -> None:
        field = entry.field
        if field.key in seen.values and (field.key in made or not self.is_full):
            return
        default = usable_default(field, self.context)
        if is_given(default) and not field.is_auto:
            seen.values[field.key] = default
            return
        is_free = self.is_full and not self._is_refused(field.key, seen)
        if not field.is_auto and (is_free or entry.requirement.holds(seen.look_up) or self._is_one_of_any(field.key)):
            made[field.key] = seen.values[field.key] = self.value(field, seen)

    def _is_one_of_any(self, key: str) -> bool:
        return any(rule.kind == "any_of" and rule.fields[0] == key for rule in self.view.rules)

    def _is_refused(self, key: str, seen: Inspection) -> bool:
        """Whether a rule would not let this field be answered at all here."""
        rules = [rule for rule in self.view.rules if key in rule.fields]
        return any(rule.kind in ("refuse_value", "role") and rule.when.holds(seen.look_up) for rule in rules)

    def value(self, field: Field, seen: Inspection) -> Any:
        """One value of a field."""
        if field.const is not None:
            return field.const
        if field.must_be is not None:
            return field.must_be
        agreeable = self._agreeable(field.key)
        if agreeable:
            return agreeable[0]
        return _MAKERS[field.type](self, field, seen)

    def text(self, field: Field, _seen: Inspection) -> str:
        if field.check == "phone":
            return f"138{self.chance.randrange(10**8):08d}"
        if field.check == "id_no":
            first = f"110101{1980 + self.chance.randrange(40)}0101{self.chance.randrange(1000):03d}"
            return first + check_character(first)
        if field.mask is not None:
            return "示例" + self.chance.choice(_HEAVENLY_STEMS)
        if field.suggestions:
            return self.chance.choice(field.suggestions)
        return f"示例{field.label.zh}"[: field.max_length or None]

    def number(self, field: Field, seen: Inspection) -> float | int:
        low = field.minimum if field.minimum is not None else Decimal(0)
        high = field.maximum if field.maximum is not None else low + 100
        for rule in self.view.rules:
            if rule.kind == "minimum" and field.key in rule.fields and rule.when.holds(seen.look_up):
                low = max(low, policy_number(self.context.policies.get(rule.args["policy"])) or low)
        if field.type == "int":
            return self.chance.randint(int(low), int(min(high, low + 9)))
        # Temperatures: from normal to high fever, not the whole range that a thermometer shows.
        return round(self.chance.uniform(max(float(low), 36.0), min(float(high), 39.5)), field.decimals)

    def _agreeable(self, key: str) -> list[Any]:
        """Values with which a rule refuses no other field, where one names them."""
        rules = [rule for rule in self.view.rules if rule.kind == "refuse_value"]
        atoms = [atom for rule in rules for atom in rule.when.parts if atom.field == key]
        wanted = [value for atom in atoms if atom.kind == "not_in" for value in atom.values]
        return wanted + [not value for atom in atoms if atom.kind == "in" for value in atom.values if value is False]

    def option(self, field: Field, seen: Inspection) -> str:
        """An option that no rule refuses here, and that refuses no other field as a part of a row."""
        rules = [rule for rule in self.view.rules if rule.kind == "refuse_value"]
        own = [rule for rule in rules if field.key in rule.fields and "rows" not in rule.args]
        refused = {rule.args["value"] for rule in own if rule.when.holds(seen.look_up)}
        refused |= {value for rule in rules if rule.args.get("part") == field.key for value in rule.args["among"]}
        allowed = [value for value in field.values if value not in refused]
        if self.prefer.get(field.key) in allowed and self.chance.random() < PREFERENCE:
            return self.prefer[field.key]
        return self.chance.choice(allowed)

    def choices(self, field: Field, _seen: Inspection) -> list[str]:
        for rule in self.view.rules:
            if rule.kind == "contains_all" and field.key in rule.fields:
                wanted = rule.args["values"]
                items = wanted if isinstance(wanted, list) else self.context.defaults.get(wanted[1:])
                return [str(item) for item in items] if isinstance(items, (list, tuple)) else ["示例"]
        return [self.chance.choice(field.values)] if field.options else [f"示例{field.label.zh}"]

    def items(self, field: Field, seen: Inspection) -> list[Any]:
        for rule in self.view.rules:
            allowed = self.context.defaults.get(rule.args["set"][1:]) if rule.kind == "among" else None
            if field.key in rule.fields and isinstance(allowed, (list, tuple, set, frozenset)) and allowed:
                return [{"id": min(allowed)}]
            if rule.kind == "contains_all" and field.key in rule.fields and field.item:
                return [self.value(field.item, seen) | {rule.args["part"]: value} for value in rule.args["values"]]
        return [self.value(field.item, seen)] if field.item else []

    def parts(self, field: Field, seen: Inspection) -> dict[str, Any]:
        any_part = [rule.args["parts"][-1] for rule in self.view.rules if rule.kind == "any_part"]
        wanted = [part for part in field.parts if part.required or self.is_full or part.key in any_part]
        return {part.key: self.value(part, seen) for part in wanted}

    def numbers(self, field: Field, _seen: Inspection) -> dict[str, int]:
        """A consistent set: everybody of the first list is in place, nobody is anything else yet."""
        size = self.chance.randrange(10)
        return {part.key: size if place < 3 else 0 for place, part in enumerate(field.parts)}

    def person(self, field: Field, seen: Inspection) -> dict[str, Any]:
        ids = sorted(person for person in self.context.persons if self._fits(field.key, person, seen))
        if field.known == "persons" and ids:
            return {"id": self.chance.choice(ids)}
        if field.known == "accounts":
            return {"id": self.context.account_id}
        return self.parts(field, seen) or {"seat_no": "1-1"}

    def _fits(self, key: str, person_id: str, seen: Inspection) -> bool:
        """Whether a known person has what the view's rules want of a person."""
        trial = Inspection(self.context)
        trial.values = seen.values | {key: {"id": person_id}}
        rules = [rule for rule in self.view.rules if rule.kind == "any_part" and rule.when.holds(trial.look_up)]
        return all(any(is_given(trial.look_up(f"{key}.{part}")) for part in rule.args["parts"]) for rule in rules)

    def instant(self, field: Field, seen: Inspection) -> str:
        """Now; an hour ago for what must end after it began; so many days later where a rule asks for them."""
        for rule in self.view.rules:
            if rule.kind == "lasts" and field.key in rule.fields:
                first, days = as_instant(seen.look_up(rule.args["earlier"])), seen.look_up(rule.args["days"])
                if first is not None and isinstance(days, int):
                    return (first + timedelta(days=days)).isoformat()
        starts = [rule.args["earlier"] for rule in self.view.rules if rule.kind == "order" and rule.args.get("strict")]
        is_start = field.key in starts
        return (self.context.now - (timedelta(hours=1) if is_start else timedelta())).isoformat()

    def pair(self, _field: Field, _seen: Inspection) -> dict[str, str]:
        begin = as_instant(self.context.defaults.get("previous_period_to")) or self.context.found_at or self.context.now
        return {"from": begin.isoformat(), "to": self.context.now.isoformat()}

    def reference(self, field: Field, _seen: Inspection) -> dict[str, str]:
        return {"id": f"sample-{field.type}"}


_MAKERS: dict[str, Callable[[_Sampler, Field, Inspection], Any]] = {
    "str": _Sampler.text,
    "text": _Sampler.text,
    "int": _Sampler.number,
    "dec": _Sampler.number,
    "bool": lambda sampler, _field, _seen: sampler.chance.random() < 0.5,
    "enum": _Sampler.option,
    "multi": _Sampler.choices,
    "list": _Sampler.items,
    "row": _Sampler.parts,
    "numbers": _Sampler.numbers,
    "date": lambda sampler, _field, _seen: local(sampler.context.now).date().isoformat(),
    "time": lambda sampler, _field, _seen: local(sampler.context.now).strftime("%H:%M"),
    "dt": _Sampler.instant,
    "dt_pair": _Sampler.pair,
    "org": _Sampler.reference,
    "ref": _Sampler.reference,
    "person": _Sampler.person,
    "sign": lambda _sampler, _field, _seen: True,
    "file": _Sampler.reference,
    "file_or_text": lambda _sampler, _field, _seen: "证明编号 0001",
}
