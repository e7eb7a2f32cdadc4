"""The tables of ARCHITECTURE.md that are made from the code; `python -m tests.architecture.reference` writes them."""

import re
from collections.abc import Callable

from service.api.problems import STATUS
from service.domain.errors import TocsinError, leaves
from service.domain.events import REGISTRY
from tests.architecture.checkout import ROOT

DOCUMENT = ROOT / "ARCHITECTURE.md"


def events_table() -> str:
    rows = [
        f"| `{type_}` | {version} | {_first_line(cls)} |" for (type_, version), cls in sorted(REGISTRY.items())
    ]  # fmt: skip
    return "\n".join(["| event | version | what it says |", "| --- | --- | --- |", *rows])


def problems_table() -> str:
    rows = [f"| `{leaf.code}` | {_status(leaf)} | {leaf.english} |" for leaf in sorted(leaves(), key=lambda x: x.code)]
    return "\n".join(["| code | status | message |", "| --- | --- | --- |", *rows])


TABLES: dict[str, Callable[[], str]] = {"events": events_table, "problems": problems_table}


def block(text: str, name: str) -> str:
    """What stands between the two marks of a name."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", text, re.DOTALL)
    assert found is not None, f"no <!-- {name} --> block"
    return found[1]


def written(text: str) -> str:
    """The document with its generated tables as they should be."""
    for name, table in TABLES.items():
        old = f"<!-- {name} -->\n{block(text, name)}"
        text = text.replace(old.rstrip("\n") + "\n", f"<!-- {name} -->\n{table()}\n")
    return text


def _status(leaf: type[TocsinError]) -> int:
    return next(status for branch, status, _zh, _en in STATUS if issubclass(leaf, branch))


def _first_line(cls: type[object]) -> str:
    return (cls.__doc__ or "").splitlines()[0]


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), "utf-8")
