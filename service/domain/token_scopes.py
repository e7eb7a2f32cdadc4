"""Scopes of personal access tokens, and what an emergency pass is good for: names of sets of actions.

A scope never gives a right: it says for which of the account's own rights a token may be used. An action that
stands in no scope, such as changing one's own password, cannot be done with a token at all.
"""

from collections.abc import Iterable, Mapping

from service.domain.access import Action

_READ = frozenset(
    {
        Action.SELF_READ, Action.EVENTS_LISTEN, Action.DEFINITION_READ, Action.POLICY_READ, Action.SCENARIO_READ,
        Action.ORGANISATION_READ, Action.ROSTER_READ, Action.DUTY_READ, Action.INCIDENT_READ, Action.PEOPLE_READ,
        Action.OUTBOX_READ, Action.REPORT_READ, Action.ATTACHMENT_READ, Action.TASK_READ,
    }
)  # fmt: skip
_TASKS = frozenset(
    {
        Action.TASK_CLAIM, Action.TASK_RELEASE, Action.TASK_DELEGATE, Action.TASK_COMPLETE, Action.TASK_DRAFT,
        Action.TASK_REFUSE, Action.PERSON_REVEAL, Action.ATTACHMENT_ADD,
    }
)  # fmt: skip
_INCIDENTS = frozenset(
    {
        Action.INCIDENT_OPEN, Action.CASE_ADD, Action.TIMELINE_NOTE, Action.ACTION_PERFORM, Action.MESSAGE_SEND,
        Action.PARTNER_DESK, Action.OUTBOX_RETRY, Action.DRILL_CREATE, Action.DRILL_CONTROL, Action.ATTACHMENT_ADD,
    }
)  # fmt: skip
_ADMIN = frozenset(
    {
        Action.ENGINE_RETRY, Action.ENGINE_RESOLVE, Action.DEFINITION_DEPLOY, Action.DEFINITION_UPGRADE,
        Action.POLICY_CHANGE, Action.AUDIT_READ, Action.AUDIT_VERIFY,
    }
)  # fmt: skip

# Every scope includes reading: a program that acts must see what it acts on.
SCOPES: Mapping[str, frozenset[Action]] = {
    "read": _READ,
    "tasks": _READ | _TASKS,
    "incidents": _READ | _INCIDENTS,
    "admin": _READ | _ADMIN,
}

# What somebody with an emergency pass does, on the task that was handed to him and on no other.
PASS_ACTIONS = frozenset({Action.TASK_READ, Action.TASK_COMPLETE, Action.PERSON_REVEAL, Action.ATTACHMENT_ADD})
# What a guest of a drill does, in that drill (`application/drill_join.py` asks which one) and nowhere else.
GUEST_ACTIONS = frozenset({Action.INCIDENT_READ, Action.TASK_READ, Action.TASK_COMPLETE, Action.ATTACHMENT_ADD})


def actions_of(scopes: Iterable[str]) -> frozenset[Action]:
    """What a token with these scopes may be used for; a scope nobody knows any more is good for nothing."""
    return frozenset().union(*(SCOPES.get(each, frozenset()) for each in scopes))
