from pathlib import Path

import pytest
from sqlalchemy import select

from service.application import accounts, organisations
from service.demo import people
from service.domain.errors import NoSuch
from service.persistence.tables import Member, table_of
from tests.stores import Store, a_store, on_both

HASH = accounts.hash_any_password(people.PASSWORD)
USERNAMES = [
    "coordinator",
    "teacher",
    "principal",
    "nurse",
    "cleaner",
    "staff2",
    "principal2",
    "town",
    "villager",
    "doctor",
    "clinic",
    "manager",
    "trainer",
    "admin",
]


def load(store: Store) -> bool:
    return store.runner.run(lambda uow: people.load_people(uow, HASH))


@on_both
def test_the_demo_district_is_made_once(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        assert load(store) is True
        assert load(store) is False
        with store.database.read() as connection:
            tree = organisations.hierarchy(connection)
            assert tree.ancestors("demo-school") == ("demo-office", "demo-bureau", "demo-county")
            assert "demo-school-2" in tree.subtree("demo-county")
            types = {each.type for each in organisations.organisations(connection)}
        assert types >= {"school", "training_institution", "township", "village", "township_clinic", "village_clinic"}


def test_every_demo_account_can_sign_in(tmp_path: Path) -> None:
    assert people.usernames() == USERNAMES
    with a_store("sqlite", tmp_path) as store:
        load(store)
        for username in ("coordinator", "admin"):
            session = accounts.sign_in(store.database, store.runner, username=username, password=people.PASSWORD)
            with store.database.read() as connection:
                principal = accounts.principal_of(connection, session.secret, now=store.clock.now())
            assert principal is not None
            assert principal.is_admin is (username == "admin")


def test_drafter_and_signer_are_different_people(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        load(store)
        with store.database.read() as connection:
            drafters = organisations.candidates(connection, "demo-school", ["epi_office"])
            signers = organisations.candidates(connection, "demo-school", ["school_leader", "duty_principal"])
            assert organisations.candidates(connection, "demo-bureau", ["epi_office"]) == []
        assert {each.account_id for each in drafters}.isdisjoint(each.account_id for each in signers)
        assert signers[0].roles == {"school_leader", "duty_principal"}


@on_both
def test_who_sits_around_a_pupil(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        load(store)
        with store.database.read() as connection:
            room = organisations.place_named(connection, "demo-school", "七2教室")
            assert room is not None
            assert (room.name, room.positions_fixed) == ("七年级2班", True)
            class_of = organisations.members(connection, store.sealer, "demo-school", place_id=room.id)
            seats = {member.seat_no: member.name for member in class_of}
            assert seats["3-4"] == "学生甲"
            around = organisations.seat_neighbours(connection, store.sealer, room.id, "3-4")
            assert {side: member.name for side, member in around.items()} == {
                "front": seats["2-4"],
                "back": seats["4-4"],
                "left": seats["3-3"],
                "right": seats["3-5"],
            }
            corner = organisations.seat_neighbours(connection, store.sealer, room.id, "1-1")
            assert set(corner) == {"back", "right"}
            assert organisations.seat_neighbours(connection, store.sealer, room.id, "靠窗") == {}


def test_a_pupil_can_be_found_and_is_sealed(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        load(store)
        with store.database.read() as connection:
            rows = connection.execute(select(table_of(Member))).all()
            assert "学生" not in str(rows)
            one = organisations.member(connection, store.sealer, rows[0].id)
            assert one.values["guardian_name"] == f"{one.name}的家长"
            store.runner.run(lambda uow: uow.sealer.destroy(uow.connection, rows[0].id))
        with store.database.read() as connection:
            assert organisations.member(connection, store.sealer, rows[0].id).name == ""


def test_what_is_not_there_is_said_so(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store, store.database.read() as connection:
        for look in (organisations.organisation, organisations.subject, organisations.place):
            with pytest.raises(NoSuch):
                look(connection, "nowhere")
        with pytest.raises(NoSuch):
            organisations.member(connection, store.sealer, "nobody")
        assert organisations.place_named(connection, "nowhere", "七2") is None
