"""Damaging stored rows behind the product's back, as a broken disk or a bad restore would."""

from typing import Any

from tests.paths.world import World


def damage(w: World, statement: Any, *, restart: bool = True) -> int:
    """Run a statement on the database; by default everything kept in memory is lost as well. Returns rows."""
    changed = w.app.writer.run(lambda uow: uow.connection.execute(statement).rowcount)
    if restart:
        w.app.services.live.clear()  # what was damaged is not what is kept in memory
        w.restart()
    return changed
