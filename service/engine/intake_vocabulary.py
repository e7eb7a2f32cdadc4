"""Checks every element and attribute of a file against the vocabulary the engine runs."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from service.engine import extensions, vocabulary
from service.engine.intake_xml import BPMN, TOCSIN, element_id, local_name, namespace
from service.engine.model import Finding
from service.engine.rules import finding

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_DRAWING: Final = frozenset(
    {
        "http://www.omg.org/spec/BPMN/20100524/DI",
        "http://www.omg.org/spec/DD/20100524/DI",
        "http://www.omg.org/spec/DD/20100524/DC",
    }
)
_TRUE: Final = frozenset({"true", "1"})


def check_vocabulary(file: str, root: etree._Element) -> Iterator[Finding]:
    """Findings for everything in the tree the engine does not run or does not know."""
    pending = [root]
    while pending:
        element = pending.pop()
        found, descend = _check_element(file, element)
        yield from found
        if descend:
            # Reversed, so that findings come in the order of the file.
            pending.extend(child for child in reversed(element) if isinstance(child.tag, str))


def _check_element(file: str, element: etree._Element) -> tuple[list[Finding], bool]:
    space = namespace(element)
    if space == BPMN:
        return _check_bpmn(file, element)
    if space in _DRAWING:
        return [], False
    if space == TOCSIN:
        return list(_check_extension(file, element)), local_name(element) == "inputs"
    return [_foreign(file, element, element.tag)], False


def _check_bpmn(file: str, element: etree._Element) -> tuple[list[Finding], bool]:
    name = local_name(element)
    rule = vocabulary.UNSUPPORTED.get(name)
    if rule:
        detail = finding(rule, file, element_id(element), name=name, detail=name)
        return [detail], rule not in vocabulary.FAMILIES
    if name not in vocabulary.ATTRIBUTES:
        return [finding("unsupported_element", file, element_id(element), name=name)], False
    found = [*_check_structure(file, element, name)]
    for key, value in element.attrib.items():
        found.extend(_check_attribute(file, element, str(key), str(value)))
    return found, name != "documentation"


def _check_structure(file: str, element: etree._Element, name: str) -> Iterator[Finding]:
    identifier = element_id(element)
    if name in vocabulary.EXPRESSIONS or name in {"script", "text"}:
        for child in element:
            yield finding("unsupported_element", file, identifier, name=f"{name}/{local_name(child)}")
    if name == "multiInstanceLoopCharacteristics":
        yield from _check_multi_instance(file, element)
    if name in vocabulary.EVENTS:
        count = sum(
            1 for child in element if local_name(child).endswith("EventDefinition") and namespace(child) == BPMN
        )
        if count > 1:
            yield finding("unsupported_multiple_event", file, identifier, count=count)


def _check_multi_instance(file: str, element: etree._Element) -> Iterator[Finding]:
    host = element.getparent()
    identifier = element_id(host)
    if element.get("behavior", "All") != "All":
        yield finding("unsupported_multi_instance", file, identifier, detail="behavior")
    if host is None or host.get(f"{{{TOCSIN}}}open") != "true":
        return
    if element.get("isSequential") in _TRUE:
        yield finding("unsupported_multi_instance", file, identifier, detail="isSequential")
    for child in element:
        if local_name(child) in {"loopCardinality", "loopDataOutputRef", "inputDataItem", "outputDataItem"}:
            yield finding("unsupported_multi_instance", file, identifier, detail=local_name(child))


def _check_attribute(file: str, element: etree._Element, key: str, value: str) -> Iterator[Finding]:
    qualified = etree.QName(key)
    space, name = qualified.namespace or "", qualified.localname
    if space in {"", BPMN}:
        yield from _check_plain(file, element, name, value)
    elif space == TOCSIN:
        yield from _check_extension_attribute(file, element, name, value)
    elif space not in {_XSI, _XML} | extensions.COLOURS:
        yield _foreign(file, element, key)


def _check_plain(file: str, element: etree._Element, name: str, value: str) -> Iterator[Finding]:
    identifier, tag = element_id(element), local_name(element)
    special = vocabulary.SPECIAL_ATTRIBUTES.get(name)
    if special:
        rule, harmless = special
        if value not in harmless:
            yield finding(rule, file, identifier, name=name, value=value)
    elif name == "language":
        if value != TOCSIN:
            yield finding("expression_language", file, identifier, name=value)
    elif name not in vocabulary.ATTRIBUTES[tag] or value not in vocabulary.HARMLESS.get(name, {value}):
        yield finding("unsupported_attribute", file, identifier, element=tag, name=name)


def _check_extension_attribute(file: str, element: etree._Element, name: str, value: str) -> Iterator[Finding]:
    identifier, tag, shown = element_id(element), local_name(element), f"tocsin:{name}"
    carriers = extensions.ATTRIBUTES.get(name)
    if carriers is None:
        yield finding("extension_unknown", file, identifier, name=shown)
    elif tag not in carriers:
        yield _misplaced(file, element, shown, carriers)
    elif value not in extensions.VALUES.get(name, {value}):
        allowed = ", ".join(sorted(extensions.VALUES[name]))
        yield finding("extension_value", file, identifier, name=shown, value=value, allowed=allowed)


def _check_extension(file: str, element: etree._Element) -> Iterator[Finding]:
    identifier, name = element_id(element), local_name(element)
    shown = f"tocsin:{name}"
    if name not in extensions.CONTENT:
        yield finding("extension_unknown", file, identifier, name=shown)
        return
    parent = element.getparent()
    if name == "input":
        if parent is None or parent.tag != f"{{{TOCSIN}}}inputs":
            yield _misplaced(file, parent, shown, frozenset({"tocsin:inputs"}))
    elif not _stands_right(parent, extensions.ELEMENTS[name]):
        yield _misplaced(file, parent, shown, extensions.ELEMENTS[name])
    for key in element.attrib:
        if key not in extensions.CONTENT[name]:
            yield finding("extension_unknown", file, identifier, name=f"{shown} {key}")
    for child in element:
        if name != "inputs" or child.tag != f"{{{TOCSIN}}}input":
            yield finding("extension_unknown", file, identifier, name=f"{shown}/{local_name(child)}")


def _stands_right(parent: etree._Element | None, carriers: frozenset[str]) -> bool:
    if parent is None or parent.tag != f"{{{BPMN}}}extensionElements":
        return False
    owner = parent.getparent()
    return owner is not None and namespace(owner) == BPMN and local_name(owner) in carriers


def _misplaced(file: str, element: etree._Element | None, shown: str, carriers: frozenset[str]) -> Finding:
    owner = element
    if owner is not None and local_name(owner) == "extensionElements":
        owner = owner.getparent()
    tag = local_name(owner) if owner is not None else ""
    allowed = ", ".join(sorted(carriers))
    return finding("extension_misplaced", file, element_id(element), name=shown, element=tag, allowed=allowed)


def _foreign(file: str, element: etree._Element, key: str) -> Finding:
    qualified = etree.QName(key)
    space, name = qualified.namespace or "", qualified.localname
    prefix = next((p for p, uri in element.nsmap.items() if uri == space and p), space)
    rule = "foreign_extension"
    if not space:
        rule = "extension_unknown"
    elif space.startswith(extensions.ENGINE_VENDORS) and name not in extensions.VENDOR_NOTES:
        rule = "foreign_executable"
    return finding(rule, file, element_id(element), name=f"{prefix}:{name}" if prefix else name)
