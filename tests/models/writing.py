"""A model as BPMN files: the bundle `sample`, one file per page.

Process data are the numbers v0 to v3, which scripts and tasks change and conditions read; facts are
`cases` and `any_positive`. Each loop counts its turns in a name of its own. The names w0 to w2 are there only once
a script has set them; some who read them ask first, some do not, and then the linter may have to refuse the model.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

from tests.models.blocks import Block, Model, Shape

NAMES: Final = ("v0", "v1", "v2", "v3")
LATER: Final = ("w0", "w1")
FACTS: Final = ("cases", "any_positive")
BUNDLE: Final = "sample"

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:tocsin="https://tocsin.example/bpmn/1.0" id="definitions_{0}" targetNamespace="https://tocsin.example/m">\n'
    '<bpmn:message id="m_hello" name="hello" /><bpmn:signal id="s_ping" name="ping" />'
    '<bpmn:escalation id="x_more" name="more" escalationCode="more" />'
    '<bpmn:error id="e_failed" name="failed" errorCode="failed" />\n'
)
_TAGS: Final = {
    "user": "userTask", "manual": "manualTask", "receive": "receiveTask", "send": "sendTask", "phone": "sendTask",
    "service": "serviceTask", "script": "scriptTask", "sets": "scriptTask", "asks": "scriptTask", "reads": "scriptTask",
}  # fmt: skip
_EXTRA: Final = {
    "user": ' tocsin:form="F00#done"', "receive": ' messageRef="m_hello"', "send": ' tocsin:channel="auto"',
    "phone": ' tocsin:channel="phone" tocsin:form="F00#send"',
}  # fmt: skip
_DEFINITIONS: Final = {
    "date": '<bpmn:timerEventDefinition><bpmn:timeDate>=now() + duration(3, "hours")</bpmn:timeDate>'
            "</bpmn:timerEventDefinition>",
    "duration": "<bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>",
    "cycle": "<bpmn:timerEventDefinition><bpmn:timeCycle>R3/PT40M</bpmn:timeCycle></bpmn:timerEventDefinition>",
    "message": '<bpmn:messageEventDefinition messageRef="m_hello" />',
    "signal": '<bpmn:signalEventDefinition signalRef="s_ping" />',
    "error": '<bpmn:errorEventDefinition errorRef="e_failed" />',
    "escalation": '<bpmn:escalationEventDefinition escalationRef="x_more" />',
    "terminate": "<bpmn:terminateEventDefinition />",
    "conditional": '<bpmn:conditionalEventDefinition><bpmn:condition>=fact("any_positive")</bpmn:condition>'
                   "</bpmn:conditionalEventDefinition>",
    "none": "",
}  # fmt: skip

_MARKS: Final = {
    "loop": '<bpmn:standardLoopCharacteristics loopMaximum="2"><bpmn:loopCondition xsi:type="bpmn:tFormalExpression">'
            "=v0 &gt; 0</bpmn:loopCondition></bpmn:standardLoopCharacteristics>",
    "par": '<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality xsi:type="bpmn:tFormalExpression">2'
           "</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>",
    "seq": '<bpmn:multiInstanceLoopCharacteristics isSequential="true"><bpmn:loopCardinality'
           ' xsi:type="bpmn:tFormalExpression">2</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>',
}  # fmt: skip

Ends = tuple[str, str]  # first and last node of a written block; "" where nothing follows


def write(model: Model) -> dict[str, bytes]:
    """Files by name; the entry process is `sample`."""
    writer = Writer()
    page = writer.page(BUNDLE)
    page.whole(model.main, "start")
    for number, (trigger, handler) in enumerate(model.events):
        page.event_subprocess(f"sp{number}", trigger, handler)
    return {f"{each.id}.bpmn": each.text().encode() for each in writer.pages}


@dataclass
class Writer:
    """The pages written so far; ids are counted over all of them."""

    pages: list["Page"] = field(default_factory=list)
    count: int = 0

    def page(self, id_: str) -> "Page":
        """A new page."""
        made = Page(id_, self)
        self.pages.append(made)
        return made

    def next(self, letter: str) -> str:
        """A new id."""
        self.count += 1
        return f"{letter}{self.count}"


@dataclass
class Page:
    """One page: lines of its nodes and flows."""

    id: str
    writer: Writer
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The file."""
        facts = f"<bpmn:extensionElements><tocsin:facts>{' '.join(FACTS)}</tocsin:facts></bpmn:extensionElements>"
        body = "\n".join(self.lines)
        head = f'<bpmn:process id="{self.id}" isExecutable="true">{facts}'
        return f"{_HEAD.format(self.id)}{head}\n{body}\n</bpmn:process>\n</bpmn:definitions>\n"

    # --- pieces -----------------------------------------------------------------------------------

    def node(self, tag: str, *, letter: str = "n", attributes: str = "", inside: str = "") -> str:
        """A node; its id."""
        id_ = self.writer.next(letter)
        self.lines.append(f'<bpmn:{tag} id="{id_}" tocsin:role="nurse"{attributes}>{inside}</bpmn:{tag}>')
        return id_

    def flow(self, source: str, target: str, condition: str = "") -> str:
        """A sequence flow; its id."""
        id_, text = f"{source}_{target}", ""
        if condition:
            text = f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">={escape(condition)}'
            text += "</bpmn:conditionExpression>"
        self.lines.append(f'<bpmn:sequenceFlow id="{id_}" sourceRef="{source}" targetRef="{target}">{text}'
                          "</bpmn:sequenceFlow>")  # fmt: skip
        return id_

    def default(self, gateway: str, flow: str) -> None:
        """Make a flow the default of a gateway that is written already."""
        index = next(n for n, line in enumerate(self.lines) if f' id="{gateway}" ' in line)
        self.lines[index] = self.lines[index].replace(f' id="{gateway}" ', f' id="{gateway}" default="{flow}" ', 1)

    def condition(self) -> str:
        """A condition on process data; which one only depends on how much is written already."""
        limit = self.writer.count // 4 % 3
        if self.writer.count % 5 == 0:
            later = LATER[self.writer.count % 2]
            return f"given({later}) and {later} > {limit}"
        return f"{NAMES[self.writer.count % 4]} > {limit}"

    # --- whole scopes -----------------------------------------------------------------------------

    def whole(self, block: Block, start_tag_id: str, *, attributes: str = "", trigger: str = "none") -> None:
        """Start, block, end."""
        start = self.node("startEvent", letter=start_tag_id, attributes=attributes, inside=_DEFINITIONS[trigger])
        first, last = self.block(block)
        self.flow(start, first)
        self.close(last)

    def close(self, last: str) -> None:
        """An end event behind a block that has a way out."""
        if last:
            self.flow(last, self.node("endEvent", letter="end"))

    def event_subprocess(self, id_: str, trigger: str, handler: Block) -> None:
        """An event sub-process with its own start."""
        self.lines.append(f'<bpmn:subProcess id="{id_}" triggeredByEvent="true">')
        flag = "true" if trigger.endswith("!") else "false"
        self.whole(handler, "start", attributes=f' isInterrupting="{flag}"', trigger=trigger.rstrip("!"))
        self.lines.append("</bpmn:subProcess>")

    # --- blocks -----------------------------------------------------------------------------------

    def block(self, block: Block) -> Ends:
        """Write a block; its first and last node."""
        made: Ends = getattr(self, f"_{block.shape.value}")(block)
        return made

    def _task(self, block: Block) -> Ends:
        inside = ""
        name, later = NAMES[self.writer.count % 4], LATER[self.writer.count % 2]
        scripts = {
            "script": f"{name} = {name} + 1", "sets": f"{later} = {self.writer.count % 3}",
            "asks": f"{name} = {later} if given({later}) else 0", "reads": f"{name} = {later}",
        }  # fmt: skip
        if block.how in scripts:
            inside = f"<bpmn:script>{scripts[block.how]}</bpmn:script>"
        elif block.how in {"user", "receive"}:
            inside = f"<bpmn:extensionElements><tocsin:outputs>{NAMES[self.writer.count % 4]}</tocsin:outputs>"
            inside += "</bpmn:extensionElements>"
        made = self.node(_TAGS[block.how], attributes=_EXTRA.get(block.how, ""), inside=inside)
        return made, made

    def _catch(self, block: Block) -> Ends:
        made = self.node("intermediateCatchEvent", inside=_DEFINITIONS[block.how])
        return made, made

    def _throw(self, block: Block) -> Ends:
        made = self.node("intermediateThrowEvent", inside=_DEFINITIONS[block.how])
        return made, made

    def _sequence(self, block: Block) -> Ends:
        ends = [self.block(part) for part in block.parts]
        for (_, last), (first, _) in pairwise(ends):
            self.flow(last, first)
        return ends[0][0], ends[-1][1]

    def _stop(self, block: Block) -> Ends:
        return self.node("endEvent", letter="end", inside=_DEFINITIONS[block.how]), ""

    def _branches(self, block: Block, gateway: str, join_tag: str, *, is_decided: bool) -> str:
        """Write the branches between two gateways; the closing one, "" if no branch reaches it."""
        ends = [self.block(part) for part in block.parts]
        for number, (first, _) in enumerate(ends):
            is_default = is_decided and number == len(ends) - 1
            flow = self.flow(gateway, first, self.condition() if is_decided and not is_default else "")
            if is_default:
                self.default(gateway, flow)
        lasts = [last for _, last in ends if last]
        if not lasts:
            return ""
        closing = self.node(join_tag)
        for last in lasts:
            self.flow(last, closing)
        return closing

    def _choice(self, block: Block) -> Ends:
        gateway = self.node("exclusiveGateway")
        return gateway, self._branches(block, gateway, "exclusiveGateway", is_decided=True)

    def _fork(self, block: Block) -> Ends:
        gateway = self.node("parallelGateway")
        return gateway, self._branches(block, gateway, "parallelGateway", is_decided=False)

    def _some(self, block: Block) -> Ends:
        gateway = self.node("inclusiveGateway")
        return gateway, self._branches(block, gateway, "inclusiveGateway", is_decided=True)

    def _race(self, block: Block) -> Ends:
        gateway = self.node("eventBasedGateway")
        caught = (
            Block(Shape.TASK, how="receive") if trigger == "receive" else Block(Shape.CATCH, how=trigger)
            for trigger in block.triggers
        )
        led = tuple(Block(Shape.SEQUENCE, pair) for pair in zip(caught, block.parts, strict=True))
        return gateway, self._branches(Block(Shape.CHOICE, led), gateway, "exclusiveGateway", is_decided=False)

    def _loop(self, block: Block) -> Ends:
        turn = self.writer.next("k")
        before = self.node("scriptTask", inside=f"<bpmn:script>{turn} = 0</bpmn:script>")
        merge = self.node("exclusiveGateway")
        first, last = self.block(block.parts[0])
        wait = self.node("userTask", attributes=_EXTRA["user"])
        count = self.node("scriptTask", inside=f"<bpmn:script>{turn} = {turn} + 1</bpmn:script>")
        again = self.node("exclusiveGateway")
        for source, target in ((before, merge), (merge, first), (last, wait), (wait, count), (count, again)):
            self.flow(source, target)
        self.flow(again, merge, f"{turn} < {block.how}")
        after = self.node("intermediateThrowEvent")
        self.default(again, self.flow(again, after))
        return before, after

    def _page(self, block: Block) -> Ends:
        page = self.writer.page(self.writer.next("page"))
        page.whole(block.parts[0], "start")
        made = self.node("callActivity", attributes=f' calledElement="{page.id}"')
        return made, made

    def _child(self, _block: Block) -> Ends:
        made = self.node("callActivity", attributes=' calledElement="other"')
        return made, made

    def _sub(self, block: Block) -> Ends:
        id_ = self.writer.next("n")
        self.lines.append(f'<bpmn:subProcess id="{id_}" tocsin:role="nurse">')
        self.whole(block.parts[0], "start")
        for trigger, handler in zip(block.triggers, block.parts[1:], strict=True):
            self.event_subprocess(self.writer.next("sp"), trigger, handler)
        self.lines.append("</bpmn:subProcess>")
        return id_, id_

    def _turns(self, block: Block) -> Ends:
        made, _ = self.block(block.parts[0])
        index = next(n for n, line in enumerate(self.lines) if f' id="{made}" ' in line)
        line = self.lines[index]
        kept = line.index(">") + 1
        if line[kept:].startswith("<bpmn:extensionElements>"):
            kept = line.index("</bpmn:extensionElements>") + len("</bpmn:extensionElements>")
        self.lines[index] = line[:kept] + _MARKS[block.how] + line[kept:]
        return made, made

    def _jump(self, _block: Block) -> Ends:
        inside = f'<bpmn:linkEventDefinition name="{self.writer.next("L")}" />'
        return self.node("intermediateThrowEvent", inside=inside), self.node("intermediateCatchEvent", inside=inside)

    def _raise(self, _block: Block) -> Ends:
        made = self.node("intermediateThrowEvent", inside=_DEFINITIONS["escalation"])
        return made, made

    def _guarded(self, block: Block) -> Ends:
        host, last = self.block(block.parts[0])
        merge = self.node("exclusiveGateway") if block.how == "merge" else ""
        for trigger, handler in zip(block.triggers, block.parts[1:], strict=True):
            interrupts = trigger.endswith("!")
            event = self.node(
                "boundaryEvent", attributes=f' attachedToRef="{host}" cancelActivity="{str(interrupts).lower()}"',
                inside=_DEFINITIONS[trigger.rstrip("!")],
            )  # fmt: skip
            first, end = self.block(handler)
            self.flow(event, first)
            if interrupts and merge:
                self.flow(end, merge)
            else:
                self.close(end)
        if merge:
            self.flow(last, merge)
        return host, merge or last
