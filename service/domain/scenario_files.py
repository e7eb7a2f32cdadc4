"""Scenarios as YAML files: the document, and on which line each part of it stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from service.domain.errors import ScenarioFault, ScenarioRefused
from service.domain.scenarios import Scenario

ENDING = ".yaml"
LIKE = "like"  # a shipped scenario may take over what another one says; drills and copies have it all


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """A scenario as it was written; `lines` maps a path such as `injects.0.trigger` to its line."""

    name: str
    document: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)

    def scenario(self) -> Scenario:
        """The scenario. Raises ScenarioRefused, with lines."""
        try:
            return Scenario.of(self.document)
        except ScenarioRefused as refused:
            raise ScenarioRefused(self.placed(refused.faults)) from None

    def placed(self, faults: Iterable[ScenarioFault]) -> tuple[ScenarioFault, ...]:
        """The faults with the lines where they stand, in the order of the file."""
        placed = [
            replace(each, sheet=each.sheet or self.name, line=each.line or self.line(each.path)) for each in faults
        ]
        return tuple(sorted(placed, key=lambda each: each.line))

    def line(self, path: str) -> int:
        """The line of a path, or of what is around it; an answer that stands alone has no number in the file."""
        if path not in self.lines and path.replace(".0.", ".", 1) in self.lines:
            path = path.replace(".0.", ".", 1)
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path, 1 if self.lines else 0)


def parse(text: str, name: str = "") -> ScenarioFile:
    """Read a file. Raises ScenarioRefused where it is no YAML, or no mapping."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", error))
        fault = ScenarioFault("", f"不是有效的 YAML：{problem}", f"is no valid YAML: {problem}", sheet=name)
        raise ScenarioRefused((fault.at(mark.line + 1 if mark else 0, name),)) from None
    if not isinstance(document, dict) or node is None:
        raise ScenarioRefused((ScenarioFault("", "须为键和值", "must be keys and values", 1, name),))
    lines: dict[str, int] = {}
    _walk(node, "", lines)
    return ScenarioFile(name, document, lines)


def load(folder: Path) -> dict[str, ScenarioFile]:
    """The files of a folder by the id of their scenario, which is the name of the file. Raises ScenarioRefused."""
    found = {}
    for path in sorted(folder.glob(f"*{ENDING}")):
        each = parse(path.read_text("utf-8"), path.name)
        if each.document.get("id") != path.stem:
            line = each.line("id")
            fault = ScenarioFault("id", f"须与文件名 {path.stem} 相同", f"must be the name of the file, {path.stem}")
            raise ScenarioRefused((fault.at(line, path.name),))
        found[path.stem] = each
    return {name: _alike(each, found, (name,)) for name, each in found.items()}


def _alike(file: ScenarioFile, files: Mapping[str, ScenarioFile], way: tuple[str, ...]) -> ScenarioFile:
    """With everything of the scenario it is `like` that it does not say itself. Raises ScenarioRefused."""
    if LIKE not in file.document:
        return file
    name = str(file.document[LIKE])
    if name not in files or name in way:
        near = (name, sorted(files))
        fault = ScenarioFault.near(LIKE, f"没有情景 {name}", f"there is no scenario {name}", near)
        raise ScenarioRefused((fault.at(file.line(LIKE), file.name),))
    other = _alike(files[name], files, (*way, name)).document
    document = {**other, **{key: value for key, value in file.document.items() if key != LIKE}}
    document["answers"] = {**(other.get("answers") or {}), **(file.document.get("answers") or {})}
    return replace(file, document=document)


def dump(document: Mapping[str, Any]) -> str:
    """The document as YAML."""
    return str(yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False, width=110))


def _walk(node: yaml.Node, path: str, lines: dict[str, int]) -> None:
    if path:
        lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            where = f"{path}.{key.value}" if path else str(key.value)
            lines[where] = key.start_mark.line + 1
            _walk(value, where, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _walk(value, f"{path}.{number}" if path else str(number), lines)
