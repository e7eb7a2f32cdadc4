"""The bare library, as anybody would use it by its manual: the other half of every trap test."""

from collections.abc import Iterable
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.specs.event_definitions import MessageEventDefinition, SignalEventDefinition
from SpiffWorkflow.bpmn.util.event import BpmnEvent
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

__all__ = ["BpmnEvent", "MessageEventDefinition"]

HEAD = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">'
TAIL = '<signal id="sig" name="ping"/><message id="msg" name="ping"/></definitions>'


def process(nodes: str, flows: Iterable[str], more: str = "") -> str:
    """A process from its nodes; flows are written `a b` or `a b = python`."""
    lines = []
    for text in flows:
        ends, _, condition = text.partition("=")
        source, target = ends.split()
        inner = f"<conditionExpression>{condition.strip()}</conditionExpression>" if condition else ""
        lines.append(
            f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'
        )
    return f'{HEAD}<process id="p" isExecutable="true">{more}{nodes}{"".join(lines)}</process>{TAIL}'


def specs(xml: str) -> tuple[Any, Any]:
    """The specification of `p` and those of its sub-processes."""
    parser = BpmnParser()
    parser.add_bpmn_xml(etree.fromstring(xml))
    return parser.get_spec("p"), parser.get_subprocess_specs("p")


def run(xml: str) -> BpmnWorkflow:
    """A workflow that has moved as far as it can."""
    workflow = BpmnWorkflow(*specs(xml))
    workflow.do_engine_steps()
    return workflow


def ready(workflow: BpmnWorkflow) -> list[str]:
    """Names of the tasks somebody could do now."""
    return sorted(task.task_spec.name for task in workflow.get_tasks(state=TaskState.READY))


def complete(workflow: BpmnWorkflow, name: str, **data: object) -> None:
    """Do a task."""
    task = workflow.get_next_task(spec_name=name, state=TaskState.READY)
    task.data.update(data)
    task.run()
    workflow.do_engine_steps()


def ping(workflow: BpmnWorkflow) -> None:
    """Send the signal."""
    workflow.catch(BpmnEvent(SignalEventDefinition("ping")))
    workflow.do_engine_steps()


def timer(kind: str, text: str) -> str:
    """An intermediate timer event before a user task; `kind` is timeDate, timeDuration or timeCycle."""
    event = f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"
    nodes = f'<startEvent id="s"/><intermediateCatchEvent id="t">{event}</intermediateCatchEvent><userTask id="u"/>'
    return process(f'{nodes}<endEvent id="e"/>', ["s t", "t u", "u e"])
