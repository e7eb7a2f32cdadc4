"""Reading single pieces of an element: children, labels, our attributes, expressions."""

from lxml import etree

from service.engine.intake_xml import BPMN, TOCSIN
from service.engine.model import Finding
from service.engine.rules import finding


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    """First BPMN child of that name."""
    return None if element is None else element.find(f"{{{BPMN}}}{name}")


def text_of(element: etree._Element | None) -> str:
    """Text of an element without blanks around it."""
    return "" if element is None else (element.text or "").strip()


def label(element: etree._Element) -> str:
    """Name of an element on one line, as it is shown."""
    return " ".join((element.get("name") or "").split())


def extension(element: etree._Element, name: str) -> str:
    """Value of one of our attributes, "" if absent."""
    return " ".join((element.get(f"{{{TOCSIN}}}{name}") or "").split())


def local_ref(reference: str | None) -> str:
    """A reference without the prefix some modellers write before it."""
    return (reference or "").strip().rpartition(":")[2]


def bare(text: str, element: etree._Element, file: str, findings: list[Finding]) -> str:
    """An expression without its leading `=`; a text without one is a finding."""
    if not text or text.startswith("="):
        return text[1:].strip()
    identifier = element.get("id") or ""
    findings.append(finding("expression_prefix", file, identifier, text=text[:200]))
    return text
