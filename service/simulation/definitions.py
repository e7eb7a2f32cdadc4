"""The definitions of a simulation: every executable process of the given files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from service.engine.assembly import Assembly, assemble
from service.engine.intake import read_bundle
from service.engine.intake_processes import process_elements
from service.engine.intake_xml import BPMN, read_xml
from service.engine.known import Known
from service.engine.model import Finding, Kind, Process, Trigger
from service.simulation.surroundings import Surroundings


class Refused(Exception):
    """The linter refuses the files."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("refused")
        self.findings = findings


@dataclass(frozen=True)
class Definitions:
    """One assembly of all pages; `entry` is the process that begins."""

    assembly: Assembly
    entry: str

    @property
    def processes(self) -> Mapping[str, Process]:
        """All pages by process id."""
        return self.assembly.bundle.processes

    def first_start(self, process: str) -> str:
        """The start event of a process when nothing chooses one: a plain one before others."""
        starts = [node for node in self.processes[process].level() if node.kind is Kind.START]
        return min(starts, key=lambda node: node.trigger is not Trigger.NONE).id

    def message_start(self, message: str) -> tuple[str, str] | None:
        """Process and start event that a message begins; None if it begins nothing."""
        for process in self.processes.values():
            for node in process.level():
                if node.kind is Kind.START and node.trigger is Trigger.MESSAGE and node.message == message:
                    return process.id, node.id
        return None

    def signal_starts(self, signal: str) -> list[tuple[str, str]]:
        """Processes and start events that a signal begins."""
        return [
            (process.id, node.id)
            for process in self.processes.values()
            for node in process.level()
            if node.kind is Kind.START and node.trigger is Trigger.SIGNAL and node.signal == signal
        ]

    def expects(self, message: str) -> bool:
        """Whether some node waits for a message of this name."""
        nodes = [node for process in self.processes.values() for node in process.nodes.values()]
        return any(node.message == message and node.kind is not Kind.THROW for node in nodes)


def read_definitions(
    files: Mapping[str, bytes], process: str, names: Collection[str], around: Surroundings
) -> Definitions:
    """Lint and assemble the files.

    Args:
        files: Diagrams and decision tables by file name.
        process: The process to begin with; "" for the first that no other one calls.
        names: Names that are given as inputs.
        around: What the linter knows of the world.

    Raises:
        Refused: With the findings, if one is an error.
    """
    diagrams = {name: content for name, content in files.items() if not name.endswith(".dmn")}
    tables = {name.removesuffix(".dmn"): text.decode("utf-8") for name, text in files.items() if name.endswith(".dmn")}
    entry = process or _entry(diagrams)
    known = Known(
        procedures=_Anything(), view_exists=around.forms.has, certain_fields=around.forms.certain_fields,
        deadlines=around.rules, policies=around.policies, names=names,
    )  # fmt: skip
    bundle, findings = read_bundle(
        diagrams, bundle_id=entry, decisions={**around.decisions, **tables}, known=known
    )  # fmt: skip
    if bundle is None:
        raise Refused(findings)
    return Definitions(assemble(bundle), entry)


class _Anything(Collection[str]):
    """A call of a procedure that is not at hand is found out when a token reaches it."""

    def __contains__(self, _name: object) -> bool:
        return True

    def __iter__(self) -> "_Anything":
        return self

    def __next__(self) -> str:
        raise StopIteration

    def __len__(self) -> int:
        return 0


def _entry(diagrams: Mapping[str, bytes]) -> str:
    """The first executable process that no other one calls; the first one if all are called."""
    ids: list[str] = []
    called: set[str] = set()
    for name, content in diagrams.items():
        root, _findings = read_xml(name, content)
        if root is not None:
            ids += [each.get("id") or "" for each in process_elements(root) if each.get("isExecutable") != "false"]
            called |= {each.get("calledElement") or "" for each in root.iter(f"{{{BPMN}}}callActivity")}
    return next((each for each in ids if each not in called), ids[0] if ids else "")
