"""What a diagram says, in our own words: the frozen result of intake.

Intake reads and checks the XML once and produces a `Bundle`; linter, assembly, runner and
drawing all work on it and never on the XML. Names are BPMN's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The kind of a flow node, after the calls are told apart."""

    USER = "user"
    MANUAL = "manual"
    SERVICE = "service"
    SEND = "send"
    RECEIVE = "receive"
    RULE = "rule"
    SCRIPT = "script"
    CALL = "call"  # call activity to another procedure: a child instance
    INLINE = "inline"  # call activity to a page of the same bundle: same instance
    OPEN = "open"  # call activity over an open collection: one child per row
    SUBPROCESS = "subprocess"  # embedded
    EVENT_SUBPROCESS = "event_subprocess"
    XOR = "xor"
    AND = "and"
    OR = "or"
    EVENT_GATEWAY = "event_gateway"
    START = "start"
    END = "end"
    CATCH = "catch"
    THROW = "throw"
    BOUNDARY = "boundary"


class Trigger(StrEnum):
    """The event definition of an event; `NONE` for everything else."""

    NONE = "none"
    DATE = "date"
    DURATION = "duration"
    CYCLE = "cycle"
    MESSAGE = "message"
    SIGNAL = "signal"
    ERROR = "error"
    ESCALATION = "escalation"
    CONDITIONAL = "conditional"
    TERMINATE = "terminate"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow. `condition` is expression text without the leading `=`."""

    id: str
    source: str
    target: str
    condition: str | None = None
    name: str = ""
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class DeadlineMark:
    """What a node does to a deadline row (`tocsin:deadline`).

    `act` is start, bind (the task shows this due time), meet or cancel; `on` is enter or
    complete. `rule`, `subject` and `start` hold text, or an expression if they begin with `=`.
    `each` names a fact list: one row per item, the item is the subject. `when` is an expression.
    """

    rule: str
    act: str
    on: str = "complete"
    subject: str = ""
    start: str = "=now()"
    each: str = ""
    when: str = ""


class Turns(StrEnum):
    """How often an activity is done, and in which order."""

    LOOP = "loop"
    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"


@dataclass(frozen=True, slots=True)
class Repeat:
    """The marker of a looped or multi-instance activity; conditions are without the leading `=`.

    `limit` is the most turns of a loop, or how many instances; a number or an expression with `=`.
    `collection` is the name of a list instead, whose items each turn sees as `item`; what a turn
    leaves in `output_item` stands in the list `output` at the place of its item.
    """

    turns: Turns
    condition: str = ""
    is_tested_before: bool = False
    limit: str = ""
    collection: str = ""
    item: str = ""
    output: str = ""
    output_item: str = ""
    completion: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One flow node; text that begins with `=` is an expression, other text a literal."""

    id: str
    kind: Kind
    trigger: Trigger = Trigger.NONE
    name: str = ""
    name_en: str = ""
    role: str = ""
    also: tuple[str, ...] = ()
    lane: str = ""
    form: str = ""  # view, e.g. "F05#depart"
    channel: str = ""  # auto | phone | manual, or an expression
    decision: str = ""  # id of a DMN decision
    deadlines: tuple[DeadlineMark, ...] = ()
    called: str = ""  # process id of a call activity
    collection: str = ""  # fact list of an open collection
    completion: str = ""  # expression: an open collection may end (besides: all children ended)
    timer: str = ""
    condition: str = ""  # of a conditional event, without the leading `=`
    edge: str = "rising"  # conditional event sub-process: rising | each | once
    message: str = ""
    listed: str = ""  # expression: a message event is offered in the Actions menu only while true
    signal: str = ""
    error_code: str = ""
    escalation_code: str = ""
    link: str = ""
    script: str = ""
    attached_to: str = ""
    interrupting: bool = True
    default_flow: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    each: str = ""  # throw event: one throw per item of this fact list
    repeat: Repeat | None = None
    parent: str = ""  # id of the enclosing sub-process, "" at process level
    documentation: str = ""
    cite: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One executable process (a page)."""

    id: str
    name: str
    name_en: str
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    facts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # names whoever starts it from outside has to give
    lanes: Mapping[str, str] = field(default_factory=dict)  # lane id -> role id
    pool: str = ""
    file: str = ""
    closed: frozenset[str] = frozenset()  # event sub-processes whose inside is drawn on a sheet of its own

    def outgoing(self, node_id: str) -> list[Flow]:
        """Sequence flows that leave a node, in file order."""
        return [flow for flow in self.flows.values() if flow.source == node_id]

    def incoming(self, node_id: str) -> list[Flow]:
        """Sequence flows that enter a node, in file order."""
        return [flow for flow in self.flows.values() if flow.target == node_id]

    def boundaries(self, node_id: str) -> list[Node]:
        """Boundary events attached to a node."""
        return [node for node in self.nodes.values() if node.attached_to == node_id]

    def links(self, node: Node) -> list[Node]:
        """Where a thrown link goes on: the catching events of its name on the same level."""
        if node.kind is not Kind.THROW or node.trigger is not Trigger.LINK:
            return []
        level = self.level(node.parent)
        return [n for n in level if n.kind is Kind.CATCH and n.trigger is Trigger.LINK and n.link == node.link]

    def following(self, node_id: str) -> list[str]:
        """Nodes a token at a node may be at next: flows, links, and the boundary events attached to it."""
        node = self.nodes[node_id]
        targets = [flow.target for flow in self.outgoing(node_id)]
        targets += [each.id for each in (*self.links(node), *self.boundaries(node_id))]
        return targets

    def level(self, parent: str = "") -> list[Node]:
        """Nodes directly inside a sub-process, or of the process itself."""
        return [node for node in self.nodes.values() if node.parent == parent]

    def sheet(self, node_id: str) -> str:
        """The closed event sub-process on whose sheet a node is drawn, "" for the page itself."""
        parent = self.nodes[node_id].parent
        while parent and parent not in self.closed:
            parent = self.nodes[parent].parent
        return parent


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is deployed together: pages by process id, decision sources by decision id.

    `entry` is the process that carries the bundle's name; `files` maps a file name to its text
    as uploaded, which is what the API gives back.
    """

    id: str
    hash: str
    entry: str
    processes: Mapping[str, Process]
    decisions: Mapping[str, str]
    files: Mapping[str, str]

    def node(self, element: str) -> Node | None:
        """The node of an id, on whichever page it is."""
        return next((page.nodes[element] for page in self.processes.values() if element in page.nodes), None)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of the linter; `severity` is error or warning.

    A finding about the token game has the way there: `path` are the nodes that fired in order,
    `tokens` where the tokens are then (a sequence flow, or `@` and the activity they are in).
    """

    file: str
    element: str
    rule: str
    severity: str
    message: str
    message_en: str
    path: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
