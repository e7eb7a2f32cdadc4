"""Scopes: pages, sub-processes, event sub-processes and the turns of an activity, each a run of its own.

A scope is over when its last token is gone and none of its event sub-processes runs any more. Then
the activity around it goes on, or the instance ends.
"""

from collections.abc import Mapping

from service.engine import arming, turns
from service.engine import effects as fx
from service.engine.assembly import scope_name
from service.engine.instance import Instance, Run
from service.engine.model import Kind, Node


def begin(instance: Instance, key: str, scope: str, data: Mapping[str, object], *, host: str, turn: int = 0) -> None:
    """Set the inside of an activity in motion and arm its event sub-processes."""
    page, _, parent = scope.partition(":")
    level = instance.assembly.bundle.processes[page].level(parent)
    starts = [node.id for node in level if node.kind is Kind.START]
    run = instance.launch(scope, starts[0] if starts else "", data)
    run.parent, run.host, run.turn = instance.run_of(instance.live[host]), host, turn
    instance.runs[key] = run
    arming.arm_event_subprocesses(instance, key)


def start_event_subprocess(instance: Instance, tid: str, start: Node, data: Mapping[str, object]) -> None:
    """Begin an event sub-process; an interrupting one takes the place of what else its scope does."""
    armed = instance.armed.pop(tid)
    around = instance.runs[armed.run]
    run = instance.launch(scope_name(instance.page_of_run(armed.run), start.parent), start.id, data)
    run.parent = armed.run
    if start.interrupting:
        if not around.is_over:
            around.workflow.cancel()
            around.close(None)
        instance.sweep()
        for key in [key for key, other in instance.runs.items() if other.parent == armed.run and not other.host]:
            instance.stop(key)
        instance.sweep()
        instance.disarm(armed.run)
        around.result = None
    else:
        arming.rearm_start(instance, start, armed)
    instance.runs[tid] = run
    arming.arm_event_subprocesses(instance, tid)


def finish(instance: Instance) -> bool:
    """Take note of one scope that has no token left, innermost first; True if there was one."""
    for key, run in reversed(list(instance.runs.items())):
        if not run.is_over and run.workflow.completed:
            _run_out(instance, key, run)
            return True
        if run.is_over and not any(other.parent == key for other in instance.runs.values()):
            _leave(instance, key, run)
            return True
    return False


def _run_out(instance: Instance, key: str, run: Run) -> None:
    """No token is left; a terminate end event also ends the event sub-processes that still run."""
    run.close(dict(run.workflow.last_task.data) if run.workflow.last_task else {})
    instance.is_dirty = True
    if run.is_terminated:
        for inner in [inner for inner, other in instance.runs.items() if other.parent == key]:
            instance.stop(inner)
        instance.sweep()


def _leave(instance: Instance, key: str, run: Run) -> None:
    instance.is_dirty = True
    if run.parent is None:
        end(instance, run.result or {})
        return
    instance.disarm(key)
    del instance.runs[key]
    if run.host:
        turns.ended(instance, key, run)
        return
    around = instance.runs[run.parent]
    if around.result is None:
        around.result = run.result


def end(instance: Instance, data: Mapping[str, object]) -> None:
    """The instance is over."""
    stop_all(instance)
    instance.status = "completed"
    instance.ask(fx.Ended(instance.end, instance.error, dict(data)))


def stop_all(instance: Instance) -> None:
    """End every scope."""
    for key in list(instance.runs):
        instance.stop(key)
    instance.sweep()
