"""Writing down the flows a test visited, one file per process so that parallel workers never collide."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from service.bootstrap import Tocsin
from service.persistence.tables import sql
from service.settings import ROOT
from tests.matrix import noting
from tests.paths.coverage.diagrams import processes

VARIABLE = "TOCSIN_FLOWS"  # folder to write to; set by `make test`, so that single runs leave nothing behind


def visited(app: Tocsin) -> set[str]:
    """Flows taken in any instance of any incident.

    The log names the flows a token came by when it enters or leaves a node. A token that waits in a
    join for others that cannot come is seen by what it left: a node with one way out, completed.
    """
    statement = select(sql.events.c.type, sql.events.c.data).where(
        sql.events.c.type.in_(("element_entered", "element_completed"))
    )
    with app.read() as connection:
        rows = connection.execute(statement).all()
    return {flow for type_, data in rows for flow in _flows(type_, data)} - {""}


def _flows(type_: str, data: Mapping[str, Any]) -> list[str]:
    if type_ == "element_entered":
        return [data["flow"]]
    return [*data["flows"], *only_way_out().get(data["element"], ())]


@cache
def only_way_out() -> Mapping[str, tuple[str, ...]]:
    """The outgoing flow of every node that has just one, and no choice about it."""
    found = {}
    for page in processes().values():
        for node in page.nodes:
            flows = page.outgoing(node)
            if len(flows) == 1 and flows[0].condition is None:
                found[node] = (flows[0].id,)
    return found


def note(app: Tocsin, demands: noting.Demands) -> None:
    """Add what was visited and asserted to this process's files, if a folder is given and the diagrams are shipped."""
    folder = os.environ.get(VARIABLE)
    if folder and app.settings.workflows_dir == ROOT / "workflows":
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        with (path / f"{os.getpid()}.txt").open("a", encoding="utf-8") as file:
            file.writelines(f"{flow}\n" for flow in sorted(visited(app)))
        noting.note(app, demands, path)


def noted(folder: Path) -> set[str]:
    """What all processes of a run wrote down."""
    return {line for file in folder.glob("*.txt") for line in file.read_text("utf-8").split()}
