"""Who may do what: one table, deny unless a rule allows.

A principal holds roles in organisations. An organisation sees itself; a superior sees its subtree
through an overseeing role. Access to personal values follows the task: it is
given while a task that needs them is open, never by rank.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.domain.errors import NotAllowed
from service.domain.hierarchy import Hierarchy as Hierarchy
from service.domain.standing import EVALUATORS, LEADERS, LETTER_READERS, OUTSIDE_PARTIES, OVERSEERS

ADMINISTRATOR = "sys_admin"
TRAINER = "trainer"
SCHEDULER = "scheduler"
DATA_CONTACT = "data_protection"  # 个人信息保护联系人 (推): sees the log of his organisation, erases, answers requests


class Action(StrEnum):
    """What can be asked for; every route names one."""

    # one's own account, any list that is filtered afterwards
    SELF_READ = "self.read"
    SELF_SECURE = "self.secure"  # one's own password, second factor, sessions and tokens
    EVENTS_LISTEN = "events.listen"
    DEFINITION_READ = "definition.read"
    POLICY_READ = "policy.read"
    SCENARIO_READ = "scenario.read"
    ATTACHMENT_ADD = "attachment.add"
    # an organisation
    ORGANISATION_READ = "organisation.read"
    ORGANISATION_CHANGE = "organisation.change"  # it, its places and groups, and what stands below it
    STAFF_CHANGE = "staff.change"  # who works there, in which role, until when
    ROSTER_READ = "roster.read"
    ROSTER_CHANGE = "roster.change"
    INCIDENT_OPEN = "incident.open"
    DRILL_CREATE = "drill.create"
    # the duty roster of an organisation, and its ways to reach people
    DUTY_READ = "duty.read"
    DUTY_PLAN = "duty.plan"
    DUTY_APPROVE = "duty.approve"  # publish, approve swaps
    DUTY_SERVE = "duty.serve"  # sign in, hand over, swap, report an absence: each for himself
    CHANNEL_MANAGE = "channel.manage"
    DRILL_STOP = "drill.stop"  # say the code word
    # an incident
    INCIDENT_READ = "incident.read"
    PEOPLE_READ = "people.read"
    CASE_ADD = "case.add"
    TIMELINE_NOTE = "timeline.note"
    ACTION_PERFORM = "action.perform"
    MESSAGE_SEND = "message.send"
    PARTNER_DESK = "partner.desk"
    OUTBOX_READ = "outbox.read"
    OUTBOX_RETRY = "outbox.retry"
    REPORT_READ = "report.read"
    ATTACHMENT_READ = "attachment.read"
    ENGINE_RETRY = "engine.retry"
    ENGINE_RESOLVE = "engine.resolve"  # skip what failed, or cancel it
    DRILL_CONTROL = "drill.control"
    DRILL_REVIEW = "drill.review"  # rate objectives, write the report, plan improvements
    DRILL_ANSWER = "drill.answer"  # the questionnaire of those who took part
    # a task
    TASK_READ = "task.read"
    TASK_CLAIM = "task.claim"
    TASK_RELEASE = "task.release"
    TASK_DELEGATE = "task.delegate"
    TASK_COMPLETE = "task.complete"
    TASK_DRAFT = "task.draft"
    TASK_HAND_OVER = "task.hand_over"  # those of somebody who leaves
    TASK_REFUSE = "task.refuse"  # "cannot be done"
    TASK_PASS = "task.pass"  # noqa: S105 - show a QR code by which somebody without an account does it; no secret
    PERSON_REVEAL = "person.reveal"
    LETTER_REVEAL = "letter.reveal"  # whom a letter of another organisation names
    # privacy
    PERSON_SEARCH = "person.search"
    BREAK_GLASS = "break_glass"
    EXPORT_MAKE = "export.make"
    EXPORT_APPROVE = "export.approve"
    # the system
    DEFINITION_DEPLOY = "definition.deploy"
    DEFINITION_UPGRADE = "definition.upgrade"  # move what runs to another version
    POLICY_CHANGE = "policy.change"
    ACCOUNT_MANAGE = "account.manage"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFY = "audit.verify"
    DATA_EXTRACT = "data.extract"  # everything stored about one person, who asked for it
    DATA_ERASE = "data.erase"  # look at what is due, erase it, hold it back


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is signed in, or a program in his name. `memberships` maps organisation id to role ids."""

    account_id: str
    name: str
    memberships: Mapping[str, frozenset[str]] = field(default_factory=dict)
    locale: str = "zh_CN"
    actions: frozenset[Action] | None = None  # all that a token or pass is good for; None: whatever the roles allow
    stands_in: bool = False  # plays another in a drill: may draft as one and sign as the other

    @property
    def is_admin(self) -> bool:
        """Whether the system itself is in this person's care."""
        return any(ADMINISTRATOR in roles for roles in self.memberships.values())

    @property
    def roles(self) -> frozenset[str]:
        """All roles, whatever the organisation."""
        return frozenset().union(*self.memberships.values())

    def roles_in(self, organisation_ids: Iterable[str]) -> frozenset[str]:
        """Roles held in any of some organisations."""
        return frozenset().union(*(self.memberships.get(each, frozenset()) for each in organisation_ids))


@dataclass(frozen=True, slots=True)
class SystemSubject:
    """The system as a whole, or a list that is filtered by what the caller may see."""


@dataclass(frozen=True, slots=True)
class OrganisationSubject:
    """An organisation and its superiors."""

    organisation_id: str
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentSubject:
    """An incident. `sender` is the outside party a message comes from; `roles` who may perform an action.

    `participants` are further organisations that hold an instance or task of it.
    """

    organisation_id: str
    ancestors: tuple[str, ...] = ()
    is_drill: bool = False
    participants: frozenset[str] = frozenset()
    sender: str = ""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TaskSubject:
    """A task of an incident: the role of its lane, further roles, and who has it.

    `offered` are accounts it came to as stand-in or leader on duty, whatever roles they hold.
    Candidates may work on a task whoever has it; that it is claimed or no longer open is a conflict
    (TaskClaimed, TaskNotOpen), which the use case tells, not a lack of rights.
    """

    organisation_id: str
    role: str
    also: tuple[str, ...] = ()
    assignee: str | None = None
    ancestors: tuple[str, ...] = ()
    is_drill: bool = False
    is_open: bool = True
    offered: frozenset[str] = frozenset()
    done_by: str | None = None  # who did it, as long as that is only just over


Subject = SystemSubject | OrganisationSubject | IncidentSubject | TaskSubject
Rule = Callable[[Principal, Subject], bool]

# --- rules: each a sentence about principal and subject ---------------------------------------


def _anybody(_principal: Principal, _subject: Subject) -> bool:
    """Whoever is signed in."""
    return True


def _administrator(principal: Principal, _subject: Subject) -> bool:
    """Holds sys_admin."""
    return principal.is_admin


def _trainer(principal: Principal, _subject: Subject) -> bool:
    """Holds trainer somewhere."""
    return TRAINER in principal.roles


def _outside_party(principal: Principal, _subject: Subject) -> bool:
    """Can speak for some outside party."""
    return bool(principal.roles & OUTSIDE_PARTIES)


def _member(principal: Principal, subject: Subject) -> bool:
    """Holds a role of the organisation; that of a trainer alone does not count."""
    return bool(principal.roles_in([_organisation(subject)]) - {TRAINER})


def _participant(principal: Principal, subject: Subject) -> bool:
    """Belongs to an organisation that works on the incident."""
    organisations = subject.participants if isinstance(subject, IncidentSubject) else frozenset()
    return bool(principal.roles_in(organisations) - {TRAINER})


def _overseer(principal: Principal, subject: Subject) -> bool:
    """Holds an overseeing role in a superior organisation."""
    return bool(principal.roles_in(_ancestors(subject)) & OVERSEERS)


def _leader(principal: Principal, subject: Subject) -> bool:
    """Leads the organisation."""
    return bool(principal.roles_in([_organisation(subject)]) & LEADERS)


def _data_contact(principal: Principal, subject: Subject) -> bool:
    """Is the data-protection contact of the organisation."""
    return DATA_CONTACT in principal.roles_in([_organisation(subject)])


def _leader_here_or_above(principal: Principal, subject: Subject) -> bool:
    """Leads the organisation or a superior."""
    return bool(principal.roles_in([_organisation(subject), *_ancestors(subject)]) & LEADERS)


def _trainer_here(principal: Principal, subject: Subject) -> bool:
    """Is trainer of the organisation or of a superior."""
    return TRAINER in principal.roles_in([_organisation(subject), *_ancestors(subject)])


def _trainer_of_drill(principal: Principal, subject: Subject) -> bool:
    """Is trainer there, and it is a drill."""
    return _is_drill(subject) and _trainer_here(principal, subject)


def _evaluator_of_drill(principal: Principal, subject: Subject) -> bool:
    """Is its trainer, or coordinates or leads there or above, and it is a drill (P26.6)."""
    held = principal.roles_in([_organisation(subject), *_ancestors(subject)])
    return _is_drill(subject) and bool(held & (EVALUATORS | LEADERS))


def _speaks_for_sender(principal: Principal, subject: Subject) -> bool:
    """Holds the role of the outside party that is heard, in the organisation or a superior."""
    if not isinstance(subject, IncidentSubject):
        return False
    held = principal.roles_in([subject.organisation_id, *subject.ancestors]) & OUTSIDE_PARTIES
    return subject.sender in held


def _has_action_role(principal: Principal, subject: Subject) -> bool:
    """Holds, in the organisation, a role the action is offered to."""
    roles = subject.roles if isinstance(subject, IncidentSubject) else frozenset()
    return bool(principal.roles_in([_organisation(subject)]) & roles)


def _candidate(principal: Principal, subject: Subject) -> bool:
    """Holds the task's role, or a further one, in the incident's organisation."""
    if not isinstance(subject, TaskSubject):
        return False
    return bool(principal.roles_in([subject.organisation_id]) & {subject.role, *subject.also})


def _offered(principal: Principal, subject: Subject) -> bool:
    """The task came to him: as stand-in, or as leader on duty."""
    return isinstance(subject, TaskSubject) and principal.account_id in subject.offered


def _reads_letters(principal: Principal, subject: Subject) -> bool:
    """Sees to letters that come to the organisation."""
    return bool(principal.roles_in([_organisation(subject)]) & LETTER_READERS)


def _scheduler(principal: Principal, subject: Subject) -> bool:
    """Draws up the roster of the organisation."""
    return SCHEDULER in principal.roles_in([_organisation(subject)])


def _assignee(principal: Principal, subject: Subject) -> bool:
    """Has the task."""
    return isinstance(subject, TaskSubject) and subject.assignee == principal.account_id


def _at_work(principal: Principal, subject: Subject) -> bool:
    """Has the open task, or may take it because nobody has."""
    if not isinstance(subject, TaskSubject) or not subject.is_open:
        return False
    is_for_him = _candidate(principal, subject) or _offered(principal, subject)
    return _assignee(principal, subject) or (subject.assignee is None and is_for_him)


def _just_done(principal: Principal, subject: Subject) -> bool:
    """Has only just done the task."""
    return isinstance(subject, TaskSubject) and not subject.is_open and subject.done_by == principal.account_id


# --- the table --------------------------------------------------------------------------------

RULES: Mapping[Action, tuple[Rule, ...]] = {
    Action.SELF_READ: (_anybody,),
    Action.SELF_SECURE: (_anybody,),
    Action.EVENTS_LISTEN: (_anybody,),
    Action.DEFINITION_READ: (_anybody,),
    Action.POLICY_READ: (_anybody,),
    Action.SCENARIO_READ: (_trainer,),
    Action.ATTACHMENT_ADD: (_anybody,),
    Action.ORGANISATION_READ: (_member, _overseer, _trainer_here, _administrator),
    Action.ORGANISATION_CHANGE: (_leader_here_or_above, _administrator),
    Action.STAFF_CHANGE: (_leader_here_or_above, _administrator),
    Action.ROSTER_READ: (_member,),
    Action.ROSTER_CHANGE: (_leader, _administrator),
    Action.INCIDENT_OPEN: (_member,),
    Action.DRILL_CREATE: (_trainer_here,),
    Action.DUTY_READ: (_member, _overseer, _administrator),
    Action.DUTY_PLAN: (_scheduler, _leader),
    Action.DUTY_APPROVE: (_leader,),
    Action.DUTY_SERVE: (_member,),
    Action.CHANNEL_MANAGE: (_scheduler, _leader, _administrator),
    Action.DRILL_STOP: (_member, _trainer_here),
    Action.INCIDENT_READ: (_member, _participant, _overseer, _trainer_of_drill, _administrator),
    Action.PEOPLE_READ: (_member, _overseer, _trainer_of_drill),
    Action.CASE_ADD: (_member, _trainer_of_drill),
    Action.TIMELINE_NOTE: (_member, _trainer_of_drill),
    Action.ACTION_PERFORM: (_has_action_role, _trainer_of_drill),
    Action.MESSAGE_SEND: (_speaks_for_sender, _trainer_of_drill),
    Action.PARTNER_DESK: (_outside_party, _trainer),
    Action.OUTBOX_READ: (_member, _overseer, _trainer_of_drill, _administrator),
    Action.OUTBOX_RETRY: (_leader, _trainer_of_drill, _administrator),
    Action.REPORT_READ: (_member, _overseer, _trainer_of_drill),
    Action.ATTACHMENT_READ: (_member, _trainer_of_drill),
    Action.ENGINE_RETRY: (_administrator,),
    Action.ENGINE_RESOLVE: (_administrator,),
    Action.DRILL_CONTROL: (_trainer_of_drill,),
    Action.DRILL_REVIEW: (_evaluator_of_drill,),
    Action.DRILL_ANSWER: (_member, _trainer_of_drill),
    Action.TASK_READ: (_member, _offered, _assignee, _overseer, _trainer_of_drill),
    Action.TASK_CLAIM: (_candidate, _offered, _assignee, _trainer_of_drill),
    Action.TASK_RELEASE: (_assignee, _leader, _trainer_of_drill),
    Action.TASK_DELEGATE: (_candidate, _offered, _assignee, _leader, _trainer_of_drill),
    Action.TASK_COMPLETE: (_candidate, _offered, _assignee, _trainer_of_drill),
    Action.TASK_DRAFT: (_candidate, _offered, _assignee, _trainer_of_drill),
    Action.TASK_HAND_OVER: (_leader_here_or_above, _administrator),
    Action.TASK_REFUSE: (_candidate, _offered, _assignee, _trainer_of_drill),
    Action.TASK_PASS: (_candidate, _offered, _assignee, _leader, _trainer_of_drill),
    Action.PERSON_REVEAL: (_at_work, _just_done),
    Action.LETTER_REVEAL: (_reads_letters,),
    Action.PERSON_SEARCH: (_anybody,),
    Action.BREAK_GLASS: (_member, _overseer),
    Action.EXPORT_MAKE: (_member, _overseer, _trainer_of_drill),
    Action.EXPORT_APPROVE: (_leader, _trainer_of_drill),
    Action.DEFINITION_DEPLOY: (_administrator,),
    Action.DEFINITION_UPGRADE: (_administrator,),
    Action.POLICY_CHANGE: (_administrator,),
    Action.ACCOUNT_MANAGE: (_administrator,),
    Action.AUDIT_READ: (_administrator, _leader, _data_contact),
    Action.AUDIT_VERIFY: (_administrator,),
    Action.DATA_EXTRACT: (_data_contact,),
    Action.DATA_ERASE: (_administrator, _leader, _data_contact),
}

SYSTEM = SystemSubject()


def may(principal: Principal | None, action: Action, subject: Subject = SYSTEM) -> bool:
    """Whether somebody may do something; nobody signed in (None) may do nothing."""
    return (
        principal is not None
        and is_within(principal, action)
        and any(rule(principal, subject) for rule in RULES.get(action, ()))
    )


def is_within(principal: Principal, action: Action) -> bool:
    """Whether the token or pass of a principal is good for an action, whatever his roles allow."""
    return principal.actions is None or action in principal.actions


def require(principal: Principal | None, action: Action, subject: Subject = SYSTEM) -> Principal:
    """Return the principal if it may; otherwise raise NotAllowed."""
    if principal is None or not may(principal, action, subject):
        raise NotAllowed(str(action))
    return principal


def _organisation(subject: Subject) -> str:
    return "" if isinstance(subject, SystemSubject) else subject.organisation_id


def _ancestors(subject: Subject) -> tuple[str, ...]:
    return () if isinstance(subject, SystemSubject) else subject.ancestors


def _is_drill(subject: Subject) -> bool:
    return isinstance(subject, IncidentSubject | TaskSubject) and subject.is_drill
