"""Changing the directory: who may, what is refused, what the log says, and how it is taken back."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service.application import (
    accounts,
    directory_log,
    directory_undo,
    handovers,
    invitations,
    organisation_changes,
    organisations,
    place_changes,
    roster_changes,
    staff_changes,
)
from service.application.directory_undo import UndoChange
from service.application.handovers import HandOver
from service.application.organisation_changes import (
    ChangeOrganisation,
    CreateOrganisation,
    MoveOrganisation,
    SwitchOrganisation,
)
from service.application.place_changes import AddUsualGroups, SaveGroup, SavePlace
from service.application.rehearsal import rehearse
from service.application.roster_changes import RemoveMember, SaveMember
from service.application.staff_changes import EndRole, GiveRole, InviteAgain, InvitePerson, RenamePerson, SwitchAccount
from service.domain import events as ev
from service.domain.access import Principal
from service.domain.errors import (
    AlreadyExists,
    BeyondReach,
    InvitationInvalid,
    LastAdministrator,
    NotAllowed,
    OrganisationInactive,
    OrganisationInUse,
    RevisionChanged,
    SignInFailed,
    ValueRefused,
)
from service.persistence import chain
from service.persistence.tables import sql
from tests.contract.product import OPENING, START, Product
from tests.paths.world import World
from tests.web.site import with_passwords

SCHOOL = "demo-school"
NEW_PASSWORD = "三月二日 08:10"  # noqa: S105 - invented for this test, opens nothing


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Product]:
    world = World(tmp_path, START)
    with_passwords(world)
    try:
        yield Product(world.app, world.clock)
    finally:
        world.close()


def principal(world: Product, username: str) -> Principal:
    with world.tocsin.read() as connection:
        account = accounts.account_named(connection, username)
        assert account is not None
        return accounts.principal_of_account(connection, account, now=world.clock.now())


def do(world: Product, who: str, use_case: Callable[..., Any], command: object) -> Any:
    tocsin, actor = world.tocsin, principal(world, who)
    return tocsin.run(lambda uow: use_case(uow, tocsin.services, actor, command))


def account(world: Product, username: str) -> str:
    return principal(world, username).account_id


def changes(world: Product, organisation: str = SCHOOL) -> list[ev.Event]:
    with world.tocsin.read() as connection:
        return [each.event for each in directory_log.history(connection, organisation)]


def invited(world: Product, username: str = "newcomer", *roles: str, by: str = "principal", **more: Any) -> str:
    command = InvitePerson(SCHOOL, username, "教师未", roles or ("place_lead",), **more)
    return str(do(world, by, staff_changes.invite, command).code)


def accepted(world: Product, code: str) -> str:
    password = accounts.hash_password(NEW_PASSWORD)
    return world.tocsin.run(lambda uow: invitations.accept(uow, code, password))


def test_a_leader_makes_organisations_below_his_own_and_nowhere_else(fresh: Product) -> None:
    made = do(fresh, "town", organisation_changes.create, CreateOrganisation("示例村三", "village", "demo-town"))
    with fresh.tocsin.read() as connection:
        assert organisations.organisation(connection, made).parent_id == "demo-town"
    event = changes(fresh, made)[0]
    assert isinstance(event, ev.OrganisationChanged)
    assert (event.before, event.after["name"]) == ({}, "示例村三")
    for parent in ("demo-office", ""):
        with pytest.raises(NotAllowed):
            do(fresh, "town", organisation_changes.create, CreateOrganisation("示例校", "school", parent))
    with pytest.raises(NotAllowed):
        do(fresh, "teacher", organisation_changes.create, CreateOrganisation("x", "school", "demo-office"))
    with pytest.raises(AlreadyExists):
        do(fresh, "town", organisation_changes.create, CreateOrganisation("示例村三", "village", "demo-town"))
    with pytest.raises(ValueRefused, match="above a village or community stands township"):
        do(fresh, "admin", organisation_changes.create, CreateOrganisation("示例村四", "village", "demo-school"))


def test_moving_is_looked_at_first_and_taken_back(fresh: Product) -> None:
    command = MoveOrganisation(SCHOOL, "demo-county", "学区撤并")
    tocsin, admin = fresh.tocsin, principal(fresh, "admin")
    told = rehearse(tocsin.writer, lambda uow: organisation_changes.move(uow, tocsin.services, admin, command))
    assert (told.before, told.after, told.count) == ("demo-office", "demo-county", 1)
    assert changes(fresh) == []
    do(fresh, "admin", organisation_changes.move, command)
    event = changes(fresh)[0]
    assert isinstance(event, ev.OrganisationChanged)
    assert event == ev.OrganisationChanged(
        SCHOOL, {"parent_id": "demo-office"}, {"parent_id": "demo-county"}, "学区撤并"
    )
    with fresh.tocsin.read() as connection:
        seq = directory_log.history(connection, SCHOOL)[0].seq
    do(fresh, "admin", directory_undo.undo, UndoChange(SCHOOL, seq))
    with fresh.tocsin.read() as connection:
        assert organisations.organisation(connection, SCHOOL).parent_id == "demo-office"
    with pytest.raises(RevisionChanged):  # something came after it
        do(fresh, "admin", directory_undo.undo, UndoChange(SCHOOL, seq))


def test_an_organisation_never_stands_below_itself(fresh: Product) -> None:
    with pytest.raises(ValueRefused, match="cannot be itself or below it"):
        do(fresh, "admin", organisation_changes.move, MoveOrganisation("demo-town", "demo-village", "试"))
    with pytest.raises(NotAllowed):  # a leader moves nothing out of his reach
        do(fresh, "principal", organisation_changes.move, MoveOrganisation(SCHOOL, "demo-county", "试"))


def test_a_closed_organisation_opens_no_incident(fresh: Product) -> None:
    with pytest.raises(OrganisationInUse):
        do(fresh, "admin", organisation_changes.switch, SwitchOrganisation("demo-town", is_active=False, reason="试"))
    running = fresh.opened()
    with pytest.raises(OrganisationInUse):
        do(fresh, "admin", organisation_changes.switch, SwitchOrganisation(SCHOOL, is_active=False, reason="试"))
    assert running
    off = SwitchOrganisation("demo-school-2", is_active=False, reason="并校")
    assert do(fresh, "admin", organisation_changes.switch, off)
    assert not do(fresh, "admin", organisation_changes.switch, off)
    answer = fresh.post("/incidents", {**OPENING, "organisation": "demo-school-2"}, "staff2")
    assert (answer.status_code, answer.json()["code"]) == (409, OrganisationInactive.code)


def test_the_words_of_an_organisation_change(fresh: Product) -> None:
    command = ChangeOrganisation(SCHOOL, name=" 示例中学 ", contact="0000-2000001")
    assert do(fresh, "principal", organisation_changes.change, command)
    assert not do(fresh, "principal", organisation_changes.change, command)
    event = changes(fresh)[0]
    assert isinstance(event, ev.OrganisationChanged)
    assert event.before == {"name": "示例学校", "contact": ""}
    with pytest.raises(ValueRefused, match="a name is needed"):
        do(fresh, "principal", organisation_changes.change, ChangeOrganisation(SCHOOL, name=" "))
    with pytest.raises(NotAllowed):
        do(fresh, "coordinator", organisation_changes.change, ChangeOrganisation(SCHOOL, name="x"))


def test_an_invited_person_chooses_a_password_once(fresh: Product) -> None:
    code = invited(fresh, "newcomer", "place_lead", "cleaner")
    with pytest.raises(SignInFailed):
        accounts.sign_in(fresh.tocsin.database, fresh.tocsin.writer, username="newcomer", password=NEW_PASSWORD)
    made = accepted(fresh, f" {code.lower()} ")
    begun = accounts.sign_in(fresh.tocsin.database, fresh.tocsin.writer, username="newcomer", password=NEW_PASSWORD)
    assert begun.account_id == made
    with pytest.raises(InvitationInvalid):
        accepted(fresh, code)
    assert principal(fresh, "newcomer").memberships == {SCHOOL: frozenset({"place_lead", "cleaner"})}
    with fresh.tocsin.read() as connection:
        stored = str(connection.execute(select(sql.events.c.data).where(sql.events.c.element == made)).all())
        assert chain.verify(connection).ok
    assert "教师未" not in stored
    assert code not in stored


def test_an_invitation_ends(fresh: Product) -> None:
    code = invited(fresh)
    fresh.clock.advance(invitations.LENGTH)
    with pytest.raises(InvitationInvalid):
        accepted(fresh, code)


def test_an_older_invitation_does_not_count(fresh: Product) -> None:
    first = invited(fresh)
    second = do(fresh, "principal", staff_changes.invite_again, InviteAgain(account(fresh, "newcomer")))
    with pytest.raises(InvitationInvalid):
        accepted(fresh, first)
    assert accepted(fresh, second.code)


@pytest.mark.parametrize(
    ("who", "organisation", "role", "error"),
    [
        ("principal", SCHOOL, "sys_admin", ValueRefused),
        ("principal", SCHOOL, "cdc", BeyondReach),
        ("principal", SCHOOL, "town_leader", BeyondReach),
        ("principal", "demo-school-2", "cleaner", NotAllowed),
        ("principal", "demo-county", "county_hq", NotAllowed),
        ("coordinator", SCHOOL, "cleaner", NotAllowed),
        ("admin", SCHOOL, "nonsense", ValueRefused),
        ("admin", SCHOOL, "sys_admin", ValueRefused),
        ("town", "system", "sys_admin", NotAllowed),
    ],
)
def test_nobody_gives_a_role_beyond_his_reach(
    fresh: Product, who: str, organisation: str, role: str, error: type[Exception]
) -> None:
    command = GiveRole(organisation, account(fresh, "teacher"), role)
    with pytest.raises(error):
        do(fresh, who, staff_changes.give, command)
    assert changes(fresh, organisation) == []


def test_a_leader_does_not_get_at_the_password_of_another(fresh: Product) -> None:
    do(fresh, "principal", staff_changes.give, GiveRole(SCHOOL, account(fresh, "nurse"), "vice_principal"))
    with pytest.raises(BeyondReach):
        do(fresh, "nurse", staff_changes.invite_again, InviteAgain(account(fresh, "principal")))
    with pytest.raises(BeyondReach):  # works elsewhere too
        do(fresh, "principal", staff_changes.invite_again, InviteAgain(account(fresh, "trainer")))
    assert do(fresh, "principal", staff_changes.invite_again, InviteAgain(account(fresh, "cleaner"))).code


def test_a_role_counts_from_its_beginning_to_its_end(fresh: Product) -> None:
    now = fresh.clock.now()
    since, until = now + timedelta(hours=1), now + timedelta(hours=2)
    command = GiveRole(SCHOOL, account(fresh, "cleaner"), "school_doctor", since, until)
    assert do(fresh, "principal", staff_changes.give, command)

    def holds() -> bool:
        with fresh.tocsin.read() as connection:
            found = organisations.candidates(connection, SCHOOL, ["school_doctor"], now=fresh.clock.now())
        is_candidate = "保洁戊" in {each.name for each in found}
        assert is_candidate == ("school_doctor" in principal(fresh, "cleaner").roles)
        return is_candidate

    assert not holds()
    fresh.clock.advance(timedelta(hours=1))
    assert holds()
    fresh.clock.advance(timedelta(hours=1))
    assert not holds()
    with pytest.raises(ValueRefused):
        do(fresh, "principal", staff_changes.give, GiveRole(SCHOOL, command.account, "cleaner", until, since))


def test_the_last_administrator_stays(fresh: Product) -> None:
    admin = account(fresh, "admin")
    with pytest.raises(LastAdministrator):
        do(fresh, "admin", staff_changes.end, EndRole("system", admin, "sys_admin"))
    with pytest.raises(LastAdministrator):
        do(fresh, "admin", staff_changes.switch, SwitchAccount(admin, is_active=False, reason="离职"))
    with pytest.raises(LastAdministrator):
        do(fresh, "admin", handovers.hand_over, HandOver("system", admin, "离职"))
    soon = fresh.clock.now() + timedelta(days=1)
    do(fresh, "admin", staff_changes.give, GiveRole("system", account(fresh, "town"), "sys_admin", None, soon))
    with pytest.raises(LastAdministrator):  # the other one will be gone tomorrow
        do(fresh, "admin", staff_changes.end, EndRole("system", admin, "sys_admin"))
    do(fresh, "admin", staff_changes.give, GiveRole("system", account(fresh, "town"), "sys_admin"))
    assert do(fresh, "admin", staff_changes.end, EndRole("system", admin, "sys_admin"))


def test_an_account_that_is_switched_off_is_out_at_once(fresh: Product) -> None:
    token = fresh.token("cleaner")
    off = SwitchAccount(account(fresh, "cleaner"), is_active=False, reason="离职")
    assert do(fresh, "principal", staff_changes.switch, off)
    assert fresh.call("GET", "/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    with fresh.tocsin.read() as connection:
        seq = directory_log.history(connection, SCHOOL)[0].seq
    do(fresh, "principal", directory_undo.undo, UndoChange(SCHOOL, seq))
    fresh.forget_tokens()
    assert fresh.get("/me", "cleaner").status_code == 200


def test_names_are_changed_without_standing_in_the_log(fresh: Product) -> None:
    assert do(fresh, "principal", staff_changes.rename, RenamePerson(account(fresh, "cleaner"), "保洁新"))
    with fresh.tocsin.read() as connection:
        row = connection.execute(select(sql.events).where(sql.events.c.type == "account_changed")).mappings().one()
        opened = fresh.tocsin.sealer.open_all(connection, row["sealed"])
    assert "保洁" not in str(row["data"])
    assert opened[account(fresh, "cleaner")] == {"before": {"name": "保洁戊"}, "after": {"name": "保洁新"}}


def test_a_role_that_was_taken_is_given_back(fresh: Product) -> None:
    who = account(fresh, "nurse")
    do(fresh, "principal", staff_changes.end, EndRole(SCHOOL, who, "escort", "改派"))
    assert "escort" not in principal(fresh, "nurse").roles
    with fresh.tocsin.read() as connection:
        seq = directory_log.history(connection, SCHOOL, element=who)[0].seq
    do(fresh, "principal", directory_undo.undo, UndoChange(SCHOOL, seq))
    assert "escort" in principal(fresh, "nurse").roles


def test_places_and_groups(fresh: Product) -> None:
    place = do(fresh, "principal", place_changes.save_place, SavePlace(SCHOOL, "音乐室", "room"))
    with pytest.raises(AlreadyExists):
        do(fresh, "principal", place_changes.save_place, SavePlace(SCHOOL, "音乐室", "room"))
    elsewhere = SavePlace(SCHOOL, "音乐室", "room", place, lead=account(fresh, "town"))
    with pytest.raises(ValueRefused):  # somebody who works elsewhere is asked for nothing here
        do(fresh, "principal", place_changes.save_place, elsewhere)
    do(fresh, "principal", place_changes.save_place, SavePlace(SCHOOL, "音乐室", "room", place, is_active=False))
    with fresh.tocsin.read() as connection:
        assert "音乐室" not in {each.name for each in organisations.places(connection, SCHOOL)}
        seq = directory_log.history(connection, SCHOOL, element=place)[0].seq
    do(fresh, "principal", directory_undo.undo, UndoChange(SCHOOL, seq))
    with fresh.tocsin.read() as connection:
        assert "音乐室" in {each.name for each in organisations.places(connection, SCHOOL)}
    assert do(fresh, "town", place_changes.add_usual_groups, AddUsualGroups("demo-town")) == 10
    assert do(fresh, "town", place_changes.add_usual_groups, AddUsualGroups("demo-town")) == 0
    nurse = account(fresh, "nurse")
    group = do(fresh, "principal", place_changes.save_group, SaveGroup(SCHOOL, "应急队伍", members={nurse: True}))
    event = changes(fresh)[0]
    assert isinstance(event, ev.GroupChanged)
    assert (event.group, event.after["members"]) == (group, {nurse: True})


def test_the_roster_is_sealed_and_checked(fresh: Product) -> None:
    values = {"name": "学生新", "sex": "女", "age": 13}
    command = SaveMember(SCHOOL, "student", values, place="demo-school-7-2", seat_no="6-1")
    member = do(fresh, "principal", roster_changes.save, command)
    with fresh.tocsin.read() as connection:
        shown = organisations.member(connection, fresh.tocsin.sealer, member)
        stored = str(connection.execute(select(sql.events.c.data).where(sql.events.c.element == member)).all())
    assert (shown.name, shown.seat_no) == ("学生新", "6-1")
    assert "学生新" not in stored
    for wrong, told in (
        ({"values": {"name": ""}}, "a name is needed"),
        ({"values": {"name": "某", "age": 200}}, "from 0 to 130"),
        ({"values": {"name": "某"}, "seat_no": "第三排"}, "row-column"),
        ({"values": {"name": "某"}, "seat_no": "6-1"}, "somebody sits there"),
    ):
        asked: dict[str, Any] = {"values": values, "place": "demo-school-7-2", **wrong}
        with pytest.raises(ValueRefused, match=told):
            do(fresh, "principal", roster_changes.save, SaveMember(SCHOOL, "student", **asked))
    with pytest.raises(NotAllowed):  # a superior does not keep the lists of a school
        do(fresh, "manager", roster_changes.save, command)
    do(fresh, "principal", roster_changes.remove, RemoveMember(SCHOOL, member))
    event = changes(fresh)[0]
    assert isinstance(event, ev.MemberChanged)
    assert event.after == {}


def test_who_leaves_hands_over(fresh: Product) -> None:
    incident = fresh.opened()
    task = fresh.task(incident, "t_office_accept")
    assert fresh.post(f"/tasks/{task['id']}/claim", {}, "coordinator").status_code == 200
    fresh.post(f"/tasks/{task['id']}/draft", {"data": {"accepted_at": "2026-03-09T10:20:00+08:00"}}, "coordinator")
    leaver, heir = account(fresh, "coordinator"), account(fresh, "nurse")
    with fresh.tocsin.read() as connection:
        found = handovers.leaving(connection, SCHOOL, leaver, now=fresh.clock.now())
    assert [(each.id, each.has_draft) for each in found.tasks] == [(task["id"], True)]
    alone = {each.role for each in found.roles if not each.others}
    assert {"epi_office", "scheduler"} <= alone

    command = HandOver(SCHOOL, leaver, "调离", {task["id"]: heir}, {"epi_office": heir})
    with pytest.raises(NotAllowed):
        do(fresh, "teacher", handovers.hand_over, command)
    with pytest.raises(ValueRefused):
        do(fresh, "principal", handovers.hand_over, HandOver(SCHOOL, leaver, " "))
    do(fresh, "principal", handovers.hand_over, command)

    shown = fresh.get(f"/tasks/{task['id']}", "nurse").json()
    assert (shown["assignee"], shown["draft"]) == (heir, {"accepted_at": "2026-03-09T10:20:00+08:00"})
    assert SCHOOL not in principal(fresh, "coordinator").memberships
    assert "demo-institution" in principal(fresh, "coordinator").memberships  # works there still: not switched off
    assert "epi_office" in principal(fresh, "nurse").memberships[SCHOOL]
    event = next(each for each in changes(fresh) if isinstance(each, ev.WorkHandedOver))
    assert (event.tasks, event.roles) == ({task["id"]: heir}, {"epi_office": heir})
    with fresh.tocsin.read() as connection:
        assert chain.verify(connection).ok


def test_who_has_nothing_left_is_switched_off(fresh: Product) -> None:
    incident = fresh.opened()
    task = fresh.task(incident, "t_mask_escort", "teacher")
    fresh.post(f"/tasks/{task['id']}/claim", {}, "teacher")
    do(fresh, "principal", handovers.hand_over, HandOver(SCHOOL, account(fresh, "cleaner"), "离职"))
    teacher = account(fresh, "teacher")
    do(fresh, "principal", handovers.hand_over, HandOver(SCHOOL, teacher, "离职"))
    with fresh.tocsin.read() as connection:
        state = connection.execute(select(sql.accounts.c.is_active).where(sql.accounts.c.id == teacher)).scalar()
        row = connection.execute(select(sql.tasks).where(sql.tasks.c.id == task["id"])).mappings().one()
        lead = connection.execute(select(sql.places.c.lead_account_id).where(sql.places.c.id == "demo-school-7-2"))
        assert (state, row["assignee"], row["state"], lead.scalar()) == (False, None, "open", None)
