"""The vocabulary of BPMN as the engine runs it: an allow-list, and a name for what is refused.

Whatever is not listed here is refused, never ignored.
"""

from collections.abc import Mapping
from typing import Final

EVENTS: Final = frozenset(
    {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"}
)
TASKS: Final = frozenset(
    {
        "userTask",
        "manualTask",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "businessRuleTask",
        "scriptTask",
        "callActivity",
    }
)
GATEWAYS: Final = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"})
NODES: Final = EVENTS | TASKS | GATEWAYS | {"subProcess"}

DEFINITIONS: Final = frozenset(
    {
        "messageEventDefinition",
        "signalEventDefinition",
        "timerEventDefinition",
        "errorEventDefinition",
        "conditionalEventDefinition",
        "terminateEventDefinition",
        "escalationEventDefinition",
        "linkEventDefinition",
    }
)

EXPRESSIONS: Final = frozenset(
    {
        "conditionExpression",
        "condition",
        "completionCondition",
        "loopCondition",
        "loopCardinality",
        "timeDate",
        "timeDuration",
        "timeCycle",
    }
)

_ANY: Final = frozenset({"id", "name"})
_ACTIVITY: Final = _ANY | {"default", "isForCompensation", "startQuantity", "completionQuantity"}
_GATEWAY: Final = _ANY | {"gatewayDirection"}
_CATCH: Final = _ANY | {"parallelMultiple"}

ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "definitions": _ANY | {"targetNamespace", "exporter", "exporterVersion", "expressionLanguage", "typeLanguage"},
    "process": _ANY | {"isExecutable", "processType", "isClosed"},
    "subProcess": _ACTIVITY | {"triggeredByEvent"},
    "userTask": _ACTIVITY | {"implementation"},
    "manualTask": _ACTIVITY,
    "serviceTask": _ACTIVITY | {"implementation"},
    "sendTask": _ACTIVITY | {"implementation", "messageRef"},
    "receiveTask": _ACTIVITY | {"implementation", "messageRef", "instantiate"},
    "businessRuleTask": _ACTIVITY | {"implementation"},
    "scriptTask": _ACTIVITY | {"scriptFormat"},
    "callActivity": _ACTIVITY | {"calledElement"},
    "exclusiveGateway": _GATEWAY | {"default"},
    "inclusiveGateway": _GATEWAY | {"default"},
    "parallelGateway": _GATEWAY,
    "eventBasedGateway": _GATEWAY | {"instantiate", "eventGatewayType"},
    "startEvent": _CATCH | {"isInterrupting"},
    "intermediateCatchEvent": _CATCH,
    "boundaryEvent": _CATCH | {"attachedToRef", "cancelActivity"},
    "intermediateThrowEvent": _ANY,
    "endEvent": _ANY,
    "messageEventDefinition": _ANY | {"messageRef"},
    "signalEventDefinition": _ANY | {"signalRef"},
    "errorEventDefinition": _ANY | {"errorRef"},
    "timerEventDefinition": _ANY,
    "conditionalEventDefinition": _ANY,
    "terminateEventDefinition": _ANY,
    "escalationEventDefinition": _ANY | {"escalationRef"},
    "linkEventDefinition": _ANY,
    "sequenceFlow": _ANY | {"sourceRef", "targetRef", "isImmediate"},
    "conditionExpression": frozenset({"id", "language", "evaluatesToTypeRef"}),
    "condition": frozenset({"id", "language", "evaluatesToTypeRef"}),
    "completionCondition": frozenset({"id", "language", "evaluatesToTypeRef"}),
    "timeDate": frozenset({"id", "language", "evaluatesToTypeRef"}),
    "timeDuration": frozenset({"id", "language", "evaluatesToTypeRef"}),
    "timeCycle": frozenset({"id", "language", "evaluatesToTypeRef"}),
    "multiInstanceLoopCharacteristics": frozenset({"id", "isSequential", "behavior"}),
    "standardLoopCharacteristics": frozenset({"id", "testBefore", "loopMaximum"}),
    "loopCondition": frozenset({"id", "language", "evaluatesToTypeRef"}),
    "loopCardinality": frozenset({"id", "language", "evaluatesToTypeRef"}),
    "loopDataInputRef": frozenset(),
    "loopDataOutputRef": frozenset(),
    "inputDataItem": _ANY | {"itemSubjectRef", "isCollection"},
    "outputDataItem": _ANY | {"itemSubjectRef", "isCollection"},
    "script": frozenset(),
    "incoming": frozenset(),
    "outgoing": frozenset(),
    "extensionElements": frozenset(),
    "documentation": frozenset({"id", "textFormat"}),
    "collaboration": _ANY | {"isClosed"},
    "participant": _ANY | {"processRef"},
    "participantMultiplicity": frozenset({"id", "minimum", "maximum"}),
    "messageFlow": _ANY | {"sourceRef", "targetRef", "messageRef"},
    "laneSet": _ANY,
    "childLaneSet": _ANY,
    "lane": _ANY,
    "flowNodeRef": frozenset(),
    "message": _ANY | {"itemRef"},
    "signal": _ANY | {"structureRef"},
    "error": _ANY | {"errorCode", "structureRef"},
    "escalation": _ANY | {"escalationCode", "structureRef"},
    # What only explains: kept, shown, never run.
    "textAnnotation": frozenset({"id", "textFormat"}),
    "text": frozenset(),
    "association": frozenset({"id", "sourceRef", "targetRef", "associationDirection"}),
    "group": frozenset({"id", "categoryValueRef"}),
    "category": _ANY,
    "categoryValue": frozenset({"id", "value"}),
    "dataObject": _ANY | {"isCollection", "itemSubjectRef"},
    "dataObjectReference": _ANY | {"dataObjectRef", "itemSubjectRef"},
    "dataStore": _ANY | {"capacity", "isUnlimited", "itemSubjectRef"},
    "dataStoreReference": _ANY | {"dataStoreRef", "itemSubjectRef"},
    "dataState": _ANY,
    "itemDefinition": frozenset({"id", "itemKind", "structureRef", "isCollection"}),
}
"""Attributes without a namespace an element may carry."""

HARMLESS: Final[Mapping[str, frozenset[str]]] = {
    "implementation": frozenset({"##unspecified", "##WebService"}),
    "eventGatewayType": frozenset({"Exclusive"}),
    "isImmediate": frozenset({"true", "1"}),
    "behavior": frozenset({"All", "None", "One", "Complex"}),  # other than All has a rule of its own
}
"""Values of attributes that only state the default; every other value is refused."""

_OFF: Final = frozenset({"false", "0"})
SPECIAL_ATTRIBUTES: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "operationRef": ("unsupported_interface", frozenset()),
    "startQuantity": ("unsupported_token_quantity", frozenset({"1"})),
    "completionQuantity": ("unsupported_token_quantity", frozenset({"1"})),
    "isForCompensation": ("unsupported_compensation", _OFF),
    "instantiate": ("unsupported_instantiate", _OFF),
    "scriptFormat": ("script_format", frozenset({"", "text/x-tocsin"})),
    "parallelMultiple": ("unsupported_parallel_multiple", _OFF),
}
"""Attributes refused by a rule of their own, with the values that change nothing."""

UNSUPPORTED: Final[Mapping[str, str]] = {
    "complexGateway": "unsupported_complex_gateway",
    "transaction": "unsupported_transaction",
    "adHocSubProcess": "unsupported_ad_hoc",
    "task": "unsupported_abstract_task",
    "compensateEventDefinition": "unsupported_compensation",
    "cancelEventDefinition": "unsupported_cancel",
    "eventDefinitionRef": "unsupported_event_reference",
    "complexBehaviorDefinition": "unsupported_multi_instance",
    "ioSpecification": "unsupported_data_mapping",
    "ioBinding": "unsupported_data_mapping",
    "property": "unsupported_data_mapping",
    "dataInput": "unsupported_data_mapping",
    "dataOutput": "unsupported_data_mapping",
    "inputSet": "unsupported_data_mapping",
    "outputSet": "unsupported_data_mapping",
    "dataInputAssociation": "unsupported_data_mapping",
    "dataOutputAssociation": "unsupported_data_mapping",
    "resource": "unsupported_resource",
    "resourceRole": "unsupported_resource",
    "performer": "unsupported_resource",
    "humanPerformer": "unsupported_resource",
    "potentialOwner": "unsupported_resource",
    "correlationProperty": "unsupported_correlation",
    "correlationSubscription": "unsupported_correlation",
    "correlationKey": "unsupported_correlation",
    "interface": "unsupported_interface",
    "operationRef": "unsupported_interface",
    "interfaceRef": "unsupported_interface",
    "endPoint": "unsupported_interface",
    "choreography": "unsupported_choreography",
    "globalChoreographyTask": "unsupported_choreography",
    "conversationNode": "unsupported_choreography",
    "conversation": "unsupported_choreography",
    "subConversation": "unsupported_choreography",
    "callConversation": "unsupported_choreography",
    "globalConversation": "unsupported_choreography",
    "globalTask": "unsupported_global_task",
    "globalUserTask": "unsupported_global_task",
    "globalManualTask": "unsupported_global_task",
    "globalScriptTask": "unsupported_global_task",
    "globalBusinessRuleTask": "unsupported_global_task",
}
"""Elements refused by a rule of their own; the rest falls under `unsupported_element`."""

FAMILIES: Final = frozenset(
    {
        "unsupported_data_mapping",
        "unsupported_resource",
        "unsupported_correlation",
        "unsupported_interface",
        "unsupported_choreography",
    }
)
"""Rules reported once at the outermost element: what lies inside follows from it."""
