"""One bad and one good example per rule, as the rule book shows them and the tests prove them."""

from pathlib import Path
from typing import Final

from lxml import etree

from service.engine.intake_xml import BPMN
from service.engine.model import Finding

FOLDER: Final = Path(__file__).with_name("examples")
_LINES: Final = 14


def files(rule: str, *, is_good: bool) -> dict[str, bytes]:
    """The files of an example by name; empty for a rule about files too big, too many or none at all."""
    folder = FOLDER / rule / ("good" if is_good else "bad")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def excerpt(text: bytes, element: str) -> str:
    """The element a finding points at, as it stands in the file; the beginning of the file without one."""
    try:
        root = etree.fromstring(text)
    except (etree.XMLSyntaxError, ValueError):
        return _shortened(text.decode("utf-8", errors="replace"))
    found = next((each for each in root.iter() if each.get("id") == element), None)
    if found is None or found.tag == f"{{{BPMN}}}process":
        return _shortened(text.decode("utf-8", errors="replace"))
    shown = etree.tostring(found, encoding="unicode", with_tail=False)
    for prefix, uri in root.nsmap.items():
        shown = shown.replace(f' xmlns:{prefix}="{uri}"', "")
    return _shortened(shown)


def _shortened(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines if len(lines) <= _LINES else [*lines[:_LINES], "…"])


def first_file(named: dict[str, bytes], finding: Finding | None) -> str:
    """Name of the file to show: the one the finding is about, else the first."""
    if finding is not None and finding.file in named:
        return finding.file
    return min(named, default="")
