"""Rules about tasks: who does them, with which form, decision, channel or script."""

import re
from collections.abc import Iterator
from typing import Final

from service.engine.known import Known
from service.engine.model import Finding, Kind, Node, Process, Trigger
from service.engine.rules import finding

_CHANNELS: Final = frozenset({"auto", "phone", "manual"})
_FORM: Final = re.compile(r"F\d{2}[a-z]?#[a-z][a-z0-9_-]*")
_ROLE: Final = re.compile(r"[a-z][a-z0-9_]*")
_ALWAYS_HUMAN: Final = frozenset({Kind.USER, Kind.MANUAL, Kind.RECEIVE})


def check_tasks(process: Process, known: Known) -> Iterator[Finding]:
    """Findings about the tasks of a page."""
    for node in process.nodes.values():
        yield from _check_role(process, node, known)
        yield from _check_form(process, node, known)
        if node.kind is Kind.SEND:
            yield from _check_channel(process, node)
        if node.kind is Kind.RULE:
            yield from _check_decision(process, node, known)
        if node.kind is Kind.RECEIVE and not node.message:
            yield finding("event_message", process.file, node.id)
    for lane, role in process.lanes.items():
        if role and not _ROLE.fullmatch(role):
            yield finding("role_syntax", process.file, lane, name=role)


def needs_person(node: Node) -> bool:
    """Whether people see the node as work: a task, a confirmation, an entry of the Actions menu."""
    if node.kind in _ALWAYS_HUMAN:
        return True
    if node.kind is Kind.SEND:
        return node.channel != "auto"
    return node.trigger is Trigger.MESSAGE and bool(node.form)


def _check_role(process: Process, node: Node, known: Known) -> Iterator[Finding]:
    if needs_person(node) and not node.role:
        yield finding("nested_role" if node.parent else "human_role", process.file, node.id)
    for role in (node.role, *node.also):
        if role and not _ROLE.fullmatch(role):
            yield finding("role_syntax", process.file, node.id, name=role)
        elif role and known.roles is not None and role not in known.roles:
            yield finding("role_unknown", process.file, node.id, name=role)


def _check_form(process: Process, node: Node, known: Known) -> Iterator[Finding]:
    if not node.form:
        if node.kind is Kind.USER:
            yield finding("form_missing", process.file, node.id)
    elif not _FORM.fullmatch(node.form):
        yield finding("form_syntax", process.file, node.id, name=node.form)
    elif known.view_exists is not None and not known.view_exists(node.form):
        yield finding("form_unknown", process.file, node.id, name=node.form)


def _check_channel(process: Process, node: Node) -> Iterator[Finding]:
    if node.channel not in _CHANNELS and not node.channel.startswith("="):
        yield finding("send_channel", process.file, node.id, value=node.channel)
    elif node.channel != "auto" and not node.form:
        yield finding("send_form", process.file, node.id)


def _check_decision(process: Process, node: Node, known: Known) -> Iterator[Finding]:
    if not node.decision:
        yield finding("decision_missing", process.file, node.id)
    elif node.decision not in known.decisions:
        yield finding("decision_unknown", process.file, node.id, name=node.decision)
