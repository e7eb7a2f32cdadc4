"""The deployed diagrams, and which of their sequence flows a token can reach at all.

A call to a procedure that is not there never completes, so what lies behind it cannot be visited by
any test. That set is computed here from the drawings alone and kept in `flows_not_reachable.txt`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from service.engine.intake import load_folder, read_bundle
from service.engine.model import Bundle, Flow, Kind, Node, Process, Trigger
from service.settings import ROOT

NOT_REACHABLE = ROOT / "tests" / "paths" / "flows_not_reachable.txt"
CALLS = {Kind.CALL, Kind.INLINE, Kind.OPEN}
# Facts that become true only when these elements have completed (service/application/facts.py).
FACT_NEEDS = {
    "adjust_open": ("ca_class_adjust",),
    "control_reached": ("ca_epi", "ca_contacts", "ca_terminal"),
    "control_confirmed": ("t_confirm_control",),
    "minors_isolated": ("ca_contacts",),
    "support_settled": ("ca_contacts",),
}
FACT = re.compile(r'fact\("(\w+)"\)')


def bundles(root: Path = ROOT / "workflows") -> Iterator[Bundle]:
    """Every bundle of the workflows folder, as deployed."""
    folders = [folder for folder in sorted(root.iterdir()) if any(folder.glob("*.bpmn"))]
    known = [folder.name for folder in folders]
    for folder in folders:
        files, decisions = load_folder(folder, decisions_dir=root / "decisions")
        bundle, findings = read_bundle(files, bundle_id=folder.name, known_procedures=known, decisions=decisions)
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


@cache
def entries() -> frozenset[str]:
    """Entry processes: each can be started by a person, a message or the ladder, called or not."""
    return frozenset(bundle.entry for bundle in bundles())


def not_reachable() -> set[str]:
    """Flows no token can come by, because a procedure behind a call is not there."""
    return all_flows() - _Reach(processes(), entries()).flows


class _Reach:
    """The least set of nodes and flows that follow from the start events (a fixed point)."""

    def __init__(self, pages: Mapping[str, Process], entries: frozenset[str]) -> None:
        self.pages, self.entries = pages, entries
        self.nodes: set[str] = set()  # a token can be there
        self.done: set[str] = set()  # and can leave again
        self.flows: set[str] = set()
        self.errors: set[str] = set()  # processes that can end with an error
        while self._grow():
            pass

    def _grow(self) -> bool:
        before = (len(self.nodes), len(self.done), len(self.flows), len(self.errors))
        for page in self.pages.values():
            for node in page.nodes.values():
                if self._is_entered(page, node):
                    self.nodes.add(node.id)
                if node.id in self.nodes and self._completes(node):
                    self.done.add(node.id)
                    self._note_error(page, node)
            self.flows.update(flow.id for flow in page.flows.values() if self._is_taken(page, flow))
        return before != (len(self.nodes), len(self.done), len(self.flows), len(self.errors))

    def _note_error(self, page: Process, node: Node) -> None:
        if node.kind is Kind.END and node.trigger is Trigger.ERROR:
            self.errors.add(page.id)

    def _is_entered(self, page: Process, node: Node) -> bool:
        if node.kind is Kind.BOUNDARY:
            host = page.nodes[node.attached_to]
            return host.id in self.nodes and (node.trigger is not Trigger.ERROR or host.called in self.errors)
        if node.kind is Kind.START:
            return self._is_running(page)
        incoming = [flow.id in self.flows for flow in page.incoming(node.id)]
        return bool(incoming) and (all(incoming) if node.kind is Kind.AND else any(incoming))

    def _is_running(self, page: Process) -> bool:
        callers = (node for other in self.pages.values() for node in other.nodes.values() if node.called == page.id)
        return page.id in self.entries or any(node.id in self.nodes for node in callers)

    def _completes(self, node: Node) -> bool:
        if node.kind in CALLS:
            page = self.pages.get(node.called)
            return page is not None and any(
                end.id in self.done and end.trigger is not Trigger.ERROR for end in page.level() if end.kind is Kind.END
            )
        return self._can_hold(node.condition)

    def _can_hold(self, condition: str | None) -> bool:
        if condition is None or " or " in condition:
            return True
        named = FACT.findall(condition)
        return all(self._is_done(element) for fact in named for element in FACT_NEEDS.get(fact, ()))

    def _is_done(self, element: str) -> bool:
        return element in self.done

    def _is_taken(self, page: Process, flow: Flow) -> bool:
        behind = page.nodes[flow.target]
        if page.nodes[flow.source].kind is Kind.EVENT_GATEWAY and not self._can_hold(behind.condition):
            return False
        return flow.source in self.done and self._can_hold(flow.condition)
