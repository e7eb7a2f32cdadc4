"""Stepping: one command, then tokens move until every one of them waits.

`step` is deterministic and does no I/O: the same stored state, command and context give the same
events, effects and new state. It stops early (`StepResult.is_paused`) where facts may have
changed; the application projects the events, reads facts again and calls `proceed`.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.domain import events as ev
from service.engine import arming, entering, firing, inclusive, retiming, scopes
from service.engine import effects as fx
from service.engine.assembly import Assembly, scope_name
from service.engine.decisions import DecisionError
from service.engine.expressions import ExpressionError
from service.engine.instance import TID, EngineError, Instance, Standstill
from service.engine.model import Kind
from service.engine.pruning import prune

MAX_MOVES = 50_000
PRUNED_EVERY = 50  # moves within one step


@dataclass(frozen=True, slots=True)
class StepResult:
    """Events in order, what the application must do, and whether the step goes on afterwards."""

    events: list[ev.Event]
    effects: list[fx.Effect]
    is_paused: bool


def start(
    assembly: Assembly, instance_id: str, process_id: str, *, start_event: str, inputs: Mapping[str, object]
) -> Instance:
    """A new instance at a start event ("" for the only one); nothing has moved yet."""
    instance = Instance(assembly, instance_id, process_id)
    process = assembly.bundle.processes[process_id]
    starts = [node.id for node in process.level() if node.kind is Kind.START]
    chosen = start_event or (starts[0] if len(starts) == 1 else "")
    if chosen not in starts:
        raise EngineError(start_event, f"no such start event in {process_id}")
    instance.runs[""] = instance.launch(scope_name(process_id, ""), chosen, inputs)
    return instance


def proceed(instance: Instance, context: fx.StepContext) -> StepResult:
    """Move tokens until all wait, or until facts must be read again."""
    instance.begin_step(context)
    return _guarded(instance, lambda: None)


def complete(instance: Instance, context: fx.StepContext, visit: str, outputs: Mapping[str, object]) -> StepResult:
    """A task, a call or a waiting event is done; `outputs` become process data."""
    instance.begin_step(context)
    return _guarded(instance, lambda: firing.fire(instance, visit, outputs))


def hear(instance: Instance, context: fx.StepContext, waits: Sequence[str]) -> StepResult:
    """Events that waited for signals get them, in order, before anything moves; what has ended is passed over.

    A wait may stand there once for each signal: one that does not interrupt begins again.
    """
    instance.begin_step(context)
    return _guarded(instance, lambda: arming.fire_all(instance, waits))


def child_ended(
    instance: Instance, context: fx.StepContext, visit: str, *, item: str, result: Mapping[str, object], error: str
) -> StepResult:
    """A child instance of a call or an open collection ended, perhaps with an error code."""
    instance.begin_step(context)
    return _guarded(instance, lambda: firing.child_ended(instance, visit, item=item, result=result, error=error))


def child_escalated(instance: Instance, context: fx.StepContext, visit: str, code: str) -> StepResult:
    """A child threw an escalation that nothing in it catches; it goes on unless it is interrupted."""
    instance.begin_step(context)
    return _guarded(instance, lambda: firing.child_escalated(instance, visit, code))


def retime(instance: Instance, context: fx.StepContext, before: Mapping[str, object], keys: Set[str]) -> StepResult:
    """Policies changed: the timers that read them move, and fire where the new time has passed."""
    instance.begin_step(context)
    return _guarded(instance, lambda: retiming.retime(instance, before, keys))


def act(instance: Instance, context: fx.StepContext, command: Callable[[], None]) -> StepResult:
    """Do something to an instance that is no command of a process, and move what can move then."""
    instance.begin_step(context)
    return _guarded(instance, command)


def cancel(instance: Instance, context: fx.StepContext) -> StepResult:
    """End the instance from outside: parent cancelled, incident merged or withdrawn."""
    instance.begin_step(context)
    scopes.stop_all(instance)
    instance.status = "cancelled"
    return StepResult(instance.events, instance.effects, is_paused=False)


def _guarded(instance: Instance, command: Callable[[], None]) -> StepResult:
    try:
        command()
        _move(instance)
    except (SpiffWorkflowException, ExpressionError, DecisionError) as error:
        raise EngineError(instance.at, str(error)) from error
    return StepResult(instance.events, instance.effects, instance.is_paused)


def _move(instance: Instance) -> None:
    if not instance.live and not instance.armed and instance.counter == 0:
        arming.arm_event_subprocesses(instance, "")
    for move in range(1, MAX_MOVES):
        instance.sweep()
        task = None if instance.is_paused or instance.status != "active" else _next_task(instance)
        if task is not None:
            entering.take(instance, task)
        elif _has_signals_due(instance):
            instance.has_thrown = False
            instance.ask(fx.SignalsDue(), pause=True)
        elif instance.is_paused or instance.status != "active" or not _react(instance):
            _rest(instance)
            return
        if move % PRUNED_EVERY == 0:
            _prune(instance)
    raise EngineError("", f"more than {MAX_MOVES} moves in one step")


def _has_signals_due(instance: Instance) -> bool:
    """Nothing in a scope that was terminated hears any more, so that is over first."""
    can_go_on = instance.has_thrown and instance.status == "active" and not instance.is_paused
    return can_go_on and not any(run.is_terminated for run in instance.runs.values())


def _react(instance: Instance) -> bool:
    return _release_joins(instance) or scopes.finish(instance) or arming.react_to_facts(instance)


def _release_joins(instance: Instance) -> bool:
    """Inclusive joins are looked at when no other token moves, because they ask where those are."""
    for run in instance.runs.values():
        if not run.is_over:
            tokens = run.workflow.candidates()
            if inclusive.release(instance.assembly.process(run.scope), tokens):
                return True
    return False


def _rest(instance: Instance) -> None:
    """The end of a step; an instance that is neither waiting nor finished must not pass unnoticed."""
    _prune(instance)
    if instance.status == "active" and not (instance.is_paused or instance.live or instance.armed):
        stuck = sorted({task.task_spec.name for task in instance.tasks() if task.state == TaskState.WAITING})
        raise Standstill(stuck[0] if stuck else "", "a token waits for others that cannot come")


def _prune(instance: Instance) -> None:
    for run in instance.runs.values():
        if not run.is_over:
            prune(run.workflow)


def _next_task(instance: Instance) -> Task | None:
    for run in instance.runs.values():
        for task in run.workflow.candidates():
            is_held = TID in task.internal_data
            if task.state == TaskState.READY:
                if not is_held or not task.task_spec.manual:
                    return task
            elif not is_held and entering.waits_outside(instance, task):
                return task
    return None
