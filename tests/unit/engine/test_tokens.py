"""The index of ready and waiting tokens says what the library's own walk over the tree finds."""

import pytest
from SpiffWorkflow.util.task import TaskIterator, TaskState

from service.engine.instance import Instance
from service.engine.tokens import WAITING, Marking
from tests.models.generating import model
from tests.models.properties import accepted
from tests.models.walking import walk

CHUNK = 50


def walked(marking: Marking, state: int) -> set[int]:
    """Numbers of the tokens in a state, found by walking the tree from its root."""
    return {task.id for task in TaskIterator(marking.task_tree, state=state)}


def assert_index(instance: Instance) -> None:
    """The index of every scope in motion is what the walk finds."""
    for run in instance.runs.values():
        marking = run.workflow
        if not run.is_over:
            assert set(marking.ready) == walked(marking, TaskState.READY)
            assert set(marking.waiting) == walked(marking, WAITING)
            assert list(marking.tasks) == sorted(marking.tasks)


@pytest.mark.parametrize("chunk", range(3))
@pytest.mark.parametrize("reload", [False, True], ids=["live", "loaded"])
def test_the_index_is_what_the_walk_finds_after_every_step_of_random_models(chunk: int, *, reload: bool) -> None:
    walked_models = 0
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        bundle = accepted(model(seed))
        if bundle is not None:
            walk(bundle, seed, reload=reload, look=assert_index)
            walked_models += 1
    assert walked_models > CHUNK // 2
