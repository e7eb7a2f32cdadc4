"""Our extension namespace: which attribute and element may stand where.

A misspelt or misplaced extension would have no effect, so every one that is not listed is
refused. The list agrees with `workflows/tocsin-bpmn.xsd`.
"""

from collections.abc import Mapping
from typing import Final

from service.engine.vocabulary import NODES

HUMAN: Final = frozenset({"userTask", "manualTask", "sendTask", "receiveTask"})
_CATCHING: Final = frozenset({"startEvent", "intermediateCatchEvent", "boundaryEvent"})
_NAMED: Final = frozenset({"process", "participant", "messageFlow", "lane", "sequenceFlow"})
_SHARED: Final = frozenset(
    {"collaboration", "message", "signal", "error", "textAnnotation", "group", "dataObjectReference"}
)

ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "role": NODES | {"lane", "participant"},
    "also": NODES | {"lane"},
    "channel": frozenset({"sendTask"}),
    "form": HUMAN | _CATCHING,
    "decision": frozenset({"businessRuleTask"}),
    "open": frozenset({"callActivity"}),
    "edge": frozenset({"startEvent"}),
    "listed": _CATCHING,
    "each": frozenset({"intermediateThrowEvent", "businessRuleTask"}),
    "label-en": NODES | _NAMED | _SHARED,
    "cite": NODES | _NAMED | _SHARED,
}
"""Extension attributes and the BPMN elements that may carry them."""

ELEMENTS: Final[Mapping[str, frozenset[str]]] = {
    "facts": frozenset({"process"}),
    "needs": frozenset({"process"}),
    "inputs": frozenset({"callActivity", "businessRuleTask", "intermediateThrowEvent"}),
    "outputs": NODES,
    "deadline": NODES,
}
"""Extension elements and the BPMN elements whose `extensionElements` may hold them."""

CONTENT: Final[Mapping[str, frozenset[str]]] = {
    "facts": frozenset(),
    "needs": frozenset(),
    "inputs": frozenset(),
    "input": frozenset({"name", "value"}),
    "outputs": frozenset(),
    "deadline": frozenset({"rule", "act", "on", "subject", "start", "each", "when"}),
}
"""Attributes of the extension elements themselves."""

VALUES: Final[Mapping[str, frozenset[str]]] = {
    "open": frozenset({"true", "false"}),
    "edge": frozenset({"rising", "each", "once"}),
}
"""Values of extension attributes that know only a few."""

ENGINE_VENDORS: Final = (
    "http://camunda.org/schema/1.0/bpmn",
    "http://camunda.org/schema/zeebe/1.0",
    "http://activiti.org/bpmn",
    "http://flowable.org/bpmn",
    "http://www.jboss.org/drools",
    "http://www.signavio.com",
    "http://spiffworkflow.org/bpmn/schema/1.0/core",
    "http://xml.oracle.com",
    "http://www.ibm.com",
)
"""Namespaces of other engines: what stands in them tells an engine what to do."""

VENDOR_NOTES: Final = frozenset(
    {
        "versionTag",
        "property",
        "properties",
        "modelerTemplate",
        "modelerTemplateVersion",
        "modelerTemplateIcon",
        "diagramRelationId",
    }
)
"""Names in those namespaces that are notes only."""

COLOURS: Final = frozenset(
    {"http://bpmn.io/schema/bpmn/biocolor/1.0", "http://www.omg.org/spec/BPMN/non-normative/color/1.0"}
)
"""Namespaces of shape colours, which every modeller writes; kept without a remark."""
