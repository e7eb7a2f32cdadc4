"""`tocsin lint` of scenario files: what their plan does not have, with line and nearest name."""

from pathlib import Path

from service.application import definitions, scenario_plans
from service.application.services import Services
from service.domain.errors import ScenarioFault, ScenarioRefused
from service.domain.scenario_files import ENDING, ScenarioFile, load
from service.engine.intake import reopen_bundle
from service.engine.model import Bundle, Finding
from service.settings import Settings

RULE = "scenario"


def scenario_findings(path: Path, settings: Settings, services: Services) -> list[Finding] | None:
    """Findings of a scenario file, or of all in a folder; None where the path is neither."""
    folder = path if path.is_dir() else path.parent
    is_folder = path.is_dir() and any(path.glob(f"*{ENDING}")) and not any(path.glob("*.bpmn"))
    if not is_folder and not (path.is_file() and path.suffix == ENDING):
        return None
    try:
        files = load(folder)
    except ScenarioRefused as refused:
        return [_finding(fault) for fault in refused.faults]
    asked = files.values() if is_folder else [files[path.stem]]
    bundles = _bundles(settings.workflows_dir)
    return [_finding(fault) for file in asked for fault in _faults(file, bundles, services)]


def _faults(file: ScenarioFile, bundles: dict[str, Bundle], services: Services) -> tuple[ScenarioFault, ...]:
    procedure = str(file.document.get("procedure") or "")
    return scenario_plans.faults_of(file, scenario_plans.of_bundles(bundles, procedure, services))


def _bundles(root: Path) -> dict[str, Bundle]:
    """The shipped procedures, as far as they can be read."""
    found = {}
    for folder in sorted(path for path in root.iterdir() if any(path.glob("*.bpmn"))):
        content = definitions.folder_content(folder, root / "decisions")
        diagrams, decisions = definitions.parts_of(content)
        bundle, _ = reopen_bundle(diagrams, bundle_id=folder.name, decisions=decisions)
        if bundle is not None:
            found[folder.name] = bundle
    return found


def _finding(fault: ScenarioFault) -> Finding:
    place = f"{fault.line} {fault.path}".strip()
    return Finding(fault.sheet, place, RULE, "error", fault.zh, fault.en)
