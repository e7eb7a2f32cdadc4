"""Words for the values that decision tables and conditions speak of: codes, numbers, instants, lists."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from service.application.queries.words import known, labels, pick, span
from service.domain.calendar import SHANGHAI, CalendarDuration, format_duration
from service.domain.deadlines import DeadlineRule
from service.domain.form_definitions import Field
from service.domain.forms import FormLibrary
from service.domain.policies import PolicyCatalogue
from service.domain.policy_words import in_words

# Groups of labels whose codes tables use, the most telling first.
_GROUPS = ("role", "organisation_type", "decision_value", "report_kind", "status")


class ValueWords:
    """The words of one language. `about` is the dotted name a value belongs to: its form field knows its codes."""

    def __init__(
        self,
        forms: FormLibrary,
        policies: PolicyCatalogue,
        deadlines: Mapping[str, DeadlineRule],
        locale: str,
        procedures: Mapping[str, str] | None = None,
    ) -> None:
        """`procedures` are names by id."""
        self.locale = locale
        self._policies = policies
        self._fields = _fields(forms)
        self._codes = {
            **self._unique(),
            **{form.id: form.name.of(locale) for form in forms.forms()},
            **{key: f"{key} {rule.label(locale)}" for key, rule in deadlines.items()},
            **(procedures or {}),
        }
        for group in reversed(_GROUPS):
            self._codes |= labels(group, locale)

    def pick(self, zh: str, en: str) -> str:
        """One of two texts."""
        return pick(self.locale, zh, en)

    def is_known(self, code: str, about: str = "") -> bool:
        """Whether a code has a word of its own."""
        return code in self._codes or bool(self._about(code, about))

    def code(self, code: str, about: str = "") -> str:
        """The word for a code; the code itself where nobody knows it."""
        return self._about(code, about) or self._codes.get(code, code)

    def field(self, name: str) -> str:
        """The label of a dotted name, "" where no form has it."""
        found = self._fields.get(name)
        return found.label.of(self.locale) if found else ""

    def policy(self, key: str) -> str:
        """The name of a policy, with its value where that is the same for all."""
        entry = self._policies.get(key)
        if entry is None:
            return key
        name = self.pick(entry.label_zh, entry.label_en)
        return name if entry.org_defaults else f"{name} {in_words(entry, entry.default, self.locale)}"

    def value(self, value: object, about: str = "") -> str:
        """A value for people; – for null."""
        if value is None:
            return "–"
        if isinstance(value, bool):
            return self.pick("是", "yes") if value else self.pick("否", "no")
        if isinstance(value, str):
            return self.code(value, about)
        if isinstance(value, list | tuple):
            return self.listed(value, about)
        return self._measured(value)

    def listed(self, values: Iterable[object], about: str = "") -> str:
        """Several values; a word for none of them."""
        words = [self.value(value, about) for value in values]
        return self.pick("、", ", ").join(words) or self.pick("无", "none")

    def _measured(self, value: object) -> str:
        if isinstance(value, datetime):
            return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, time):
            return value.strftime("%H:%M")
        if isinstance(value, timedelta):
            return span(value, self.locale)
        if isinstance(value, Decimal):
            return f"{value.normalize():f}"
        return format_duration(value) if isinstance(value, CalendarDuration) else str(value)

    def _about(self, code: str, about: str) -> str:
        """What a code means where it stands: an option of the field, or of the output of that name."""
        group = known(about, self.locale)
        return self._options(about).get(code) or group.get(code) or self._codes.get(f"{about}.{code}", "")

    def _options(self, about: str) -> dict[str, str]:
        found = self._fields.get(about)
        options = (found.item or found).options if found else ()
        return {option.value: option.label.of(self.locale) for option in options}

    def _unique(self) -> dict[str, str]:
        """Codes of all forms with their word, where every form uses the same one."""
        found: dict[str, set[str]] = {}
        for field in self._fields.values():
            for option in (field.item or field).options:
                found.setdefault(option.value, set()).add(option.label.of(self.locale))
        return {code: next(iter(words)) for code, words in found.items() if len(words) == 1}


def _fields(forms: FormLibrary) -> dict[str, Field]:
    """Every field by `form.key`."""
    return {f"{form.id}.{key}": field for form in forms.forms() for key, field in form.fields.items()}
