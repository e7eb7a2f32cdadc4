"""Events as sentences, rendered when they are read: no name is stored in a text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service.application.queries.reader import Reader
from service.application.queries.recipients import recipient_name
from service.application.queries.words import clock_time, pick
from service.domain.policy_words import in_words

_FILE = Path(__file__).with_name("sentences.yaml")

KINDS = ("assessment", "curated", "field", "participant", "system")
DEFAULT_KINDS = ("assessment", "curated")


@dataclass(frozen=True, slots=True)
class Sentence:
    """How an event type is told; `kind` is its class on the timeline, a milestone is always shown."""

    kind: str
    zh: str
    en: str
    is_milestone: bool = False


@cache
def sentences() -> Mapping[str, Sentence]:
    """The sentence of every event type."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        type_: Sentence(entry["kind"], entry["zh"], entry["en"], entry.get("milestone", False))
        for type_, entry in entries.items()
    }


@dataclass(frozen=True, slots=True)
class Known:
    """What the sentences of one page of events may name: persons and injects as the reader may see them, more."""

    persons: Mapping[str, str]
    accounts: Mapping[str, str]
    tasks: Mapping[str, str]
    reports: Mapping[str, str]
    deliveries: Mapping[str, str]
    injects: Mapping[tuple[str, str], str]  # by drill and inject


def summary(reader: Reader, row: Mapping[str, Any], known: Known) -> str:
    """One event as a sentence in the reader's language; an unknown type is told by its code."""
    sentence = sentences().get(row["type"])
    if sentence is None:
        return str(row["type"])
    words = _Words(reader, row, known)
    return pick(reader.locale, sentence.zh, sentence.en).format_map(words).strip(" ，,：:")


def reference(data: Mapping[str, Any], *keys: str) -> set[str]:
    """Ids that an event's data names under some keys, one or a list of them."""
    found: set[str] = set()
    for key in keys:
        value = data.get(key)
        found.update(value if isinstance(value, list) else [value] if isinstance(value, str) else [])
    return found - {""}


class _Words(dict[str, str]):
    """The blanks of a sentence, filled on demand; a blank nobody knows stays empty."""

    def __init__(self, reader: Reader, row: Mapping[str, Any], known: Known) -> None:
        super().__init__()
        self.reader, self.row, self.known = reader, row, known
        self.data: Mapping[str, Any] = row["data"]

    def __missing__(self, name: str) -> str:
        filler = FILLERS.get(name)
        if filler is not None:
            return filler(self)
        value = self.data.get(name)
        return "" if value is None or isinstance(value, (dict, list)) else str(value)

    def word(self, group: str, key: str) -> str:
        """A word of a label group for a code of the event."""
        return self.reader.label(group, str(self.data.get(key) or ""))

    def person(self, key: str = "person") -> str:
        """A person of the event, as the reader may see him."""
        return self.known.persons.get(str(self.data.get(key) or ""), "")

    def role(self) -> str:
        """A role; in a drill `*` is every role that is not named."""
        is_rest = self.data.get("role") == "*"
        return self.reader.pick("其他角色", "every other role") if is_rest else self.word("role", "role")

    def element(self) -> str:
        """The step's name."""
        element = str(self.data.get("element") or self.row["element"] or "")
        if not element or not self.row["version"]:
            return element
        node = self.reader.node(self.row["procedure"], self.row["version"], element)
        return self.reader.named(node, element)

    def deadline(self) -> str:
        """The name of the deadline's rule."""
        rule_id = str(self.data.get("rule") or "")
        if not rule_id:
            rule_id = str(self.data.get("deadline") or "").removeprefix(f"{self.row['stream']}:").partition(":")[0]
        rule = self.reader.services.deadline_rules.get(rule_id)
        return rule.label(self.reader.locale) if rule else rule_id

    def instant(self, key: str) -> str:
        """An instant of the event, short."""
        value = self.data.get(key)
        return clock_time(datetime.fromisoformat(value), self.row["at"]) if isinstance(value, str) and value else ""

    def policies(self) -> str:
        """Policies with the values they had and have: 120未到 30 分钟 → 20 分钟."""
        changes = self.data.get("changes") or {str(self.data.get("key")): self.data}
        said = [
            f"{self._policy(key)} {self._value(key, each['old'])} → {self._value(key, each['new'])}"
            for key, each in changes.items()
        ]
        return self.reader.pick("；", "; ").join(said)

    def _policy(self, key: str) -> str:
        entry = self.reader.services.policies.get(key)
        return entry.label(self.reader.locale) if entry else key

    def _value(self, key: str, raw: object) -> str:
        if raw is None:
            return self.reader.pick("上级的值", "the superior's value")
        entry = self.reader.services.policies.get(key)
        return in_words(entry, raw, self.reader.locale) if entry else str(raw)

    def form(self) -> str:
        """The name of the form view."""
        key = f"{self.data.get('form')}#{self.data.get('view')}"
        forms = self.reader.services.forms
        return forms.view(key).name.of(self.reader.locale) if forms.has(key) else key

    def late(self) -> str:
        """How late something was done."""
        minutes = self.data.get("late_minutes") or 0
        return self.reader.pick(f"，迟 {minutes} 分", f", {minutes} min late") if minutes else ""

    def reason(self) -> str:
        """The reason given."""
        text = str(self.data.get("reason") or self.data.get("late_reason") or "")
        return self.reader.pick(f"：{text}", f": {text}") if text else ""

    def procedure(self) -> str:
        """The name of the process page."""
        bundle = self.reader.readable(self.row["procedure"], self.row["version"])
        page = bundle.processes.get(str(self.data.get("process") or bundle.entry)) if bundle else None
        return self.reader.pick(page.name, page.name_en) if page else ""

    def recipients(self) -> str:
        """Whom a report went to."""
        named = [recipient_name(self.reader, each) for each in self.data.get("recipients") or ()]
        return self.reader.pick("、", ", ").join(dict.fromkeys(named))

    def accounts(self, *keys: str) -> str:
        """Names of accounts the event names, or that there is nobody."""
        named = [name for key in keys for each in self._listed(key) if (name := self.known.accounts.get(each))]
        return self.reader.pick("、", ", ").join(named) or self.reader.pick("无", "nobody")

    def _listed(self, key: str) -> list[str]:
        value = self.data.get(key)
        return value if isinstance(value, list) else [str(value)] if value else []

    def inject(self) -> str:
        """An inject by its title, by its id for who may not know it."""
        key = str(self.data.get("inject") or "")
        title = self.known.injects.get((self.row["stream"], key))
        return self.reader.pick(f"“{title}”", f" “{title}”") if title else f" {key}"

    def classes(self) -> str:
        """The classes an erasure was about."""
        named = [self.reader.label("retention_class", each) for each in self.data.get("rules") or {}]
        return self.reader.pick("、", ", ").join(named)

    def decision(self) -> str:
        """The name of the decision table."""
        decisions = self.reader.services.definitions.get(
            self.reader.connection, self.row["procedure"], self.row["version"]
        ).decisions
        found = decisions.get(str(self.data.get("decision")))
        return self.reader.pick(found.name, found.name_en) if found else str(self.data.get("decision") or "")

    def rows(self) -> str:
        """Which rows of the decision table fired: D03 第3行."""
        numbers = [str(rule) for rule in self.data.get("rules") or []]
        table = str(self.data.get("decision") or "")
        if not numbers:
            return table
        return self.reader.pick(f"{table} 第{'、'.join(numbers)}行", f"{table} row {', '.join(numbers)}")


# What may stand in the blanks of `sentences.yaml` besides fields of the event.
FILLERS: dict[str, Callable[[_Words], str]] = {
    "name": lambda w: w.element(),
    "starts_at": lambda w: w.instant("starts_at"),
    "drill_cause": lambda w: w.word("drill_cause", "cause"),
    "drill_speed": lambda w: f"×{float((w.data.get('segment') or {}).get('speed') or 0):g}",
    "improvement_state": lambda w: w.word("improvement_state", "state"),
    "rating": lambda w: w.word("rating", "rating"),
    "review_part": lambda w: w.word("review_part", "part"),
    "played_by": lambda w: w.word("played_by", "played_by"),
    "inject": lambda w: w.inject(),
    "inject_kind": lambda w: w.word("inject_kind", "kind"),
    "inject_outcome": lambda w: w.word("inject_outcome", "outcome") if w.data.get("outcome") else "",
    "inject_reason": lambda w: w.word("inject_outcome", "reason"),
    "task": lambda w: w.known.tasks.get(str(w.data.get("task")), ""),
    "person": lambda w: w.person(),
    "case": lambda w: w.person("case"),
    "assignee": lambda w: w.known.accounts.get(str(w.data.get("assignee")), ""),
    "role": lambda w: w.role(),
    "recipient": lambda w: w.word("role", "recipient"),
    "recipients": lambda w: w.recipients(),
    "status": lambda w: w.word("status", "status"),
    "result": lambda w: w.word("result", "result"),
    "message": lambda w: w.word("message", "name"),
    "sent_message": lambda w: w.word("message", "message"),
    "report": lambda w: w.known.reports.get(str(w.data.get("report")), "") or w.word("report_kind", "kind"),
    "delivery": lambda w: w.known.deliveries.get(str(w.data.get("delivery")), ""),
    "deadline": lambda w: w.deadline(),
    "due": lambda w: w.instant("due"),
    "start": lambda w: w.instant("start"),
    "met_at": lambda w: w.instant("met_at"),
    "policies": lambda w: w.policies(),
    "form": lambda w: w.form(),
    "late": lambda w: w.late(),
    "reason": lambda w: w.reason(),
    "procedure": lambda w: w.procedure(),
    "decision": lambda w: w.decision(),
    "rows": lambda w: w.rows() or str(w.data.get("rows", "")),
    "signing": lambda w: w.word("signing", "decision"),
    "count": lambda w: str(len(w.data.get("persons") or ())),
    "level": lambda w: w.reader.label("ladder", str(w.data.get("level"))),
    "person_kind": lambda w: w.word("person_kind", "kind"),
    "stage": lambda w: w.word("contact_stage", "stage"),
    "contact_status": lambda w: w.word("contact_status", "status"),
    "until": lambda w: w.instant("until"),
    "notice": lambda w: w.word("notice_name", "code"),
    "accounts": lambda w: w.accounts("accounts"),
    "account": lambda w: w.accounts("account"),
    "stand_in": lambda w: w.accounts("stand_in"),
    "asker": lambda w: w.accounts("asker"),
    "other": lambda w: w.accounts("other"),
    "staff": lambda w: w.accounts("leaders", "members"),
    "assignment": lambda w: w.word("assignment", "level"),
    "swap_state": lambda w: w.word("swap_state", "state"),
    "gap_kind": lambda w: w.word("duty_gap", "kind"),
    "shift_name": lambda w: str(w.data.get("name") or ""),
    "start_of_shift": lambda w: w.instant("starts"),
    "basis_word": lambda w: w.word("reveal_basis", "basis"),
    "export_kind": lambda w: w.word("export_kind", "kind"),
    "export_purpose": lambda w: w.word("export_purpose", "purpose"),
    "export_decision": lambda w: w.reader.label(
        "export_decision", "approved" if w.data.get("is_approved") else "refused"
    ),
    "rows_out": lambda w: str(w.data.get("rows") or 0),
    "classes": lambda w: w.classes(),
    "chain_result": lambda w: w.reader.label("chain_result", str(w.data.get("reason") or "whole")),
    "search_by": lambda w: w.word("search_by", "by"),
    "sign_in_method": lambda w: w.word("sign_in_method", "method"),
    "attempts_at": lambda w: w.word("attempts_at", "what"),
    "token_refusal": lambda w: w.word("token_refusal", "reason"),
    "expires": lambda w: w.instant("expires"),
}
