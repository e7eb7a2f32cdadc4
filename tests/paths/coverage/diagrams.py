"""The deployed diagrams and their sequence flows."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from service.engine.intake import load_folder, read_bundle
from service.engine.known import Known
from service.engine.model import Bundle, Process
from service.settings import ROOT


def bundles(root: Path = ROOT / "workflows") -> Iterator[Bundle]:
    """Every bundle of the workflows folder, as deployed."""
    folders = [folder for folder in sorted(root.iterdir()) if any(folder.glob("*.bpmn"))]
    known = [folder.name for folder in folders]
    for folder in folders:
        files, decisions = load_folder(folder, decisions_dir=root / "decisions")
        bundle, findings = read_bundle(files, bundle_id=folder.name, decisions=decisions, known=Known(procedures=known))
        if bundle is None:
            raise AssertionError([finding for finding in findings if finding.severity == "error"])
        yield bundle


@cache
def processes() -> Mapping[str, Process]:
    """Every deployed process (page) by id."""
    return {process.id: process for bundle in bundles() for process in bundle.processes.values()}


def all_flows() -> set[str]:
    """Ids of all sequence flows; they are unique over the whole catalogue."""
    return {flow for process in processes().values() for flow in process.flows}
