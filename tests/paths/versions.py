"""Further versions of shipped procedures, made by changing their text."""

from collections.abc import Mapping
from functools import partial

from service.application import definitions
from service.application.definitions import Deployed
from tests.paths.world import WORKFLOWS, World

ALARM = "small_alarm"


def content_of(procedure: str) -> dict[str, str]:
    """The files of a shipped bundle."""
    return definitions.folder_content(WORKFLOWS / procedure, WORKFLOWS / "decisions")


def another(procedure: str, name: str = "登记可疑情况") -> dict[str, str]:
    """The bundle with one step renamed."""
    return changed(procedure, ('name="登记异常"', f'name="{name}"'))


def changed(procedure: str, *replacements: tuple[str, str]) -> dict[str, str]:
    """The bundle with texts replaced; each must be there."""
    content = content_of(procedure)
    for old, new in replacements:
        assert any(old in text for text in content.values()), old
        content = {file: text.replace(old, new) for file, text in content.items()}
    return content


def deployed(world: World, content: Mapping[str, str], procedure: str = ALARM) -> Deployed:
    """Deploy files as the next version."""
    store = world.app.services.definitions
    return world.app.run(
        partial(definitions.deploy, store=store, procedure=procedure, content=dict(content), actor="test")
    )
