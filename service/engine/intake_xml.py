"""From bytes to a checked XML tree: size, encoding, document type, parser, schema.

Nothing here trusts the file: the bytes are looked at before any parser sees them, the parser
loads nothing and expands nothing, and the BPMN 2.0 schema is the one the engine library ships.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

import SpiffWorkflow.bpmn.parser
from lxml import etree

from service.engine.model import Finding
from service.engine.rules import finding

BPMN: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
TOCSIN: Final = "https://tocsin.example/bpmn/1.0"
SCHEMA_FINDINGS: Final = 20
"""Findings of the schema reported per file; one slip often causes many."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what the intake accepts."""

    file_bytes: int = 2_000_000
    files: int = 60
    depth: int = 40
    nodes_per_page: int = 400
    readable_nodes: int = 25
    findings: int = 500


LIMITS: Final = Limits()

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.bpmn")
_DECLARED_ENCODING = re.compile(rb"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_DOCTYPE = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_UTF8_NAMES = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
_BOM = b"\xef\xbb\xbf"


def read_xml(name: str, content: bytes) -> tuple[etree._Element | None, list[Finding]]:
    """The root element of one file, or None with the findings that refuse it.

    The tree is also returned when only the schema complains, so that an unsupported element is
    reported by its own name and not as a breach of the schema alone.
    """
    refused = list(_check_bytes(name, content))
    if refused:
        return None, refused
    try:
        root = etree.fromstring(content.removeprefix(_BOM), _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        return None, [finding("xml_malformed", name, detail=_one_line(str(error)))]
    refused = list(_check_tree(name, root))
    if refused:
        return None, refused
    return root, _check_schema(name, root)


def element_id(element: etree._Element | None) -> str:
    """The id of an element, or of the nearest element around it that has one."""
    while element is not None:
        identifier = element.get("id")
        if identifier:
            return str(identifier)
        element = element.getparent()
    return ""


def local_name(element: etree._Element) -> str:
    """Tag without its namespace."""
    return str(etree.QName(element).localname)


def namespace(element: etree._Element) -> str:
    """Namespace of a tag, "" if it has none."""
    return str(etree.QName(element).namespace or "")


def _check_bytes(name: str, content: bytes) -> Iterator[Finding]:
    if not _FILE_NAME.fullmatch(name):
        yield finding("file_name", name, name=name)
    if len(content) > LIMITS.file_bytes:
        yield finding("file_too_large", name, size=len(content), limit=LIMITS.file_bytes)
        return
    if not content.strip():
        yield finding("file_empty", name)
        return
    declared = _DECLARED_ENCODING.match(content.removeprefix(_BOM))
    if not _is_utf8(content) or (declared and declared.group(1).lower() not in _UTF8_NAMES):
        yield finding("file_encoding", name)
    elif _DOCTYPE.search(content):
        yield finding("xml_doctype", name)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _parser() -> etree.XMLParser:
    # Comments are dropped so that a comment inside an expression cannot cut its text in two.
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )


def _check_tree(name: str, root: etree._Element) -> Iterator[Finding]:
    # The bytes were searched already; this is the second lock on the same door.
    if root.getroottree().docinfo.doctype:
        yield finding("xml_doctype", name)
    outside = [*root.itersiblings(preceding=True), *root.itersiblings()]
    for instruction in (*outside, *root.iter(etree.PI)):
        if isinstance(instruction, etree._ProcessingInstruction):
            yield finding("xml_instruction", name, name=instruction.target)
    if next(root.iter(etree.Entity), None) is not None:
        yield finding("xml_doctype", name)
    depth = _depth(root)
    if depth > LIMITS.depth:
        yield finding("xml_too_deep", name, depth=depth, limit=LIMITS.depth)


def _depth(root: etree._Element) -> int:
    deepest = level = 0
    for event, _element in etree.iterwalk(root, events=("start", "end")):
        level += 1 if event == "start" else -1
        deepest = max(deepest, level)
    return deepest


_compiling = Lock()


@cache
def _schema() -> tuple[etree.XMLSchema, Lock]:
    # The log of a compiled schema is shared state, hence the lock.
    folder = Path(SpiffWorkflow.bpmn.parser.__file__).parent / "schema"
    return etree.XMLSchema(etree.parse(folder / "BPMN20.xsd")), Lock()


def _check_schema(name: str, root: etree._Element) -> list[Finding]:
    with _compiling:  # two threads that compile it at once get in each other's way
        schema, lock = _schema()
    with lock:
        if schema.validate(root):
            return []
        entries = [(entry.line, entry.path, entry.message) for entry in schema.error_log]
    findings = []
    for line, path, message in entries[:SCHEMA_FINDINGS]:
        detail = _one_line(message).replace(f"{{{BPMN}}}", "bpmn:")
        findings.append(finding("bpmn_schema", name, _id_at(root, path), line=line, detail=detail))
    return findings


def _id_at(root: etree._Element, path: str | None) -> str:
    prefixes = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    try:
        found = root.getroottree().xpath(path, namespaces=prefixes) if path else []
    except etree.XPathError:
        # The path uses prefixes the file declares deeper down; the line number still stands.
        return ""
    first = found[0] if isinstance(found, list) and found else None
    return element_id(first) if isinstance(first, etree._Element) else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
