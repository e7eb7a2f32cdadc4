"""A scenario as sheets of rows, for Excel and for the editor: the same document in another dress.

Texts stand in one cell per language. A trigger is written in words: `at PT2H`, `after t_x PT10M`, `when fact('x')`,
`unless t_x PT30M`, `reserve`. What has a structure of its own (answers, keys) is YAML in its cell.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from service.domain.errors import ScenarioFault

HEAD, ROLES, EXPECTED, INJECTS = "scenario", "roles", "expectations", "injects"
ANSWERS, ABSENT, POLICIES, VARIES = "answers", "absent", "policies", "varies"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    HEAD: ("key", "value"),
    ROLES: ("role", "player"),
    EXPECTED: (
        "objective", "objective_zh", "objective_en", "id", "element", "kind", "zh", "en", "within", "from", "flow",
        "fields", "recipient", "times", "not",
    ),
    INJECTS: (
        "id", "kind", "zh", "en", "text_zh", "text_en", "from_zh", "from_en", "to", "trigger", "expects", "message",
        "keys", "element", "data", "role", "system", "lasts", "document_zh", "document_en",
    ),
    ANSWERS: ("element", "person", "after", "spread", "error_rate", "data"),
    ABSENT: ("role", "from", "to"),
    POLICIES: ("key", "value"),
    VARIES: ("name", "rule"),
}  # fmt: skip
PLAIN = ("id", "catalogue", "procedure", "starts_at", "lasts", "start")
TEXTS = ("title", "summary")
STRUCTURED = ("data", "speeds")
WORDS = ("id", "kind", "message", "element", "role", "system", "lasts")  # of an inject
Row = dict[str, str]
_DRAW = re.compile(r"\{draw:\s*(\w+)\}")


@dataclass(frozen=True, slots=True)
class Sheets:
    """Rows by sheet; every cell is text."""

    rows: Mapping[str, Sequence[Row]]


def to_sheets(document: Mapping[str, Any]) -> Sheets:
    """The document as rows."""
    head = [{"key": key, "value": _said(document.get(key))} for key in PLAIN]
    for key in TEXTS:
        zh, en = _both(document.get(key))
        head += [{"key": f"{key}_zh", "value": zh}, {"key": f"{key}_en", "value": en}]
    head += [{"key": key, "value": _yaml(document.get(key))} for key in STRUCTURED]
    return Sheets({
        HEAD: head,
        ROLES: [{"role": role, "player": player} for role, player in (document.get("roles") or {}).items()],
        EXPECTED: list(_expected(document)),
        INJECTS: [_inject(each) for each in document.get("injects") or ()],
        ANSWERS: list(_answers(document)),
        ABSENT: [{key: _said(each.get(key)) for key in COLUMNS[ABSENT]} for each in document.get("absent") or ()],
        POLICIES: [{"key": key, "value": _said(value)} for key, value in (document.get("policies") or {}).items()],
        VARIES: [{"name": name, "rule": _yaml(rule)} for name, rule in (document.get("varies") or {}).items()],
    })  # fmt: skip


def from_sheets(sheets: Sheets) -> tuple[dict[str, Any], list[ScenarioFault], dict[str, tuple[str, int]]]:
    """The document, cells that are no YAML, and for each path of it the sheet and row (from 2) where it stands."""
    reading = _Reading()
    document = reading.head(sheets.rows.get(HEAD, ()))
    document["roles"] = {row["role"]: row["player"] for _, row in reading.given(sheets, ROLES, "role")}
    document["answers"] = reading.answers(sheets)
    document["absent"] = [
        reading.placed(f"absent.{number}", ABSENT, place, {key: row[key] for key in COLUMNS[ABSENT]})
        for number, (place, row) in enumerate(reading.given(sheets, ABSENT, "role"))
    ]
    document["policies"] = {row["key"]: row["value"] for _, row in reading.given(sheets, POLICIES, "key")}
    document["varies"] = {
        row["name"]: reading.yaml(row["rule"], f"varies.{row['name']}", VARIES, place)
        for place, row in reading.given(sheets, VARIES, "name")
    }
    document["objectives"] = reading.objectives(sheets)
    document["injects"] = reading.injects(sheets)
    document = _with_draws(document)
    said = {key: value for key, value in document.items() if value not in ("", None, {}, [])}
    return said, reading.faults, reading.places


def placed(faults: Sequence[ScenarioFault], places: Mapping[str, tuple[str, int]]) -> tuple[ScenarioFault, ...]:
    """The faults with sheet and row."""
    return tuple(_placed(each, places) for each in faults)


def _placed(fault: ScenarioFault, places: Mapping[str, tuple[str, int]]) -> ScenarioFault:
    path = fault.path
    while path and path not in places:
        path = path.rpartition(".")[0]
    sheet, line = places.get(path, (HEAD, 0))
    return replace(fault, sheet=fault.sheet or sheet, line=fault.line or line)


# --- writing ----------------------------------------------------------------------------------


def _expected(document: Mapping[str, Any]) -> Iterator[Row]:
    for objective in document.get("objectives") or ():
        zh, en = _both(objective.get("title"))
        top = {"objective": _said(objective.get("id")), "objective_zh": zh, "objective_en": en}
        for each in objective.get("expectations") or [{}]:
            title_zh, title_en = _both(each.get("title"))
            row = {key: _said(each.get(key)) for key in COLUMNS[EXPECTED][3:] if key not in ("zh", "en")}
            yield {**top, **row, "zh": title_zh, "en": title_en, "fields": _listed(each.get("fields"))}


def _inject(each: Mapping[str, Any]) -> Row:
    row: Row = {key: _said(each.get(key)) for key in WORDS}
    for name, key in (("", "title"), ("text_", "text"), ("from_", "from"), ("document_", "document")):
        row[f"{name}zh"], row[f"{name}en"] = _both(each.get(key))
    data = each.get("data") if each.get("data") is not None else each.get("payload")
    return {
        **row, "to": _listed(each.get("to")), "expects": _listed(each.get("expects")),
        "trigger": trigger_text(each.get("trigger") or {}), "keys": _yaml(each.get("keys")), "data": _yaml(data),
    }  # fmt: skip


def trigger_text(trigger: Mapping[str, Any]) -> str:
    """A trigger in words."""
    kind = next((each for each in ("at", "after", "when", "unless", "reserve") if trigger.get(each)), "reserve")
    parts = [kind, "" if kind == "reserve" else _said(trigger.get(kind)), _said(trigger.get("by"))]
    return " ".join(part for part in parts if part)


def trigger_of(text: str) -> dict[str, Any]:
    """The trigger such words say; what is none of them is left to be refused."""
    kind, _, rest = text.strip().partition(" ")
    if kind in ("after", "unless"):
        element, _, by = rest.strip().partition(" ")
        return {kind: element, "by": by.strip()} if by.strip() else {kind: element}
    if kind == "reserve":
        return {"reserve": True}
    return {kind: rest.strip()} if kind in ("at", "when") else {}


def _answers(document: Mapping[str, Any]) -> Iterator[Row]:
    for element, rows in (document.get("answers") or {}).items():
        for each in rows if isinstance(rows, list) else [rows]:
            after = each.get("after")
            spread = after.get("spread") if isinstance(after, Mapping) else None
            mean = after.get("mean") if isinstance(after, Mapping) and "mean" in after else after
            yield {
                "element": element, "person": _said(each.get("person")), "spread": _said(spread),
                "after": _yaml(mean) if isinstance(mean, Mapping) else _said(mean),
                "error_rate": _said(each.get("error_rate")), "data": _yaml(each.get("data")),
            }  # fmt: skip


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return _yaml(value)
    return "" if value is None else "true" if value is True else "" if value is False else str(value)


def _both(value: Any) -> tuple[str, str]:
    if isinstance(value, Mapping):
        return _said(value.get("zh")), _said(value.get("en"))
    return _said(value), ""


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else _said(value)


def _yaml(value: Any) -> str:
    if value in (None, {}, []):
        return ""
    text = str(yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000))
    return text.strip()


# --- reading ----------------------------------------------------------------------------------


class _Reading:
    def __init__(self) -> None:
        self.faults: list[ScenarioFault] = []
        self.places: dict[str, tuple[str, int]] = {}

    def given(self, sheets: Sheets, sheet: str, key: str) -> Iterator[tuple[int, Row]]:
        """Rows that say anything, with their place; each cell is there."""
        for place, row in enumerate(sheets.rows.get(sheet, ()), start=2):
            whole = {name: row.get(name, "").strip() for name in COLUMNS[sheet]}
            if any(whole.values()):
                self.places.setdefault(f"{sheet}.{whole[key]}", (sheet, place))
                yield place, whole

    def placed(self, path: str, sheet: str, place: int, value: Any) -> Any:
        self.places[path] = (sheet, place)
        return value

    def yaml(self, text: str, path: str, sheet: str, place: int) -> Any:
        if not text:
            return None
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            said = str(getattr(error, "problem", error))
            fault = ScenarioFault(path, f"单元格不是有效的 YAML：{said}", f"the cell is no valid YAML: {said}")
            self.faults.append(fault.at(place, sheet))
            return None

    def head(self, rows: Sequence[Row]) -> dict[str, Any]:
        values = {}
        for place, row in enumerate(rows, start=2):
            values[row.get("key", "")] = row.get("value", "").strip()
            self.places[row.get("key", "").removesuffix("_zh").removesuffix("_en")] = (HEAD, place)
        document: dict[str, Any] = {key: values.get(key, "") for key in PLAIN}
        for key in TEXTS:
            document[key] = _text(values.get(f"{key}_zh", ""), values.get(f"{key}_en", ""))
        for key in STRUCTURED:
            document[key] = self.yaml(values.get(key, ""), key, HEAD, self.places.get(key, (HEAD, 0))[1])
        return document

    def answers(self, sheets: Sheets) -> dict[str, Any]:
        found: dict[str, list[Any]] = {}
        for place, row in self.given(sheets, ANSWERS, "element"):
            listed = found.setdefault(row["element"], [])
            path = f"answers.{row['element']}.{len(listed)}"
            self.places[path] = (ANSWERS, place)
            mean = self.yaml(row["after"], path, ANSWERS, place) if row["after"].startswith("{") else row["after"]
            made: dict[str, Any] = {"data": self.yaml(row["data"], f"{path}.data", ANSWERS, place)}
            made["after"] = {"mean": mean, "spread": _number(row["spread"])} if row["spread"] else mean
            made |= {"person": row["person"], "error_rate": _number(row["error_rate"])}
            listed.append({key: value for key, value in made.items() if value not in ("", None)})
        return {element: rows[0] if len(rows) == 1 else rows for element, rows in found.items()}

    def objectives(self, sheets: Sheets) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for place, row in self.given(sheets, EXPECTED, "id"):
            known = found.get(row["objective"])
            if known is None:
                number = len(found)
                title = _text(row["objective_zh"], row["objective_en"])
                known = found[row["objective"]] = {"id": row["objective"], "title": title, "expectations": []}
                self.places[f"objectives.{number}"] = (EXPECTED, place)
            number = list(found).index(row["objective"])
            self.places[f"objectives.{number}.expectations.{len(known['expectations'])}"] = (EXPECTED, place)
            made: dict[str, Any] = {key: row[key] for key in COLUMNS[EXPECTED][3:] if row[key]}
            made["title"] = _text(made.pop("zh", ""), made.pop("en", ""))
            if row["fields"]:
                made["fields"] = _split(row["fields"])
            if row["times"]:
                made["times"] = _number(row["times"])
            if row["not"]:
                made["not"] = True
            if row["id"]:
                known["expectations"].append({key: value for key, value in made.items() if value})
        return list(found.values())

    def injects(self, sheets: Sheets) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for place, row in self.given(sheets, INJECTS, "id"):
            path = f"injects.{len(made)}"
            self.places[path] = (INJECTS, place)
            one: dict[str, Any] = {key: row[key] for key in WORDS}
            for name, key in (("", "title"), ("text_", "text"), ("from_", "from"), ("document_", "document")):
                one[key] = _text(row[f"{name}zh"], row[f"{name}en"])
            one |= {"to": _split(row["to"]), "expects": _split(row["expects"]), "trigger": trigger_of(row["trigger"])}
            one |= {key: self.yaml(row[key], f"{path}.{key}", INJECTS, place) for key in ("keys", "data")}
            made.append({key: value for key, value in one.items() if value or key == "trigger"})
        return made


def _with_draws(value: Any) -> Any:
    """Cells such as `{draw: away}` as what they mean."""
    if isinstance(value, str):
        drawn = _DRAW.fullmatch(value)
        return {"draw": drawn[1]} if drawn else value
    if isinstance(value, list):
        return [_with_draws(each) for each in value]
    return {key: _with_draws(each) for key, each in value.items()} if isinstance(value, dict) else value


def _text(zh: str, en: str) -> dict[str, str]:
    return {key: value for key, value in (("zh", zh), ("en", en)) if value}


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]


def _number(text: str) -> Any:
    """A number; what is none is left to be refused."""
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text) if text else ""
    except ValueError:
        return text
