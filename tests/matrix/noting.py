"""What a test demanded of its world by name, and what of that happened; one file per process, as for visited flows."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from service.bootstrap import Tocsin
from service.persistence.tables import sql
from tests.matrix.asserts import names_in_asserts
from tests.matrix.lines import nodes

SUFFIX = ".asserted"
_TYPES = ("element_entered", "element_completed", "deadline_started", "record_saved")


def running_test() -> str:
    """The test that runs, without its parameters: `tests/paths/test_x.py::test_y`; "" outside of one."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").partition(" (")[0].partition("[")[0]


@dataclass
class Demands:
    """Kept by a world: steps, messages and rules a test named, and the fields it answered under them."""

    test: str = field(default_factory=running_test)
    names: set[str] = field(default_factory=set)
    answers: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)

    def name(self, *names: str) -> None:
        """A step, a message or a rule was demanded."""
        self.names.update(names)

    def answer(self, what: str, data: Mapping[str, Any]) -> None:
        """A task, or a message, was demanded and answered; `what` "" for the first task of an incident."""
        self.names.add(what)
        rows = data.get("rows")
        parts = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else [data]
        self.answers.append((what, frozenset(key for part in (data, *parts) for key in part)))


class Saved(dict[str, Any]):
    """What a step stored; a field that a test looks at is noted as demanded."""

    def __init__(self, values: Mapping[str, Any], form: str, demands: Demands) -> None:
        super().__init__(values)
        self._form, self._demands = form, demands

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        self._demands.fields.add(f"{self._form}.{key}")
        return value


def note(app: Tocsin, demands: Demands, folder: Path) -> None:
    """Add what the test asserted; a world that several tests share cannot say which of them it was."""
    if demands.test and demands.test == running_test():
        found = {"test": demands.test, "asserted": sorted(_asserted(app, demands))}
        with (folder / f"{os.getpid()}{SUFFIX}").open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")


def noted(folder: Path) -> dict[str, set[str]]:
    """Tests by what they asserted, of all processes of a run."""
    tests: dict[str, set[str]] = {}
    for path in folder.glob(f"*{SUFFIX}"):
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            for each in entry["asserted"]:
                tests.setdefault(each, set()).add(entry["test"].removeprefix("tests/"))
    return tests


@dataclass
class _Log:
    """What happened: steps reached and rules begun, the form of every step answered, and what opened incidents."""

    happened: set[str] = field(default_factory=set)
    answered: dict[str, str] = field(default_factory=dict)
    openings: dict[str, str] = field(default_factory=dict)


def _asserted(app: Tocsin, demands: Demands) -> Iterator[str]:
    log = _read(app)
    names = demands.names | names_in_asserts(demands.test)
    yield from (each for each in log.happened if each in names or _message(each) in demands.names - {""})
    yield from demands.fields
    for what, keys in demands.answers:
        for element, form in log.answered.items():
            if what in (element, _message(element)) if what else element in log.openings.values():
                yield from (f"{form}.{key}" for key in keys)


def _message(element: str) -> str:
    node = nodes().get(element)
    return node.message if node else ""


def _read(app: Tocsin) -> _Log:
    log, rows = _Log(), sql.events
    wanted = select(rows.c.stream, rows.c.type, rows.c.data, rows.c.element).where(rows.c.type.in_(_TYPES))
    with app.read() as connection:
        for stream, type_, data, element in connection.execute(wanted.order_by(rows.c.stream, rows.c.seq)):
            if type_ == "record_saved":
                log.answered[element] = data["form"]
                log.openings.setdefault(stream, element)
            else:
                log.happened.add(data.get("rule") or data["element"])
    return log
