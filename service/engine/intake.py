"""Safe intake: bytes of uploaded files to a checked `Bundle`, or findings that say what to draw.

The chain: file bounds, document type, hardened parser, BPMN 2.0 schema, vocabulary, our model,
rules. A stage that finds errors ends the chain, because the next one relies on it. Bad input never
raises; it comes back as findings.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lxml import etree

from service.engine.intake_nodes import read_listed
from service.engine.intake_processes import identified_elements, process_elements, read_processes
from service.engine.intake_vocabulary import check_vocabulary
from service.engine.intake_xml import LIMITS, local_name, read_xml
from service.engine.known import Known
from service.engine.model import Bundle, Finding, Process
from service.engine.rules import ERROR, finding, has_errors
from service.engine.rules_bundle import check_bundle

SHARED = frozenset({"message", "signal", "error", "escalation", "itemDefinition", "category", "dataStore"})
"""Definitions several pages may repeat under the same id, because they mean the same thing."""


def read_bundle(
    files: Mapping[str, bytes],
    *,
    bundle_id: str,
    decisions: Mapping[str, str],
    known: Known,
) -> tuple[Bundle | None, list[Finding]]:
    """Check the files of one procedure and read them.

    Args:
        files: content by file name (`<process id>.bpmn`).
        bundle_id: id of the procedure, which is the id of its entry process.
        decisions: DMN source by decision id; the ones used go into the bundle.
        known: what there is outside the bundle.

    Returns:
        The bundle, or None if any finding is an error, and the findings in file order (of very
        many the first ones, errors before warnings).
    """
    bundle, findings = _read(files, bundle_id, decisions, replace(known, decisions=decisions))
    if len(findings) > LIMITS.findings:
        findings = sorted(findings, key=lambda item: item.severity != ERROR)[: LIMITS.findings]
    return bundle, findings


def reopen_bundle(
    files: Mapping[str, bytes], *, bundle_id: str, decisions: Mapping[str, str]
) -> tuple[Bundle | None, list[Finding]]:
    """Read the files of a version that was checked when it was deployed.

    The rules are not asked again: one that was tightened since must not stop incidents that run on the version.
    """
    return _parsed(files, bundle_id, decisions)


def _read(
    files: Mapping[str, bytes], bundle_id: str, decisions: Mapping[str, str], known: Known
) -> tuple[Bundle | None, list[Finding]]:
    bundle, findings = _parsed(files, bundle_id, decisions)
    if bundle is not None:
        findings.extend(check_bundle(bundle, known))
    return (None if has_errors(findings) else bundle), findings


def _parsed(
    files: Mapping[str, bytes], bundle_id: str, decisions: Mapping[str, str]
) -> tuple[Bundle | None, list[Finding]]:
    roots, findings = _read_files(files)
    pages = sum(len(process_elements(root)) for root in roots.values())
    if pages > LIMITS.files:
        findings.append(finding("bundle_too_large", _first(files), count=pages, limit=LIMITS.files))
    if not has_errors(findings):
        findings.extend(_check_ids(roots))
    if has_errors(findings):
        return None, findings
    processes, found = _read_pages(roots)
    findings.extend(found)
    if processes and bundle_id not in processes:
        findings.append(finding("entry_missing", _first(files), name=bundle_id))
    if has_errors(findings):
        return None, findings
    return _bundle(files, bundle_id, processes, decisions), findings


def declared_needs(content: bytes) -> tuple[str, ...]:
    """The names whoever starts the process of a file has to give; none where it cannot be read."""
    root, _findings = read_xml("any.bpmn", content)
    pages = process_elements(root) if root is not None else []
    return read_listed(pages[0], "needs") if pages else ()


def bundle_files(folder: Path) -> dict[str, bytes]:
    """Diagrams of one folder by file name, each read no further than the intake accepts."""
    return {path.name: _read_bounded(path) for path in sorted(folder.glob("*.bpmn"))}


def decision_files(folder: Path) -> dict[str, str]:
    """DMN sources by decision id, which is the file's name without its ending."""
    return {path.stem: _read_bounded(path).decode("utf-8", errors="replace") for path in sorted(folder.glob("*.dmn"))}


def load_folder(folder: Path, *, decisions_dir: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Files of a procedure's folder, and the decisions it can use."""
    return bundle_files(folder), decision_files(decisions_dir)


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LIMITS.file_bytes + 1)


def _first(files: Mapping[str, bytes]) -> str:
    return min(files, default="")


def _read_files(files: Mapping[str, bytes]) -> tuple[dict[str, etree._Element], list[Finding]]:
    if not files:
        return {}, [finding("bundle_empty", "")]
    if len(files) > LIMITS.files:
        return {}, [finding("bundle_too_large", _first(files), count=len(files), limit=LIMITS.files)]
    roots: dict[str, etree._Element] = {}
    findings: list[Finding] = []
    for name in sorted(files):
        root, found = read_xml(name, files[name])
        findings.extend(found)
        if root is not None:
            roots[name] = root
            findings.extend(check_vocabulary(name, root))
    return roots, findings


def _check_ids(roots: Mapping[str, etree._Element]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for file, root in roots.items():
        for identifier, element in identified_elements(root):
            name = local_name(element)
            if not identifier:
                yield finding("id_missing", file, element=name)
            elif not _is_plain(identifier):
                yield finding("id_syntax", file, identifier, name=identifier)
            elif identifier in seen and (name not in SHARED or seen[identifier] == file):
                yield finding("id_duplicate", file, identifier, name=identifier, file=seen[identifier])
            seen.setdefault(identifier, file)


def _is_plain(identifier: str) -> bool:
    rest = identifier.replace("_", "").replace("-", "").replace(".", "")
    begins = identifier[0].isalpha() or identifier[0] == "_"
    return identifier.isascii() and begins and len(identifier) <= 80 and (rest.isalnum() or not rest)


def _read_pages(roots: Mapping[str, etree._Element]) -> tuple[dict[str, Process], list[Finding]]:
    pages = {element.get("id") or "" for root in roots.values() for element in process_elements(root)}
    processes: dict[str, Process] = {}
    findings: list[Finding] = []
    for file, root in roots.items():
        read, found = read_processes(file, root, pages)
        findings.extend(found)
        processes.update((process.id, process) for process in read)
        if read and f"{read[0].id}.bpmn" != file:
            findings.append(finding("process_file_name", file, read[0].id, expected=f"{read[0].id}.bpmn"))
    return processes, findings


def _bundle(
    files: Mapping[str, bytes],
    bundle_id: str,
    processes: Mapping[str, Process],
    decisions: Mapping[str, str],
) -> Bundle:
    used = sorted({node.decision for process in processes.values() for node in process.nodes.values()} & set(decisions))
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    for name in used:
        source = decisions[name].encode()
        digest.update(f"{name}\0{len(source)}\0".encode())
        digest.update(source)
    return Bundle(
        id=bundle_id,
        hash=digest.hexdigest(),
        entry=bundle_id,
        processes=processes,
        decisions={name: decisions[name] for name in used},
        files={name: content.decode("utf-8-sig") for name, content in files.items()},
    )
