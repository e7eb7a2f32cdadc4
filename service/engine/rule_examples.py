"""One bad and one good example per rule, as the rule book shows them and the tests prove them."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from lxml import etree

from service.engine.intake import read_bundle
from service.engine.intake_xml import BPMN
from service.engine.known import Known
from service.engine.model import Bundle, Finding

FOLDER: Final = Path(__file__).with_name("examples")
_LINES: Final = 14


def files(rule: str, *, is_good: bool) -> dict[str, bytes]:
    """The files of an example by name; empty for a rule about files too big, too many or none at all."""
    folder = FOLDER / rule / ("good" if is_good else "bad")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def check(named: dict[str, bytes]) -> tuple[Bundle | None, list[Finding]]:
    """Lint an example in the small world all of them stand in: two roles, two facts, a deadline, a policy, a table."""
    tables = {"D01": (FOLDER / "decision_gap" / "good" / "D01.dmn").read_text("utf-8")}
    own = {name.removesuffix(".dmn"): text for name, text in named.items() if name.endswith(".dmn")}
    tables |= {name: text.decode("utf-8", errors="replace") for name, text in own.items()}
    return read_bundle(
        {name: text for name, text in named.items() if not name.endswith(".dmn")},
        bundle_id="sample",
        decisions=tables,
        known=Known(
            procedures={"other": (), "check": ("person",)},
            view_exists=lambda key: key in {"F00#done", "F00#send"},
            certain_fields=lambda _key: ("outcome",),
            roles={"epi_office", "nurse"},
            facts={"cases", "any_positive"},
            deadlines={"T02"},
            policies={"poll": timedelta(minutes=10)},
        ),
    )


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
