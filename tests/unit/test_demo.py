"""The demo district: what `make run` shows a newcomer, and the first account of a real installation."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.application import accounts, definitions
from service.application.queries import (
    Reader,
    contacts,
    deliveries,
    inbox,
    incident_pages,
    people,
    reports,
    stopped,
    waiting,
)
from service.bootstrap import Tocsin, build
from service.demo import district
from service.demo import people as people_of_the_demo
from service.domain.clock import SettableClock
from service.domain.errors import AlreadyExists, SignInFailed, ValueRefused
from service.persistence import chain
from service.settings import Settings
from tests.stores import chosen_url

PHRASE = "correct horse 7"
NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Shanghai


def deploy(tocsin: Tocsin) -> None:
    root = tocsin.settings.workflows_dir
    for folder in sorted(path for path in root.iterdir() if any(path.glob("*.bpmn"))):
        _deploy(tocsin, folder.name, definitions.folder_content(folder, root / "decisions"))


def _deploy(tocsin: Tocsin, name: str, content: dict[str, str]) -> None:
    store = tocsin.services.definitions
    tocsin.run(lambda uow: definitions.deploy(uow, store, name, content, actor="system"))


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> Iterator[Tocsin]:
    folder = tmp_path_factory.mktemp("demo")
    settings = Settings(data_dir=folder, demo=True, database_url=chosen_url(folder))
    tocsin = build(settings, SettableClock(NOW))
    tocsin.database.migrate()
    assert district.load(tocsin, only_if_empty=True, deploy=deploy, say=said.append)
    yield tocsin
    tocsin.stop()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Tocsin]:
    tocsin = build(Settings(data_dir=tmp_path, demo=False, database_url=chosen_url(tmp_path)), SettableClock(NOW))
    tocsin.database.migrate()
    yield tocsin
    tocsin.stop()


class Looking:
    """What an account sees, while the snapshot is open."""

    def __init__(self, tocsin: Tocsin, username: str) -> None:
        self._tocsin, self._username = tocsin, username
        self._snapshot = tocsin.read()

    def __enter__(self) -> Reader:
        connection = self._snapshot.__enter__()
        account = accounts.account_named(connection, self._username)
        assert account is not None
        principal = accounts.principal_of_account(connection, account)
        return Reader(connection, self._tocsin.sealer, self._tocsin.services, principal, NOW)

    def __exit__(self, *error: object) -> None:
        self._snapshot.__exit__(None, None, None)


def test_one_incident_is_closed_and_one_runs(demo: Tocsin) -> None:
    with Looking(demo, "coordinator") as reader:
        rows = incident_pages.listing(reader, incident_pages.IncidentFilter()).items
        closed = incident_pages.head(reader, rows[1].id)
    assert [(row.number, row.status) for row in rows] == [("0304-01", "observing"), ("0303-01", "closed")]
    assert closed.row.result == "excluded_closed"
    assert [chip.status for chip in closed.statuses][-1] == "closed"


@pytest.mark.parametrize("username", ["coordinator", "teacher", "principal", "nurse", "cleaner"])
def test_everybody_at_the_school_has_something_to_do_and_nothing_is_late(demo: Tocsin, username: str) -> None:
    with Looking(demo, username) as reader:
        running = incident_pages.listing(reader, incident_pages.IncidentFilter(status="open")).items[0]
        mine = inbox.listing(reader, inbox.TaskFilter(whose="group", state="open", incident=running.id)).items
    assert mine
    assert [task.element for task in mine if task.late] == []


def test_the_two_hours_are_ticking_and_no_deadline_was_missed(demo: Tocsin) -> None:
    with Looking(demo, "principal") as reader:
        running = incident_pages.listing(reader, incident_pages.IncidentFilter(status="open")).items[0]
        found = incident_pages.deadline_rows(reader, running.id, NOW)
    written = next(row for row in found if row.rule == "T02")
    assert (written.due_at - NOW).total_seconds() == 80 * 60
    assert [row.rule for row in found if row.level > 1] == []


def test_no_page_is_empty(demo: Tocsin) -> None:
    with Looking(demo, "coordinator") as reader:
        for row in incident_pages.listing(reader, incident_pages.IncidentFilter()).items:
            assert people.people(reader, row.id).counts["case"] == 1
            assert reports.listing(reader, row.id)
            assert deliveries.outbox(reader, incident=row.id).items
            assert stopped.engine_incidents(reader) == ()
    with Looking(demo, "manager") as reader:
        assert waiting.partner_desk(reader)


def test_at_the_second_school_contacts_are_observed_and_nothing_is_late(demo: Tocsin) -> None:
    with Looking(demo, "staff2") as reader:
        (row,) = incident_pages.listing(reader, incident_pages.IncidentFilter()).items
        observed = contacts.contacts(reader, row.id).counts
        reported = [each for each in reports.listing(reader, row.id) if each.document == "R02"]
        late = [each for each in incident_pages.deadline_rows(reader, row.id, NOW) if each.level > 1]
        stuck = stopped.engine_incidents(reader)
    assert (row.status, observed["隔离中"]) == ("confirmed", 4)
    assert len(reported) == 3
    assert (late, stuck) == ([], ())


def test_nothing_was_written_past_the_log(demo: Tocsin) -> None:
    with demo.read() as connection:
        proof = chain.verify(connection)
    assert proof.ok
    assert proof.events > 500


def test_a_line_is_printed_for_each_step(demo: Tocsin, said: list[str]) -> None:
    assert demo.settings.demo
    assert len(said) >= 4
    assert all(line.startswith("demo") for line in said)


def test_loading_again_changes_nothing(demo: Tocsin) -> None:
    lines: list[str] = []
    with demo.read() as connection:
        before = chain.verify(connection).events
    assert district.load(demo, only_if_empty=True, deploy=deploy, say=lines.append) is False
    with pytest.raises(AlreadyExists):
        district.load(demo, only_if_empty=False, deploy=deploy, say=lines.append)
    with demo.read() as connection:
        assert chain.verify(connection).events == before
    assert lines == ["demo district: not loaded, the database is not empty"]


# --- the first account of a real installation ------------------------------------------------------


def test_the_first_administrator_can_sign_in(bare: Tocsin) -> None:
    made = bare.run(lambda uow: accounts.create_administrator(uow, "Root", "管理员", PHRASE))
    signed_in = accounts.sign_in(bare.database, bare.writer, username="root", password=PHRASE)
    assert signed_in.account_id == made
    with bare.read() as connection:
        principal = accounts.principal_of_account(connection, made)
    assert principal.is_admin
    assert principal.memberships == {"system": frozenset({"sys_admin"})}
    with pytest.raises(SignInFailed):
        accounts.sign_in(bare.database, bare.writer, username="root", password=people_of_the_demo.PASSWORD)


@pytest.mark.parametrize(
    "password", ["short 1", "", "aaaaaaaaaaaa", "918273645546", "root-of-all-things", "Password2026!", "Tocsin2026!?"]
)
def test_a_password_that_is_guessed_first_is_refused(bare: Tocsin, password: str) -> None:
    with pytest.raises(ValueRefused):
        bare.run(lambda uow: accounts.create_administrator(uow, "root", "", password))
    with bare.read() as connection:
        assert accounts.account_named(connection, "root") is None


def test_a_name_is_given_once(bare: Tocsin) -> None:
    bare.run(lambda uow: accounts.create_administrator(uow, "root", "", PHRASE))
    with pytest.raises(AlreadyExists):
        bare.run(lambda uow: accounts.create_administrator(uow, " ROOT ", "", "another horse 8"))


def test_the_demo_is_not_mixed_into_a_real_installation(bare: Tocsin) -> None:
    bare.run(lambda uow: accounts.create_administrator(uow, "root", "", PHRASE))
    assert district.load(bare, only_if_empty=True, deploy=deploy, say=lambda _line: None) is False
    with bare.read() as connection:
        assert accounts.account_named(connection, "teacher") is None
