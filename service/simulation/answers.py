"""Who answers the tasks of a simulation: the answers file, else made-up answers that fit the form."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.domain.calendar import add, parse_duration
from service.domain.errors import FormRefused
from service.domain.form_context import FillContext
from service.domain.form_samples import sample
from service.domain.forms import View, fill
from service.engine.model import Node
from service.simulation.surroundings import ORGANISATION_TYPE, Surroundings

ACCOUNT = "simulated"


@dataclass(frozen=True)
class Letter:
    """A message from outside, `at` an instant of the virtual clock."""

    at: datetime
    name: str
    keys: Mapping[str, Any]
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """The answer to one task: when it comes, and what it says (None: something that fits)."""

    at: datetime
    data: Mapping[str, Any] | None


class Script:
    """The answers file: `{"tasks": {element: data or [data, ...]}, "messages": [...], "start": id}`.

    A list gives one answer per opening of the task; what it does not give is made up.
    """

    def __init__(self, content: Mapping[str, Any], began: datetime) -> None:
        self._tasks = {element: _Answers(given) for element, given in content.get("tasks", {}).items()}
        self.start = str(content.get("start", ""))
        self.letters = [_letter(each, began) for each in content.get("messages", [])]

    def writes(self, name: str) -> bool:
        """Whether a message of this name will come."""
        return any(letter.name == name for letter in self.letters)

    def reply(self, element: str, now: datetime) -> Reply:
        """The next answer to a task that opens now."""
        given = self._tasks[element].next() if element in self._tasks else None
        if given is None or not ({"after"} <= set(given) <= {"after", "data"} or set(given) == {"data"}):
            return Reply(now, given)
        after = parse_duration(str(given["after"])) if "after" in given else None
        return Reply(add(now, after) if after else now, given.get("data"))


class _Answers:
    def __init__(self, given: Any) -> None:
        self._each: Mapping[str, Any] | None = None if isinstance(given, list) else given
        self._list: Iterator[Mapping[str, Any]] = iter(given if isinstance(given, list) else ())

    def next(self) -> Mapping[str, Any] | None:
        return self._each if self._each is not None else next(self._list, None)


def _letter(given: Mapping[str, Any], began: datetime) -> Letter:
    at = add(began, parse_duration(str(given.get("at", "PT0S"))))
    return Letter(at, str(given["name"]), given.get("keys", {}), given.get("payload", {}))


@dataclass
class Desk:
    """Turns what is said into process data, as the service does: `{form: {output: value}}`.

    `records` keeps the latest answers by form, which expressions read as `F01.found_at`.
    """

    around: Surroundings
    seed: int
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    _asked: dict[str, int] = field(default_factory=dict)

    def outputs(
        self, form: str, node: Node, data: Mapping[str, Any] | None, *, now: datetime, opened: datetime
    ) -> dict[str, Any]:
        """Process data of an answer at a node; names the form does not know are process data as they are.

        Raises:
            FormRefused: What is given breaks the form.
        """
        given = dict(data or {})
        if not self.around.forms.has(form):
            return given
        view = self.around.forms.view(form)
        context = self._context(view, now, opened)
        own = {key: given.pop(key) for key in list(given) if key in {f.key for f in view.fields} or key == "rows"}
        asked = self._asked[node.id] = self._asked.get(node.id, 0) + 1
        # Whoever is asked again was not told enough the first time.
        made = sample(view, context, seed=zlib.crc32(f"{self.seed}:{node.id}:{asked}".encode()), is_full=asked > 1)
        try:
            answers = fill(view, {**made, **own}, context)
        except FormRefused as refused:
            if any(error.path.partition(".")[0] in own for error in refused.errors):
                raise
            # What a view demands beyond its own fields (a known person, a report) is not at hand here.
            self._keep(view, {**made, **own})
            return {**_declared(view, {**made, **own}), **given}
        self._keep(view, answers.values)
        return {**answers.outputs, **answers.named(node.outputs), **given}

    def _keep(self, view: View, values: Mapping[str, Any]) -> None:
        self.records.setdefault(view.form, {}).update({key: value for key, value in values.items() if key != "rows"})

    def _context(self, view: View, now: datetime, opened: datetime) -> FillContext:
        return FillContext(
            now=now, account_id=ACCOUNT, organisation_type=ORGANISATION_TYPE, task_created_at=opened,
            policies=self.around.policies, record=self.records.get(view.form, {}),
        )  # fmt: skip


def _declared(view: View, made: Mapping[str, Any]) -> dict[str, Any]:
    return {view.form: {field.key: made.get(field.key) for field in view.fields if field.is_output}}
