"""The parts of a scenario: chosen answers, absences, objectives with what is expected, injects with their triggers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

PLAYERS = ("human", "shared", "simulated")
INJECT_KINDS = ("message", "data", "outside_reply", "document", "rumour", "absence", "failure", "cue")
EXPECTATION_KINDS = ("done", "in_time", "branch", "complete", "recipient")
ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class Text:
    """A text in both languages; an own scenario may lack the English one."""

    zh: str = ""
    en: str = ""

    def text(self, locale: str) -> str:
        """The text of a locale."""
        return self.en if locale.startswith("en") and self.en else self.zh

    def to_json(self) -> dict[str, str]:
        """Both languages."""
        return {"zh": self.zh, "en": self.en}


NO_TEXT = Text()


@dataclass(frozen=True, slots=True)
class Delay:
    """How long an answer takes: exactly `mean`, or drawn around it; `spread` is that of the logarithm."""

    mean: timedelta
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a simulated role answers at one visit of an element: fields chosen, the rest is drawn.

    `after` None: the usual delay. `person` is the name of the person the visit must be about, "" = any.
    `error_rate` is the chance of a slip at the first try: an answer that the form refuses, and then again.
    """

    after: Delay | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    person: str = ""
    error_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Absence:
    """A simulated or human role that is away from one moment of the drill to another."""

    role: str
    begins: timedelta
    ends: timedelta


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something people ought to do, bound to an element of the plan.

    `kind` done: the element was passed; in_time: within `within` after `since` ("" = start of the drill), or by its
    own deadline rule where `within` is None; branch: the flow `flow` (or its target) was taken; complete: the answer
    has `fields`; recipient: `recipient` was told. At least `times`; `is_not`: it must never happen.
    """

    id: str
    element: str
    kind: str = "done"
    title: Text = NO_TEXT
    within: timedelta | None = None
    since: str = ""
    flow: str = ""
    fields: tuple[str, ...] = ()
    recipient: str = ""
    times: int = 1
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class Objective:
    """What a drill is for; people rate it, the expectations below it are decided by what happened."""

    id: str
    title: Text
    expectations: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Trigger:
    """When an inject comes. `kind` is at | after | when | unless | reserve.

    at: `offset` after the start; after: `offset` after the first completion of `element`; when: as soon as the
    expression `condition` over facts holds; unless: `offset` after the start if `element` was not completed by then;
    reserve: when the trainer sends it.
    """

    kind: str
    offset: timedelta = timedelta()
    element: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Inject:
    """An event of the master scenario events list. `to` is empty for all participants.

    The payload by `kind`: `message`, `keys`, `data` (message, outside_reply); `element`, `data` (data); `role`,
    `lasts` (absence); `system`, `lasts` (failure); `document` (document).
    """

    id: str
    kind: str
    title: Text
    text: Text
    trigger: Trigger
    to: tuple[str, ...] = ()
    sender: Text = NO_TEXT
    expects: tuple[str, ...] = ()
    message: str = ""
    keys: Mapping[str, Any] = field(default_factory=dict)
    element: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""
    system: str = ""
    lasts: timedelta | None = None
    document: Text = NO_TEXT
