"""Running a case through the simulation, as `tocsin simulate` does, and reading its trace."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service.settings import Settings
from service.simulation import Options, simulate
from service.simulation.surroundings import Surroundings
from service.simulation.world import Line
from tests.conformance.writing import bpmn

FOLDER = Path(__file__).parent


@cache
def around() -> Surroundings:
    """The shipped catalogues."""
    return Surroundings.load(Settings())


def cases() -> list[tuple[str, Mapping[str, Any]]]:
    """Every case with its name, `file/name`."""
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        content = yaml.safe_load(path.read_text("utf-8"))
        found += [(f"{path.stem}/{name}", case) for name, case in content.items()]
    return found


def run(case: Mapping[str, Any]) -> list[Line]:
    """The lines of a case."""
    options = Options(
        process=str(case.get("process", "")), inputs=case.get("inputs"), answers=case.get("answers"),
        until=str(case.get("until", "P30D")),
    )  # fmt: skip
    return list(simulate({"case.bpmn": bpmn(case)}, options, around()))


def trace(lines: Sequence[Line]) -> list[str]:
    """Completed elements in order; a turn is written `element#turn`."""
    done = [line for line in lines if line.get("type") == "element_completed"]
    return [f"{each['element']}#{each['iteration']}" if "iteration" in each else each["element"] for each in done]


def fits(expected: str, found: Sequence[str]) -> bool:
    """Whether a trace is the expected one; elements in braces come in any order."""
    rest = list(found)
    for group in re.findall(r"\{[^}]*\}|\S+", expected):
        wanted = sorted(group.strip("{}").split())
        if sorted(rest[: len(wanted)]) != wanted:
            return False
        rest = rest[len(wanted) :]
    return not rest


def refusals(lines: Sequence[Line]) -> set[str]:
    """Rules that refused a case."""
    return {line["rule"] for line in lines if line.get("type") == "finding" and line["severity"] == "error"}
