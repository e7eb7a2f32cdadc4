"""From an answer to facts: check it against the view, record it, let the instance go on.

A task, an outside party's message and an entry of the Actions menu all come through `answer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.application import (
    attachments,
    confirmations,
    contacts,
    lost_contacts,
    observations,
    registration,
    reporting,
    sending,
    suspensions,
    training_actions,
)
from service.application.fill_contexts import PERSON_FORMS, Target, context_for
from service.domain import events as ev
from service.domain.access import Principal
from service.domain.deadlines import lateness
from service.domain.errors import FormRefused
from service.domain.form_messages import field_error
from service.domain.forms import Answers, fill
from service.engine import runner
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance


def answer(on: Advance, target: Target, principal: Principal, data: Mapping[str, Any], late_reason: str = "") -> None:
    """Record an answer and complete what waited for it. Raises FormRefused; nothing is stored then."""
    view, answers = on.services.forms.view(target.form_key), checked(on, target, principal, data)
    person = _registered(on, target, answers)
    if view.is_list:
        _save_rows(on, target, answers)
    else:
        _save(on, target, answers, person)
    attachments.attach(on.uow, on.incident_id, principal.account_id, answers.values)
    reporting.follow_answer(on, target, answers.values, late_reason)
    suspensions.follow_answer(on, target, answers.values)
    observations.follow_answer(on, target, answers.values)
    lost_contacts.follow_answer(on, target)
    training_actions.follow_answer(on, target, answers.values)
    if observations.is_only_noted(target, answers.values):
        return
    if target.task is not None:
        task_done(on, target, answers.values, late_reason)
        if target.task["kind"] == "send":
            sending.confirm_call(on, target, answers.values)
        if target.task["kind"] == confirmations.KIND:
            confirmations.confirmed(on, target, answers.values)
            return  # no token waits for it
    row = target.instance
    node = on.assembly(row).bundle.node(target.element)
    outputs = {**answers.outputs, **answers.named(node.outputs if node else ())}
    if person and (not target.person or target.form == "F29"):
        outputs = {**outputs, "person": person}
    on.step(row, lambda instance, context: runner.complete(instance, context, target.visit, outputs))


def checked(on: Advance, target: Target, principal: Principal, data: Mapping[str, Any]) -> Answers:
    """An answer that breaks no rule; nothing is recorded. Raises FormRefused, FinalListAwaited and the like."""
    view = on.services.forms.view(target.form_key)
    answers = fill(view, data, context_for(on.view, target, principal, data))
    on.done_at = on.done_at or _stated_time(answers.values)
    observations.complete(on, target, answers)
    for check in (contacts.check, observations.check, suspensions.check):
        check(on, target, answers)
    return answers


def record_only(on: Advance, target: Target, principal: Principal, data: Mapping[str, Any]) -> str:
    """Record an answer nothing waits for (a further person); returns the person it is about."""
    view = on.services.forms.view(target.form_key)
    answers = fill(view, data, context_for(on.view, target, principal, data))
    person = _registered(on, target, answers)
    _save(on, target, answers, person)
    return person


def fits(on: Advance, target: Target, principal: Principal, data: Mapping[str, Any]) -> bool:
    """Whether an answer would be taken; nothing is recorded."""
    view = on.services.forms.view(target.form_key)
    try:
        contacts.check(on, target, fill(view, data, context_for(on.view, target, principal, data)))
    except FormRefused:
        return False
    return True


def _stated_time(values: Mapping[str, Any]) -> datetime | None:
    for key in ("done_at", "sent_at", "measured_at"):
        if isinstance(values.get(key), str):
            return datetime.fromisoformat(values[key])
    return None


def _registered(on: Advance, target: Target, answers: Answers) -> str:
    """Register who an F01 or F02 names; returns the person the record is about."""
    block = answers.values.get("person")
    if target.form_key in contacts.SINGLE:
        return contacts.register(on, target, answers)[0]
    if target.form == "F29" and isinstance(block, Mapping) and block.get("id"):
        return _tested(target, str(block["id"]))
    if target.form == "F01" and target.form_key != "F01#complete" and isinstance(block, Mapping):
        person = _case_id(on, target, block)
        registration.register_case(on, target.instance, person, block)
        if answers.values.get("positions_fixed"):
            registration.register_seat_plan(on, target.instance, person)
        return person
    if target.form_key == "F02#register":
        near = {entry.get("id") for entry in answers.values.get("neighbours") or []}
        for entry in answers.values["rows"]:
            identity = {key: entry[key] for key in registration.IDENTITY if key in entry}
            registration.register_on_site(on, target.instance, identity, is_neighbour=entry.get("id") in near)
    is_stranger = target.person and not registration.is_registered(on, target.person)
    if target.form_key == "F17#apply" and isinstance(block, Mapping) and is_stranger:
        registration.register_returning(on, target.instance, target.person, block)
    return target.person


def _tested(target: Target, person: str) -> str:
    """Whom a test result is about; an observation takes only that of its own person."""
    if target.instance["process"] == contacts.OBSERVATION and target.instance["person_id"] != person:
        raise FormRefused([field_error("person.id", "not_among")])
    return person


def _case_id(on: Advance, target: Target, block: Mapping[str, Any]) -> str:
    """The person of a new case: one the incident knows and who is no case yet, otherwise a new one."""
    for known in (str(block.get("id") or ""), target.person):
        is_case = known in on.facts.rows.known
        if known and not is_case and (known == target.person or on.facts.rows.find(known)):
            return known
    return on.uow.new_id()


def _save(on: Advance, target: Target, answers: Answers, person: str) -> None:
    is_personal = target.form in PERSON_FORMS
    subject = person if is_personal and person else on.incident_id
    form, _, view = target.form_key.partition("#")
    event = ev.RecordSaved(form, view, person, target.visit, answers.public)
    sealed = {subject: answers.sealed} if answers.sealed else {}
    on.record(event, row=target.instance, element=target.element, sealed=sealed)


def _save_rows(on: Advance, target: Target, answers: Answers) -> None:
    """One record per row of a list view, each about its own person."""
    form, _, view = target.form_key.partition("#")
    named = [str((sealed.get("person") or {}).get("id") or "") for sealed in answers.sealed["rows"]]
    persons = contacts.register(on, target, answers) if target.form_key in contacts.STAGES else named
    for person, public, sealed in zip(persons, answers.public["rows"], answers.sealed["rows"], strict=True):
        event = ev.RecordSaved(form, view, person, target.visit, public)
        on.record(event, row=target.instance, element=target.element, sealed={person or on.incident_id: sealed})


def task_done(on: Advance, target: Target, values: Mapping[str, Any], late_reason: str) -> None:
    """Record that a task was answered, at its true time."""
    done_at = min(on.done_at, on.now) if on.done_at else on.now
    late = lateness(target.due_at, done_at) if target.due_at else 0
    reason = late_reason or str(values.get("late_reason") or values.get("done_late_reason") or "")
    event = ev.TaskCompleted(target.visit, done_at.isoformat(), late, reason)
    on.record(event, row=target.instance, element=target.element)


def target_of_task(on: Advance, task: Mapping[str, Any]) -> Target:
    """What a task row asks for."""
    return Target(
        instance=on.instance_row(task["instance_id"]), visit=task["id"], element=task["element"],
        form_key=task["form_key"], person=task["person_id"] or "", opened_at=task["created_at"],
        due_at=task["due_at"], task=task,
    )  # fmt: skip


def target_of_wait(on: Advance, wait: Mapping[str, Any]) -> Target:
    """What a waiting message event asks for; its task if it is a receive task."""
    task = on.rows.get(sql.tasks, wait["id"])
    if task is not None:
        return target_of_task(on, task)
    return Target(
        instance=on.instance_row(wait["instance_id"]), visit=wait["id"], element=wait["element"],
        form_key=wait["form_key"], person=wait["person_id"] or "", opened_at=wait["armed_at"], due_at=None,
    )  # fmt: skip
