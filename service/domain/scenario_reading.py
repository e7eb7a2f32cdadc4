"""Reading the document of a scenario: its shape, every fault of it with the place where it stands."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from service.domain.calendar import SHANGHAI, CalendarDuration, parse_duration
from service.domain.errors import ScenarioFault, ScenarioRefused
from service.domain.scenario_parts import (
    EXPECTATION_KINDS,
    INJECT_KINDS,
    PLAYERS,
    Absence,
    Answer,
    Delay,
    Expectation,
    Inject,
    Objective,
    Text,
    Trigger,
)  # fmt: skip

T = TypeVar("T")
MOST_SPREAD = 3.0
FASTEST = 3600

TOP = frozenset(
    {"id", "catalogue", "title", "summary", "procedure", "starts_at", "lasts", "start", "data", "roles", "answers"}
    | {"absent", "policies", "objectives", "injects", "speeds", "varies"}
)
OF_ANSWER = frozenset({"after", "data", "person", "error_rate"})
OF_ABSENCE = frozenset({"role", "from", "to"})
OF_OBJECTIVE = frozenset({"id", "title", "expectations"})
OF_EXPECTATION = frozenset(
    {"id", "element", "kind", "title", "within", "from", "flow", "fields", "recipient", "times", "not"}
)
OF_INJECT = frozenset(
    {"id", "kind", "title", "text", "to", "from", "trigger", "expects", "message", "keys", "data", "payload"}
    | {"element", "role", "system", "lasts", "document"}
)
NEEDS = {
    "message": ("message",), "outside_reply": ("message",), "data": ("element",), "absence": ("role", "lasts"),
    "failure": ("system", "lasts"), "document": ("document",), "rumour": ("text",), "cue": ("text",),
}  # fmt: skip


class Reading:
    """Reads one document; `faults` are those of its shape, each with its path such as `injects.2.trigger`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.faults: list[ScenarioFault] = []

    def whole(self) -> dict[str, Any]:
        """The fields of a scenario; where something is wrong, whatever stands for it, beside the fault."""
        given = self.document
        self._known("", given, TOP)
        found: dict[str, Any] = {
            "id": self._word("id", given.get("id"), is_needed=True),
            "catalogue": self._word("catalogue", given.get("catalogue")),
            "title": self._text("title", given.get("title"), is_needed=True),
            "summary": self._text("summary", given.get("summary")),
            "procedure": self._word("procedure", given.get("procedure"), is_needed=True),
            "starts_at": self._instant("starts_at", given.get("starts_at")),
            "lasts": self._duration("lasts", given.get("lasts")) or timedelta(),
            "start": self._word("start", given.get("start")),
            "data": self._mapping("data", given.get("data")),
            "roles": self._roles(self._mapping("roles", given.get("roles"))),
            "answers": self._answers(self._mapping("answers", given.get("answers"))),
            "absent": self._rows("absent", given.get("absent"), self._absence),
            "policies": self._mapping("policies", given.get("policies")),
            "objectives": self._rows("objectives", given.get("objectives"), self._objective),
            "injects": self._rows("injects", given.get("injects"), self.inject),
            "speeds": self._rows("speeds", given.get("speeds"), self._speed),
            "varies": self._mapping("varies", given.get("varies")),
        }
        self._once("objectives", [each.id for each in found["objectives"]])
        self._once("expectations", [each.id for one in found["objectives"] for each in one.expectations])
        self._once("injects", [each.id for each in found["injects"]])
        return found

    # --- parts ------------------------------------------------------------------------------------

    def _roles(self, given: Mapping[str, Any]) -> dict[str, str]:
        for role, player in given.items():
            self._among(f"roles.{role}", player, PLAYERS)
        return {role: str(player) for role, player in given.items()}

    def _answers(self, given: Mapping[str, Any]) -> dict[str, tuple[Answer, ...]]:
        made = {}
        for element, rows in given.items():
            listed = rows if isinstance(rows, list) else [rows]
            made[element] = self._rows(f"answers.{element}", listed, self._answer, is_single=not isinstance(rows, list))
        return {element: rows for element, rows in made.items() if rows}

    def _answer(self, path: str, row: Mapping[str, Any]) -> Answer:
        self._known(path, row, OF_ANSWER)
        rate = self._number(f"{path}.error_rate", row.get("error_rate", 0), 0, 1)
        data, person = self._mapping(f"{path}.data", row.get("data")), self._word(f"{path}.person", row.get("person"))
        return Answer(self._delay(f"{path}.after", row.get("after")), data, person, rate)

    def _delay(self, path: str, given: Any) -> Delay | None:
        if isinstance(given, Mapping):
            self._known(path, given, frozenset({"mean", "spread"}))
            mean = self._duration(f"{path}.mean", given.get("mean"), is_needed=True)
            return Delay(mean or timedelta(), self._number(f"{path}.spread", given.get("spread", 0), 0, MOST_SPREAD))
        mean = self._duration(path, given)
        return None if mean is None else Delay(mean)

    def _absence(self, path: str, row: Mapping[str, Any]) -> Absence:
        self._known(path, row, OF_ABSENCE)
        begins = self._duration(f"{path}.from", row.get("from"), is_needed=True) or timedelta()
        ends = self._duration(f"{path}.to", row.get("to"), is_needed=True) or begins
        if ends <= begins:
            self._fault(f"{path}.to", "须晚于 from", "must be later than from")
        return Absence(self._word(f"{path}.role", row.get("role"), is_needed=True), begins, ends)

    def _objective(self, path: str, row: Mapping[str, Any]) -> Objective:
        self._known(path, row, OF_OBJECTIVE)
        return Objective(
            self._word(f"{path}.id", row.get("id"), is_needed=True),
            self._text(f"{path}.title", row.get("title"), is_needed=True),
            self._rows(f"{path}.expectations", row.get("expectations"), self._expectation),
        )

    def _expectation(self, path: str, row: Mapping[str, Any]) -> Expectation:
        self._known(path, row, OF_EXPECTATION)
        kind = self._among(f"{path}.kind", row.get("kind", "done"), EXPECTATION_KINDS)
        for needed in {"branch": ("flow",), "complete": ("fields",), "recipient": ("recipient",)}.get(kind, ()):
            if not row.get(needed):
                self._missing(f"{path}.{needed}")
        return Expectation(
            id=self._word(f"{path}.id", row.get("id"), is_needed=True),
            element=self._word(f"{path}.element", row.get("element"), is_needed=True),
            kind=kind,
            title=self._text(f"{path}.title", row.get("title")),
            within=self._duration(f"{path}.within", row.get("within")),
            since=self._word(f"{path}.from", row.get("from")),
            flow=self._word(f"{path}.flow", row.get("flow")),
            fields=self._words(f"{path}.fields", row.get("fields")),
            recipient=self._word(f"{path}.recipient", row.get("recipient")),
            times=int(self._number(f"{path}.times", row.get("times", 1), 1, 10_000)),
            is_not=bool(row.get("not", False)),
        )

    def inject(self, path: str, row: Mapping[str, Any]) -> Inject:
        """An inject of the master events list."""
        self._known(path, row, OF_INJECT)
        kind = self._among(f"{path}.kind", row.get("kind"), INJECT_KINDS)
        for needed in NEEDS.get(kind, ()):
            if not row.get(needed):
                self._missing(f"{path}.{needed}")
        data = row.get("payload") if row.get("data") is None else row.get("data")
        return Inject(
            id=self._word(f"{path}.id", row.get("id"), is_needed=True),
            kind=kind,
            title=self._text(f"{path}.title", row.get("title"), is_needed=True),
            text=self._text(f"{path}.text", row.get("text")),
            trigger=self._trigger(f"{path}.trigger", row.get("trigger")),
            to=self._words(f"{path}.to", row.get("to")),
            sender=self._text(f"{path}.from", row.get("from")),
            expects=self._words(f"{path}.expects", row.get("expects")),
            message=self._word(f"{path}.message", row.get("message")),
            keys=self._mapping(f"{path}.keys", row.get("keys")),
            element=self._word(f"{path}.element", row.get("element")),
            data=self._mapping(f"{path}.data", data),
            role=self._word(f"{path}.role", row.get("role")),
            system=self._word(f"{path}.system", row.get("system")),
            lasts=self._duration(f"{path}.lasts", row.get("lasts")),
            document=self._text(f"{path}.document", row.get("document")),
        )

    def _trigger(self, path: str, given: Any) -> Trigger:
        row = self._mapping(path, given)
        kinds = [kind for kind in ("at", "after", "when", "unless", "reserve") if row.get(kind)]
        if len(kinds) != 1:
            words = "at | after | when | unless | reserve"
            self._fault(path, f"须恰有一个触发方式：{words}", f"must have exactly one of {words}")
            return Trigger("reserve")
        kind = kinds[0]
        self._known(path, row, frozenset({kind, "by"} if kind in ("after", "unless") else {kind}))
        if kind == "at":
            return Trigger(kind, self._duration(f"{path}.at", row["at"]) or timedelta())
        if kind in ("after", "unless"):
            by = self._duration(f"{path}.by", row.get("by"), is_needed=kind == "unless") or timedelta()
            return Trigger(kind, by, element=self._word(f"{path}.{kind}", row[kind]))
        return Trigger(kind, condition=self._word(f"{path}.when", row["when"]) if kind == "when" else "")

    def _speed(self, path: str, row: Mapping[str, Any]) -> tuple[timedelta, float]:
        self._known(path, row, frozenset({"from", "speed"}))
        begins = self._duration(f"{path}.from", row.get("from"), is_needed=True)
        return begins or timedelta(), self._number(f"{path}.speed", row.get("speed", 1), 0, FASTEST)

    # --- values -----------------------------------------------------------------------------------

    def _rows(
        self, path: str, given: Any, one: Callable[[str, Mapping[str, Any]], T], *, is_single: bool = False
    ) -> tuple[T, ...]:
        """Each mapping of a list, read."""
        if given is None:
            return ()
        if not isinstance(given, list):
            self._fault(path, "须为列表", "must be a list")
            return ()
        return tuple(one(where, row) for where, row in self._mappings(path, given, is_single=is_single))

    def _mappings(self, path: str, given: Sequence[Any], *, is_single: bool) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for number, row in enumerate(given):
            where = path if is_single else f"{path}.{number}"
            if isinstance(row, Mapping):
                yield where, row
            else:
                self._fault(where, "须为键和值", "must be keys and values")

    def _mapping(self, path: str, given: Any) -> dict[str, Any]:
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            self._fault(path, "须为键和值", "must be keys and values")
            return {}
        return {str(key): value for key, value in given.items()}

    def _word(self, path: str, given: Any, *, is_needed: bool = False) -> str:
        if given is None or given == "":
            if is_needed:
                self._missing(path)
            return ""
        if isinstance(given, (Mapping, list)):
            self._fault(path, "须为一个词", "must be a single word")
            return ""
        return str(given)

    def _words(self, path: str, given: Any) -> tuple[str, ...]:
        if given is None or given == "":
            return ()
        if not isinstance(given, list):
            return (self._word(path, given),)
        return tuple(self._word(f"{path}.{number}", each) for number, each in enumerate(given))

    def _text(self, path: str, given: Any, *, is_needed: bool = False) -> Text:
        if isinstance(given, str):
            return Text(given)
        row = self._mapping(path, given)
        self._known(path, row, frozenset({"zh", "en"}))
        if is_needed and not row.get("zh"):
            self._missing(f"{path}.zh")
        return Text(str(row.get("zh") or ""), str(row.get("en") or ""))

    def _duration(self, path: str, given: Any, *, is_needed: bool = False) -> timedelta | None:
        if given is None or given == "":
            if is_needed:
                self._missing(path)
            return None
        try:
            found = parse_duration(str(given))
        except (ValueError, OverflowError):
            found = CalendarDuration(0)
        if isinstance(found, CalendarDuration):
            self._fault(path, f"{given} 不是时长，如 PT30M、P14D", f"{given} is no duration such as PT30M, P14D")
            return timedelta()
        return found

    def _instant(self, path: str, given: Any) -> datetime:
        try:
            found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
        except ValueError:
            self._fault(path, "须为时间，如 2026-03-09T10:20", "must be a time such as 2026-03-09T10:20")
            return datetime(2026, 1, 1, tzinfo=SHANGHAI)
        return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)

    def _number(self, path: str, given: Any, least: float, most: float) -> float:
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not least <= given <= most:
            self._fault(path, f"须为 {least} 到 {most} 的数", f"must be a number from {least} to {most}")
            return least
        return float(given)

    def _among(self, path: str, given: Any, allowed: Sequence[str]) -> str:
        if given not in allowed:
            words = " | ".join(allowed)
            self._fault(path, f"{given} 须为 {words}", f"{given} must be one of {words}", near=(str(given), allowed))
        return str(given)

    def _once(self, path: str, ids: Sequence[str]) -> None:
        for each in sorted({each for each in ids if each and ids.count(each) > 1}):
            self._fault(path, f"编号 {each} 出现两次", f"the id {each} stands twice")

    def _known(self, path: str, row: Mapping[str, Any], keys: frozenset[str]) -> None:
        for key in sorted(str(each) for each in row if str(each) not in keys):
            where = f"{path}.{key}" if path else key
            self._fault(where, f"没有“{key}”这一项", f"there is no {key} here", near=(key, sorted(keys)))

    def _missing(self, path: str) -> None:
        self._fault(path, "必填", "is missing")

    def _fault(self, path: str, zh: str, en: str, *, near: tuple[str, Sequence[str]] | None = None) -> None:
        self.faults.append(ScenarioFault.near(path, zh, en, near))


def inject_of(document: Mapping[str, Any], path: str = "inject") -> Inject:
    """One inject by itself. Raises ScenarioRefused."""
    reading = Reading({})
    made = reading.inject(path, document)
    if reading.faults:
        raise ScenarioRefused(tuple(reading.faults))
    return made
