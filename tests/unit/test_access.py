import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.access import (
    RULES,
    SYSTEM,
    Action,
    Hierarchy,
    IncidentSubject,
    OrganisationSubject,
    Principal,
    Subject,
    TaskSubject,
    may,
    require,
)
from service.domain.errors import NotAllowed
from service.domain.field_access import may_see_field
from service.domain.jurisdiction import drill_organisations, visible_organisations

TREE = Hierarchy(
    {"county": None, "office": "county", "school": "office", "school-2": "office", "town": "county", "village": "town"}
)
SCHOOL = ("office", "county")
HERE = IncidentSubject("school", SCHOOL)
DRILL = IncidentSubject("school", SCHOOL, is_drill=True)
TASK = TaskSubject("school", "isolation_lead", ("school_doctor",), None, SCHOOL)

# What everybody who is signed in may do whatever the organisation.
OPEN_TO_ALL = {
    Action.SELF_READ,
    Action.SELF_SECURE,
    Action.EVENTS_LISTEN,
    Action.DEFINITION_READ,
    Action.POLICY_READ,
    Action.ATTACHMENT_ADD,
    Action.PERSON_SEARCH,  # finds within what one may see
}


def a_principal(organisation: str, *roles: str, account: str = "a1") -> Principal:
    return Principal(account, "某人", {organisation: frozenset(roles)})


TEACHER = a_principal("school", "place_lead", "head_teacher")
NURSE = a_principal("school", "isolation_lead", account="a2")
LEADER = a_principal("school", "school_leader", account="a3")
NEIGHBOUR = a_principal("school-2", "school_leader", "isolation_lead", "school_doctor")
VILLAGER = a_principal("village", "village_committee")
COUNTY = a_principal("county", "county_hq", "ambulance_120")
HOSPITAL = a_principal("county", "designated_hospital")
TRAINER = a_principal("school", "trainer")
ADMIN = a_principal("system", "sys_admin")
OUTSIDER = Principal("a9", "无岗位")


def test_every_action_has_a_rule() -> None:
    assert set(RULES) == set(Action)


@pytest.mark.parametrize("action", Action)
def test_nobody_signed_in_may_do_nothing(action: Action) -> None:
    assert not may(None, action, HERE)


@pytest.mark.parametrize(
    "subject", [HERE, DRILL, TASK, OrganisationSubject("school", SCHOOL)], ids=["incident", "drill", "task", "school"]
)
@pytest.mark.parametrize("principal", [NEIGHBOUR, VILLAGER, OUTSIDER], ids=["neighbour", "villager", "outsider"])
def test_another_organisation_reaches_nothing(principal: Principal, subject: Subject) -> None:
    assert {action for action in Action if may(principal, action, subject)} == OPEN_TO_ALL


@given(
    organisation=st.sampled_from(["school-2", "town", "village", "elsewhere"]),
    roles=st.sets(
        st.sampled_from(sorted({role for role in ("county_hq", "town_hq", "school_leader", "trainer", "nurse")}))
    ),
    action=st.sampled_from([each for each in Action if each not in OPEN_TO_ALL]),
)
def test_no_role_elsewhere_reaches_an_incident_or_task(organisation: str, roles: set[str], action: Action) -> None:
    principal = a_principal(organisation, *roles)
    if action in (Action.PARTNER_DESK, Action.SCENARIO_READ):  # the list is filtered by incident, by organisation
        return
    assert not may(principal, action, HERE)
    assert not may(principal, action, TASK)


@pytest.mark.parametrize(
    ("principal", "action", "subject", "allowed"),
    [
        (TEACHER, Action.INCIDENT_OPEN, OrganisationSubject("school", SCHOOL), True),
        (TEACHER, Action.INCIDENT_OPEN, OrganisationSubject("school-2", SCHOOL), False),
        (COUNTY, Action.INCIDENT_OPEN, OrganisationSubject("school", SCHOOL), False),
        (TEACHER, Action.INCIDENT_READ, HERE, True),
        (COUNTY, Action.INCIDENT_READ, HERE, True),
        (HOSPITAL, Action.INCIDENT_READ, HERE, False),
        (VILLAGER, Action.INCIDENT_READ, IncidentSubject("school", SCHOOL, participants=frozenset({"village"})), True),
        (ADMIN, Action.INCIDENT_READ, HERE, True),
        (ADMIN, Action.PEOPLE_READ, HERE, False),
        (ADMIN, Action.ENGINE_RETRY, HERE, True),
        (LEADER, Action.ENGINE_RETRY, HERE, False),
        (TRAINER, Action.INCIDENT_READ, HERE, False),
        (TRAINER, Action.INCIDENT_READ, DRILL, True),
        (TRAINER, Action.DRILL_CONTROL, DRILL, True),
        (TRAINER, Action.DRILL_CONTROL, HERE, False),
        (LEADER, Action.DRILL_CONTROL, DRILL, False),
        (TRAINER, Action.DRILL_CREATE, OrganisationSubject("school", SCHOOL), True),
        (TRAINER, Action.DRILL_CREATE, OrganisationSubject("school-2", SCHOOL), False),
        (a_principal("county", "trainer"), Action.DRILL_CREATE, OrganisationSubject("school", SCHOOL), True),
        (NURSE, Action.TASK_COMPLETE, TASK, True),
        (a_principal("school", "school_doctor"), Action.TASK_COMPLETE, TASK, True),
        (TEACHER, Action.TASK_COMPLETE, TASK, False),
        (TEACHER, Action.TASK_READ, TASK, True),
        (COUNTY, Action.TASK_COMPLETE, TASK, False),
        (TEACHER, Action.TASK_COMPLETE, TaskSubject("school", "isolation_lead", assignee="a1"), True),
        (NURSE, Action.PERSON_REVEAL, TASK, True),
        (NURSE, Action.PERSON_REVEAL, TaskSubject("school", "isolation_lead", is_open=False), False),
        (NURSE, Action.PERSON_REVEAL, TaskSubject("school", "isolation_lead", assignee="a1"), False),
        (LEADER, Action.PERSON_REVEAL, TASK, False),
        (LEADER, Action.TASK_RELEASE, TASK, True),
        (TEACHER, Action.TASK_RELEASE, TASK, False),
        (TRAINER, Action.TASK_COMPLETE, TaskSubject("school", "isolation_lead", is_drill=True), True),
        (TRAINER, Action.TASK_COMPLETE, TASK, False),
        (COUNTY, Action.MESSAGE_SEND, IncidentSubject("school", SCHOOL, sender="ambulance_120"), True),
        (COUNTY, Action.MESSAGE_SEND, IncidentSubject("school", SCHOOL, sender="designated_hospital"), False),
        (LEADER, Action.MESSAGE_SEND, IncidentSubject("school", SCHOOL, sender="ambulance_120"), False),
        (TRAINER, Action.MESSAGE_SEND, IncidentSubject("school", SCHOOL, is_drill=True, sender="ambulance_120"), True),
        (LEADER, Action.ACTION_PERFORM, IncidentSubject("school", SCHOOL, roles=frozenset({"school_leader"})), True),
        (TEACHER, Action.ACTION_PERFORM, IncidentSubject("school", SCHOOL, roles=frozenset({"school_leader"})), False),
        (COUNTY, Action.PARTNER_DESK, SYSTEM, True),
        (TEACHER, Action.PARTNER_DESK, SYSTEM, False),
        (ADMIN, Action.POLICY_CHANGE, SYSTEM, True),
        (COUNTY, Action.POLICY_CHANGE, SYSTEM, False),
        (ADMIN, Action.DEFINITION_DEPLOY, SYSTEM, True),
        (LEADER, Action.DEFINITION_DEPLOY, SYSTEM, False),
    ],
)
def test_the_table(principal: Principal, action: Action, subject: Subject, *, allowed: bool) -> None:
    assert may(principal, action, subject) is allowed


def test_require_gives_the_principal_or_refuses() -> None:
    assert require(TEACHER, Action.INCIDENT_READ, HERE) is TEACHER
    for principal in (None, NEIGHBOUR):
        with pytest.raises(NotAllowed, match="not_allowed"):
            require(principal, Action.INCIDENT_READ, HERE)


@pytest.mark.parametrize(
    ("field_class", "without_task", "with_task", "revealed"),
    [
        ("public", True, True, True),
        ("internal", True, True, True),
        ("personal", False, True, True),
        ("health", False, True, True),
        ("child_critical", False, False, True),
        ("unheard of", False, False, False),
    ],
)
def test_personal_values_are_seen_only_with_an_open_task(
    field_class: str, *, without_task: bool, with_task: bool, revealed: bool
) -> None:
    for principal in (TEACHER, LEADER, COUNTY, ADMIN):
        assert may_see_field(principal, field_class, has_open_task=False) is without_task
        assert may_see_field(principal, field_class, has_open_task=True) is with_task
        assert may_see_field(principal, field_class, has_open_task=True, is_revealed=True) is revealed
    assert may_see_field(OUTSIDER, "internal", has_open_task=False) is False


def test_an_organisation_sees_itself_and_an_overseer_its_subtree() -> None:
    assert visible_organisations(TEACHER, TREE) == {"school"}
    assert visible_organisations(COUNTY, TREE) == set(TREE.parents)
    assert visible_organisations(a_principal("office", "district_office"), TREE) == {"office", "school", "school-2"}
    assert visible_organisations(HOSPITAL, TREE) == {"county"}
    assert visible_organisations(VILLAGER, TREE) == {"village"}
    assert visible_organisations(TRAINER, TREE) == frozenset()
    assert visible_organisations(ADMIN, TREE) == set(TREE.parents)
    assert drill_organisations(a_principal("county", "trainer"), TREE) == set(TREE.parents)
    assert drill_organisations(TEACHER, TREE) == frozenset()


@given(
    organisation=st.sampled_from(sorted(TREE.parents)),
    roles=st.sets(st.sampled_from(["county_hq", "district_office", "town_hq", "head_teacher", "trainer", "sys_admin"])),
)
def test_what_is_listed_is_what_may_be_read(organisation: str, roles: set[str]) -> None:
    principal = a_principal(organisation, *roles)
    readable = {
        each
        for each in TREE.parents
        if may(principal, Action.INCIDENT_READ, IncidentSubject(each, TREE.ancestors(each)))
    }
    assert visible_organisations(principal, TREE) == readable
    drills = {
        each
        for each in TREE.parents
        if may(principal, Action.DRILL_CONTROL, IncidentSubject(each, TREE.ancestors(each), is_drill=True))
    }
    assert drill_organisations(principal, TREE) == drills


def test_a_hierarchy_that_bites_its_tail_ends() -> None:
    assert Hierarchy({"a": "b", "b": "a"}).ancestors("a") == ("b", "a")
    assert Hierarchy({}).ancestors("unknown") == ()
