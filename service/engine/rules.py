"""The linter's rule book: every rule with its name, severity, sentence and reason.

The texts stand in `lint_rules.yaml`, so that whoever improves a sentence touches no code. Each
refusal of the intake carries the name of one of these rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from service.engine.model import Finding

ERROR: Final = "error"
WARNING: Final = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `zh` and `en` are templates whose gaps a finding fills in.

    The sentence says what is wrong and what to draw instead; `why` and `why_en` are for the rule
    list only: the reason the engine insists.
    """

    name: str
    severity: str
    zh: str
    en: str
    why: str
    why_en: str


def _load(path: Path) -> dict[str, Rule]:
    entries: Mapping[str, Mapping[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: Rule(**{"name": name, "severity": ERROR, **entry}) for name, entry in entries.items()}


RULES: Final[Mapping[str, Rule]] = _load(Path(__file__).with_name("lint_rules.yaml"))


@dataclass(frozen=True, slots=True)
class Both:
    """A value that reads differently in the two languages; as text it is the Chinese one."""

    zh: str
    en: str

    def __str__(self) -> str:
        """The Chinese text."""
        return self.zh


def finding(name: str, file: str, element: str = "", /, **values: object) -> Finding:
    """A finding of the rule `name`; `values` fill the gaps of both sentences.

    A value with an attribute `en` (as `Both` has) gives that to the English sentence.

    Raises:
        KeyError: there is no such rule, or a gap has no value; both are slips of ours.
    """
    rule = RULES[name]
    # str.format looks at the template only: braces inside a value stay as they are.
    return Finding(
        file=file,
        element=element,
        rule=rule.name,
        severity=rule.severity,
        message=rule.zh.format_map({key: str(value) for key, value in values.items()}),
        message_en=rule.en.format_map({key: str(getattr(value, "en", value)) for key, value in values.items()}),
    )


def has_errors(findings: list[Finding]) -> bool:
    """Whether any finding forbids deployment."""
    return any(item.severity == ERROR for item in findings)
