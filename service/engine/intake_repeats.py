"""From the marker of a looped or multi-instance activity to a `Repeat`."""

from collections.abc import Mapping
from typing import Final

from lxml import etree

from service.engine.intake_reading import bare, child, text_of
from service.engine.model import Finding, Repeat, Turns

_TRUE: Final = frozenset({"true", "1"})


def read_repeat(element: etree._Element, file: str, data: Mapping[str, str], findings: list[Finding]) -> Repeat | None:
    """The marker of an activity, None without one; `data` gives the names of data objects by id."""
    loop = child(element, "standardLoopCharacteristics")
    if loop is not None:
        return Repeat(
            Turns.LOOP,
            condition=bare(text_of(child(loop, "loopCondition")), element, file, findings),
            is_tested_before=loop.get("testBefore") in _TRUE,
            limit=(loop.get("loopMaximum") or "").strip(),
        )
    many = child(element, "multiInstanceLoopCharacteristics")
    if many is None:
        return None
    return Repeat(
        Turns.SEQUENTIAL if many.get("isSequential") in _TRUE else Turns.PARALLEL,
        limit=text_of(child(many, "loopCardinality")),
        collection=_named(text_of(child(many, "loopDataInputRef")), data),
        item=_item(many, "inputDataItem"),
        output=_named(text_of(child(many, "loopDataOutputRef")), data),
        output_item=_item(many, "outputDataItem"),
        completion=bare(text_of(child(many, "completionCondition")), element, file, findings),
    )


def _item(many: etree._Element, name: str) -> str:
    found = child(many, name)
    return "" if found is None else str(found.get("name") or found.get("id") or "").strip()


def _named(reference: str, data: Mapping[str, str]) -> str:
    """Process data go by name; a data object in the diagram carries it."""
    name = data.get(reference, "")
    return name if name.isidentifier() else reference
