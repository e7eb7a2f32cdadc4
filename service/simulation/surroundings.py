"""What a simulated definition finds around it: forms, policy values, deadline rules, decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.domain.deadlines import DeadlineRule, load_rules
from service.domain.forms import FormLibrary
from service.domain.policies import PolicyCatalogue, typed
from service.domain.policy_overrides import snapshot
from service.engine.intake import decision_files
from service.settings import Settings

ORGANISATION_TYPE = "school"


@dataclass(frozen=True)
class Surroundings:
    """Policies are the catalogue's defaults for a school, typed."""

    forms: FormLibrary
    policies: Mapping[str, Any]
    rules: Mapping[str, DeadlineRule]
    decisions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, settings: Settings) -> "Surroundings":
        """Read the shipped catalogues."""
        root = settings.workflows_dir
        catalogue = PolicyCatalogue.load(root / "policies.yaml")
        return cls(
            forms=FormLibrary.load(settings.forms_dir),
            policies=typed(catalogue, snapshot(catalogue, ORGANISATION_TYPE, [])),
            rules=load_rules(root / "deadlines.yaml"),
            decisions=decision_files(root / "decisions"),
        )


def read_files(path: Path) -> dict[str, bytes]:
    """The diagrams of a file or a folder, with the decision tables beside them.

    Raises:
        OSError: There is no such file.
    """
    if path.is_dir():
        return {each.name: each.read_bytes() for each in sorted(path.iterdir()) if each.suffix in {".bpmn", ".dmn"}}
    tables = {each.name: each.read_bytes() for each in sorted(path.parent.glob("*.dmn"))}
    return {path.name: path.read_bytes(), **tables}
