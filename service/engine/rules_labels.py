"""Rules about names: what people read in the inbox and the timeline, in both languages."""

from collections.abc import Iterator
from typing import Final

from service.engine.model import Finding, Kind, Process
from service.engine.rules import finding

_SILENT: Final = frozenset({Kind.XOR, Kind.AND, Kind.OR, Kind.EVENT_GATEWAY})
"""Gateways may stay without a name: a merge or a split has nothing to say."""


def check_labels(process: Process) -> Iterator[Finding]:
    """Warnings for missing names and missing English names."""
    if not process.name:
        yield finding("label_missing", process.file, process.id, element=process.id)
    elif not process.name_en:
        yield finding("label_en_missing", process.file, process.id, name=process.name)
    for node in process.nodes.values():
        if not node.name and node.kind not in _SILENT:
            yield finding("label_missing", process.file, node.id, element=node.id)
        elif node.name and not node.name_en:
            yield finding("label_en_missing", process.file, node.id, name=node.name)
    for flow in process.flows.values():
        if flow.name and not flow.name_en:
            yield finding("label_en_missing", process.file, flow.id, name=flow.name)
