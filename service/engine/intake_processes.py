"""From a checked XML tree to `Process` objects: nodes, flows, lanes, pool."""

from collections.abc import Collection, Iterator

from lxml import etree

from service.engine.drawing import BPMNDI
from service.engine.intake_nodes import (
    KINDS,
    Lane,
    Surroundings,
    read_listed,
    read_node,
)
from service.engine.intake_reading import bare, child, extension, label, local_ref, text_of
from service.engine.intake_xml import BPMN, element_id, local_name, namespace
from service.engine.model import Finding, Flow, Node, Process
from service.engine.rules import finding

_TRUE = frozenset({"true", "1"})


def process_elements(root: etree._Element) -> list[etree._Element]:
    """The processes of a file."""
    return list(root.findall(f"{{{BPMN}}}process"))


def read_processes(file: str, root: etree._Element, pages: Collection[str]) -> tuple[list[Process], list[Finding]]:
    """All processes of one file; `pages` are the ids of all processes of the bundle."""
    findings: list[Finding] = []
    processes = []
    elements = process_elements(root)
    if not elements:
        findings.append(finding("process_missing", file))
    if len(elements) > 1:
        findings.append(finding("process_several", file, count=len(elements)))
    for element in elements:
        lanes = dict(_read_lanes(file, element, findings))
        around = Surroundings(
            file=file,
            messages=_shared(root, "message", "name"),
            signals=_shared(root, "signal", "name"),
            errors=_shared(root, "error", "errorCode"),
            escalations=_shared(root, "escalation", "escalationCode"),
            data=_data_names(root),
            pages=pages,
            lanes=lanes,
        )
        processes.append(_read_process(root, element, around, findings))
    findings.extend(_check_collaboration(file, root))
    return processes, findings


def _read_process(
    root: etree._Element, element: etree._Element, around: Surroundings, findings: list[Finding]
) -> Process:
    identifier = element.get("id") or ""
    if element.get("isExecutable") not in _TRUE:
        findings.append(finding("process_not_executable", around.file, identifier))
    nodes: dict[str, Node] = {}
    flows: dict[str, Flow] = {}
    for part, parent in _flow_elements(element):
        if local_name(part) == "sequenceFlow":
            flow = _read_flow(part, around.file, findings)
            flows[flow.id] = flow
        else:
            node, found = read_node(part, parent, around)
            nodes[node.id] = node
            findings.extend(found)
    _check_flow_ends(around.file, nodes, flows, findings)
    pool = _pool(root, identifier)
    return Process(
        id=identifier,
        name=label(element),
        name_en=extension(element, "label-en"),
        nodes=nodes,
        flows=flows,
        facts=read_listed(element, "facts"),
        needs=read_listed(element, "needs"),
        lanes={lane.get("id") or "": extension(lane, "role") for lane in element.iter(f"{{{BPMN}}}lane")},
        pool=pool,
        file=around.file,
        closed=frozenset(_with_planes(root, element)),
    )


def _with_planes(root: etree._Element, process: etree._Element) -> Iterator[str]:
    """The event sub-processes of a process that are drawn closed: their inside has a plane of its own."""
    planes = {plane.get("bpmnElement") for plane in root.iter(f"{{{BPMNDI}}}BPMNPlane")}
    for part in process.iter(f"{{{BPMN}}}subProcess"):
        if part.get("triggeredByEvent") in _TRUE and part.get("id") in planes:
            yield part.get("id") or ""


def _flow_elements(process: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    pending = [(process, "")]
    while pending:
        holder, parent = pending.pop(0)
        for part in holder:
            if namespace(part) != BPMN:
                continue
            name = local_name(part)
            if name in KINDS or name == "sequenceFlow":
                yield part, parent
            if name == "subProcess":
                pending.append((part, part.get("id") or ""))


def _read_flow(element: etree._Element, file: str, findings: list[Finding]) -> Flow:
    condition = child(element, "conditionExpression")
    text = bare(text_of(condition), element, file, findings)
    return Flow(
        id=element.get("id") or "",
        source=local_ref(element.get("sourceRef")),
        target=local_ref(element.get("targetRef")),
        # An empty condition element stays an empty text, which does not compile and is refused.
        condition=None if condition is None else text,
        name=label(element),
        name_en=extension(element, "label-en"),
    )


def _check_flow_ends(file: str, nodes: dict[str, Node], flows: dict[str, Flow], findings: list[Finding]) -> None:
    for flow in list(flows.values()):
        for attribute, end in (("sourceRef", flow.source), ("targetRef", flow.target)):
            if end not in nodes:
                findings.append(finding("reference_missing", file, flow.id, name=end, attribute=attribute))
                flows.pop(flow.id, None)


def _read_lanes(file: str, process: etree._Element, findings: list[Finding]) -> Iterator[tuple[str, Lane]]:
    identifiers = {part.get("id") for part, _parent in _flow_elements(process)}
    lanes: dict[str, Lane] = {}
    for element in process.iter(f"{{{BPMN}}}lane"):
        role = extension(element, "role")
        lane = Lane(element.get("id") or "", "" if role == "auto" else role, tuple(extension(element, "also").split()))
        for reference in element.findall(f"{{{BPMN}}}flowNodeRef"):
            inside = text_of(reference)
            if inside not in identifiers:
                findings.append(finding("reference_missing", file, lane.id, name=inside, attribute="flowNodeRef"))
            # A nested lane comes after the lane around it and is the more exact one.
            elif inside in lanes and not _is_within(element, lanes[inside].id):
                both = f"{lanes[inside].id}, {lane.id}"
                findings.append(finding("lane_twice", file, inside, lanes=both))
            lanes[inside] = lane
    yield from lanes.items()


def _is_within(element: etree._Element, lane: str) -> bool:
    return any(outer.get("id") == lane for outer in element.iterancestors(f"{{{BPMN}}}lane"))


def _shared(root: etree._Element, name: str, attribute: str) -> dict[str, str]:
    return {
        element.get("id") or "": (element.get(attribute) or "").strip() for element in root.findall(f"{{{BPMN}}}{name}")
    }


def _data_names(root: etree._Element) -> dict[str, str]:
    """Names of data objects by their ids."""
    tags = [f"{{{BPMN}}}{name}" for name in ("dataObject", "dataObjectReference")]
    return {each.get("id") or "": (each.get("name") or "").strip() for each in root.iter(*tags) if each.get("name")}


def _pool(root: etree._Element, process: str) -> str:
    for participant in root.iter(f"{{{BPMN}}}participant"):
        if local_ref(participant.get("processRef")) == process:
            return label(participant)
    return ""


def _check_collaboration(file: str, root: etree._Element) -> Iterator[Finding]:
    identifiers = {element.get("id") for element in root.iter() if element.get("id")}
    for name in ("participant", "messageFlow"):
        for element in root.iter(f"{{{BPMN}}}{name}"):
            for attribute in ("processRef", "sourceRef", "targetRef", "messageRef"):
                reference = local_ref(element.get(attribute))
                if reference and reference not in identifiers:
                    yield finding("reference_missing", file, element_id(element), name=reference, attribute=attribute)


def identified_elements(root: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Every BPMN element that has an id or must have one, with the id ("" if missing)."""
    for element in root.iter():
        if not isinstance(element.tag, str) or namespace(element) != BPMN:
            continue
        identifier = element.get("id") or ""
        if identifier or local_name(element) in KINDS or local_name(element) in {"process", "sequenceFlow"}:
            yield identifier, element
