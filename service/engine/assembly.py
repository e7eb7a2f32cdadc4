"""From our diagram model to the library's specification.

The specification is built object by object from the checked model instead of by the library's
parser: nothing it would silently ignore can be in it (trap 4), several start events cannot start
together (trap 25), long chains need no recursion (trap 18), and it holds no XML to serialise.
One assembly per bundle version is shared by all its instances; nothing may change it afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.defaults import ExclusiveGateway
from SpiffWorkflow.bpmn.specs.event_definitions.simple import (
    NoneEventDefinition,
    TerminateEventDefinition,
)
from SpiffWorkflow.specs.base import TaskSpec

from service.engine.decisions import Decision, load_decisions
from service.engine.inclusive import InclusiveJoin
from service.engine.joins import HostJoin, Join, ProcessSpec
from service.engine.model import Bundle, Flow, Kind, Node, Process, Trigger
from service.engine.specs import (
    Ending,
    EventChoice,
    FlowCondition,
    Fork,
    HeldEvent,
    Hold,
    HostEvent,
    HostSplit,
    InclusiveFork,
    Parting,
    Pass,
)
from service.engine.watching import watched_facts

NESTED = {Kind.INLINE, Kind.SUBPROCESS}
"""Activities whose inside is a scope of its own."""
HOLDING = {Kind.USER, Kind.MANUAL, Kind.SEND, Kind.RECEIVE, Kind.CALL, Kind.OPEN, *NESTED}
PASSING = {Trigger.NONE, Trigger.LINK}


def split_name(host: str) -> str:
    """Name of the library's split before a host of boundary events."""
    return f"{host}.BoundaryEventSplit"


def scope_name(process: str, parent: str) -> str:
    """Name of the specification of a page, of a sub-process on it, or of one turn of an activity."""
    return f"{process}:{parent}" if parent else process


@dataclass(frozen=True, slots=True)
class Assembly:
    """The specifications of a bundle by scope name, with what the runner looks up."""

    bundle: Bundle
    specs: Mapping[str, BpmnProcessSpec]
    decisions: Mapping[str, Decision]
    watched: Mapping[str, frozenset[str]]  # by process, see `watching`
    # What was looked up before: a step asks for the same few nodes again and again.
    _nodes: dict[tuple[str, str], Node | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    _incoming: dict[tuple[str, str], list[Flow]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _flows: dict[tuple[str, str, str], str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def process(self, scope: str) -> Process:
        """The page of a scope name."""
        return self.bundle.processes[scope.partition(":")[0]]

    def node(self, scope: str, element: str) -> Node | None:
        """The diagram's node of a task specification; None for the library's own."""
        key = (scope, element)
        if key not in self._nodes:
            self._nodes[key] = self.process(scope).nodes.get(element)
        return self._nodes[key]

    def incoming(self, scope: str, element: str) -> list[Flow]:
        """Sequence flows that enter a node, in file order; not to be changed."""
        key = (scope, element)
        if key not in self._incoming:
            self._incoming[key] = self.process(scope).incoming(element)
        return self._incoming[key]

    def flow(self, scope: str, source: str, target: str) -> str:
        """Id of the sequence flow between two nodes, "" if there is none."""
        key = (scope, source, target)
        if key not in self._flows:
            found = (flow.id for flow in self.incoming(scope, target) if flow.source == source)
            self._flows[key] = next(found, "")
        return self._flows[key]


def assemble(bundle: Bundle) -> Assembly:
    """Build all specifications of a bundle. The bundle has passed the linter."""
    specs: dict[str, BpmnProcessSpec] = {}
    for process in bundle.processes.values():
        inner = [n.id for n in process.nodes.values() if n.kind in {Kind.EVENT_SUBPROCESS, Kind.SUBPROCESS}]
        for parent in ["", *inner]:
            name = scope_name(process.id, parent)
            specs[name] = _Scope(process, parent, name).build()
        for node in process.nodes.values():
            if node.repeat and node.kind not in NESTED:
                specs[scope_name(process.id, node.id)] = _turn(process, node)
    decisions: dict[str, Decision] = {}
    for text in bundle.decisions.values():
        decisions.update(load_decisions(text))
    watched = {process: watched_facts(bundle, process) for process in bundle.processes}
    return Assembly(bundle, specs, decisions, watched)


def start_spec(assembly: Assembly, scope: str, start: str) -> BpmnProcessSpec:
    """The specification of a scope that begins at one start event only.

    With several start events the library completes them all (trap 25), so each chosen start has a
    specification of its own; the shared one of the scope is the same when there is just one.
    """
    process, parent = assembly.process(scope), scope.partition(":")[2]
    if not start:
        return assembly.specs[scope]
    starts = [n for n in process.level(parent) if n.kind is Kind.START]
    if len(starts) == 1:
        return assembly.specs[scope]
    return _Scope(process, parent, scope, only_start=start).build()


def _turn(process: Process, node: Node) -> BpmnProcessSpec:
    """One turn of a repeated activity: the activity alone, without its marker and its boundary events."""
    scope = _Scope(process, "", scope_name(process.id, node.id))
    made = scope.make(replace(node, repeat=None))
    scope.spec.start.connect(made)
    made.connect(scope.spec.end)
    return scope.spec


class _Scope:
    """Builds the specification of one page, sub-process or event sub-process."""

    def __init__(self, process: Process, parent: str, name: str, *, only_start: str = "") -> None:
        self.process = process
        self.spec = ProcessSpec(name)
        self.level = {n.id: n for n in process.level(parent) if n.kind is not Kind.EVENT_SUBPROCESS}
        self.only_start = only_start
        self.made: dict[str, TaskSpec] = {}
        self.entry: dict[str, TaskSpec] = {}
        self.splits: dict[str, InclusiveFork] = {}

    def build(self) -> BpmnProcessSpec:
        """Make every node, hang boundary events on their hosts, connect the flows."""
        for node in self.level.values():
            self.made[node.id] = self.entry[node.id] = self.make(node)
        for node in self.level.values():
            if node.kind is Kind.START and self.only_start in ("", node.id):
                self.spec.start.connect(self.made[node.id])
            if node.kind is Kind.END:
                self.made[node.id].connect(self.spec.end)
            self._host(node)
        for node in self.level.values():
            for flow in self.process.outgoing(node.id):
                self._connect(node, flow)
            for caught in self.process.links(node):
                self.made[node.id].connect(self.entry[caught.id])
        return self.spec

    def make(self, node: Node) -> TaskSpec:
        """The specification of one node, not connected yet."""
        spec, name = self.spec, node.id
        if node.repeat or node.kind in HOLDING or (node.kind is Kind.CATCH and node.trigger not in PASSING):
            return Hold(spec, name)
        if node.kind is Kind.XOR:
            return ExclusiveGateway(spec, name)
        if node.kind is Kind.AND:
            joins = len(self.process.incoming(node.id)) > 1
            return Join(spec, name) if joins else Fork(spec, name)
        if node.kind is Kind.OR:
            joins = len(self.process.incoming(node.id)) > 1
            return InclusiveJoin(spec, name) if joins else InclusiveFork(spec, name)
        if node.kind is Kind.EVENT_GATEWAY:
            return EventChoice(spec, name)
        if node.kind is Kind.BOUNDARY:
            return HostEvent(spec, name, event_definition=HeldEvent(name), cancel_activity=node.interrupting)
        if node.kind is Kind.END:
            terminates = node.trigger is Trigger.TERMINATE
            definition = TerminateEventDefinition() if terminates else NoneEventDefinition()
            return Ending(spec, name, event_definition=definition)
        return Pass(spec, name)

    def _host(self, node: Node) -> None:
        events = [n for n in self.process.boundaries(node.id) if n.id in self.level]
        if not events:
            return
        split = HostSplit(self.spec, split_name(node.id))
        join = HostJoin(self.spec, f"{node.id}.BoundaryEventJoin")
        split.connect(self.made[node.id])
        self.made[node.id].connect(join)
        for event in events:
            split.connect(self.made[event.id])
            self.made[event.id].connect(join)
        self.entry[node.id] = split

    def _connect(self, node: Node, flow: Flow) -> None:
        source, target = self.made[node.id], self.entry[flow.target]
        is_default = node.default_flow == flow.id or flow.condition is None
        if node.kind is Kind.XOR and not is_default:
            source.connect_if(FlowCondition(flow.condition or ""), target)
        elif node.kind is Kind.OR:
            self._choose(source, flow, target, is_default=is_default)
        elif node.kind is not Kind.XOR and any(each.condition is not None for each in self.process.outgoing(node.id)):
            self._choose(self._split(node), flow, target, is_default=node.default_flow == flow.id)
        else:
            source.connect(target)

    def _split(self, node: Node) -> InclusiveFork:
        """Behind an activity with conditional flows stands an inclusive fork that nobody has drawn."""
        name = f"{node.id}.Split"
        if node.id not in self.splits:
            split = Parting(self.spec, name)
            self.made[node.id].connect(split)
            self.splits[node.id] = split
        return self.splits[node.id]

    @staticmethod
    def _choose(fork: InclusiveFork, flow: Flow, target: TaskSpec, *, is_default: bool) -> None:
        has_condition = not is_default and flow.condition is not None
        fork.connect_if(FlowCondition(flow.condition or "") if has_condition else None, target)
        if is_default:
            fork.default_name = target.name
        elif not has_condition:
            fork.always.append(target.name)
