"""The four kinds of audit entry, and what each event of the log is: 查看, 修改, 导出, 登录.

What the engine writes of itself (a token reached a step) is none: it is on the timeline and the diagram.
"""

from enum import StrEnum

from service.domain.events import base


class AuditKind(StrEnum):
    """Somebody saw, changed or took out data, or came in."""

    VIEW = "view"
    CHANGE = "change"
    EXPORT = "export"
    SIGN_IN = "sign_in"


_EXPORTS = frozenset({"export_asked", "export_decided", "export_made"})
# By the module of `service.domain.events` that declares the event.
_MODULES = {"signing_in": AuditKind.SIGN_IN, "privacy": AuditKind.VIEW, "auditing": AuditKind.VIEW}
# What follows by itself from what a person did, or from time passing.
_FOLLOWING = frozenset(
    {
        "element_entered", "element_completed", "element_cancelled", "iteration_completed", "wait_armed", "wait_moved",
        "wait_ended", "decision_made", "deadline_started", "deadline_met", "deadline_moved", "deadline_cancelled",
        "deadline_escalated", "task_opened", "notice_sent", "message_delivered", "message_expired", "delivery_queued",
        "delivery_sent", "instance_started", "instance_ended", "person_linked", "contact_linked",
        "incident_status_changed", "case_status_changed", "contact_status_changed", "contact_handed_over",
        "engine_incident_raised", "task_assigned", "delivery_withdrawn", "duty_gap_found", "shift_missed",
    }
)  # fmt: skip


def kinds() -> dict[str, AuditKind]:
    """The kind of every event type that is an audit entry."""
    found = {cls.type: _kind(cls) for cls in base.REGISTRY.values()}
    return {type_: kind for type_, kind in found.items() if kind is not None}


def types_of(wanted: frozenset[str]) -> list[str]:
    """The event types of some kinds; of all where none is named."""
    return sorted(type_ for type_, kind in kinds().items() if not wanted or kind in wanted)


def _kind(cls: type[base.Event]) -> AuditKind | None:
    module = cls.__module__.rpartition(".")[2]
    if cls.type in _EXPORTS:
        return AuditKind.EXPORT
    if module in _MODULES:
        return _MODULES[module]
    return None if cls.type in _FOLLOWING else AuditKind.CHANGE
