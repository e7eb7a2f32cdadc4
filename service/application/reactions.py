"""What the application does about each effect of a step: now, or by the inbox on another instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.application import contacts, deadline_rows, endings, sending, site_services, trainings
from service.application.inbox import Effect, hear, put, put_signal
from service.domain import events as ev
from service.engine import effects as fx

if TYPE_CHECKING:
    from service.application.steps import Advance


def react(on: Advance, row: Mapping[str, Any], effect: fx.Effect) -> None:
    """Dispatch one effect of an instance."""
    if isinstance(effect, fx.DeadlineAct):
        deadline_rows.act(on, row, effect)
    elif isinstance(effect, fx.DecisionTaken):
        _decided(on, row, effect)
    elif isinstance(effect, fx.SendReached):
        sending.send(on, row, effect)
    elif isinstance(effect, fx.ServiceReached):
        site_services.serve(on, row, effect)
    elif isinstance(effect, fx.Ended):
        endings.ended(on, row, effect)
    else:
        _carry(on, row, effect)


def _carry(on: Advance, row: Mapping[str, Any], effect: fx.Effect) -> None:
    if isinstance(effect, fx.ChildWanted):
        payload = {
            "instance": row["id"], "visit": effect.visit, "element": effect.element, "process": effect.process,
            "inputs": effect.inputs, "item": effect.item,
        }  # fmt: skip
        put(on, Effect("start_child", f"{effect.visit}:{effect.item}", payload))
    elif isinstance(effect, fx.ChildrenAbandoned):
        put(on, Effect("cancel_children", effect.visit))
    elif isinstance(effect, fx.SignalThrown):
        put_signal(on, effect.element, effect.signal)
    elif isinstance(effect, fx.SignalsDue):
        hear(on)
    elif isinstance(effect, fx.EscalationThrown):
        if row["parent_id"] and row["parent_task"]:
            payload = {"parent": row["parent_id"], "visit": row["parent_task"], "code": effect.code}
            put(on, Effect("child_escalated", f"{row['parent_task']}:{row['id']}", payload))
    elif isinstance(effect, fx.MessageThrown):
        if effect.message == trainings.START:
            trainings.begin(on, row, effect)
            return
        inputs = {"person": row["person_id"] or "", **effect.data}
        payload = {"message": effect.message, "element": effect.element, "inputs": inputs, "instance": row["id"]}
        put(on, Effect("start_by_message", f"{effect.message}:{effect.item or inputs['person']}", payload))


def _decided(on: Advance, row: Mapping[str, Any], effect: fx.DecisionTaken) -> None:
    person = effect.item or str(row["person_id"] or row["inputs"].get("person") or "")
    is_fact = effect.decision in on.fact_decisions
    values: dict[str, Any] = {} if is_fact else effect.values
    sealed = {person or on.incident_id: effect.values} if is_fact else {}
    event = ev.DecisionMade(effect.decision, effect.element, person, list(effect.rules), values)
    on.record(event, row=row, sealed=sealed)
    if effect.decision == "D07" and effect.item:
        contacts.judged(on, row, effect.item, effect.values)
