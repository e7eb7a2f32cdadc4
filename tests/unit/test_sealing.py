import threading
from pathlib import Path

import pytest
from cryptography.fernet import InvalidToken
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from service.domain.errors import SubjectErased
from service.persistence.chain import verify
from service.persistence.sealing import Sealer, TokenDamaged, new_master_key, sealed_text, tokens_of
from service.persistence.tables import SubjectKey, table_of
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from tests.stores import START, Store, a_store, on_both

NAME = {"name": "学生甲", "temperature": 38.1}


def seal(store: Store, subject: str = "p1") -> str:
    return store.runner.run(lambda uow: uow.sealer.seal(uow.connection, subject, NAME))


def opened(store: Store, token: str, subject: str = "p1", *, sealer: Sealer | None = None) -> dict[str, object]:
    with store.database.read() as connection:
        return (sealer or store.sealer).open(connection, subject, token)


@on_both
def test_what_was_sealed_can_be_opened_by_another_process_with_the_master_key(backend: str, tmp_path: Path) -> None:
    key = new_master_key()
    with a_store(backend, tmp_path) as store:
        mine, theirs = Sealer(key, store.clock), Sealer(key, store.clock)
        token = store.runner.run(lambda uow: mine.seal(uow.connection, "p1", NAME))
        assert "学生甲" not in token
        assert opened(store, token, sealer=theirs) == NAME


@on_both
def test_each_subject_has_one_key_of_its_own_wrapped_by_the_master_key(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        tokens = {subject: seal(store, subject) for subject in ("p1", "p2")}
        assert seal(store, "p1") != tokens["p1"]
        with store.database.read() as connection:
            keys = connection.execute(select(table_of(SubjectKey))).all()
            assert {key.subject for key in keys} == {"p1", "p2"}
            assert store.sealer.open_all(connection, tokens) == {"p1": NAME, "p2": NAME}
        with pytest.raises(TokenDamaged):
            opened(store, tokens["p1"], "p2")


@on_both
def test_an_erased_subject_cannot_be_read_or_written_and_the_chain_still_verifies(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        event = NewEvent("form_answered", START, sealed={"p1": NAME})
        token = store.runner.run(lambda uow: uow.append("i1", [event]))[0].sealed["p1"]
        assert opened(store, token) == NAME
        store.runner.run(lambda uow: uow.sealer.destroy(uow.connection, "p1"))
        assert opened(store, token) == {}
        with pytest.raises(SubjectErased):
            seal(store)
        with store.database.read() as connection:
            assert verify(connection).ok


@on_both
def test_erasing_somebody_unknown_keeps_them_erased(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        store.runner.run(lambda uow: uow.sealer.destroy(uow.connection, "p1"))
        with pytest.raises(SubjectErased):
            seal(store)


@on_both
def test_a_rolled_back_key_is_never_used_again(backend: str, tmp_path: Path) -> None:
    def refused(uow: UnitOfWork) -> None:
        uow.sealer.seal(uow.connection, "p1", NAME)
        raise LookupError

    with a_store(backend, tmp_path) as store:
        with pytest.raises(LookupError):
            store.runner.run(refused)
        token = seal(store)
        fresh = opened(store, token)
        assert fresh == NAME


@on_both
def test_a_rolled_back_erasure_erased_nothing(backend: str, tmp_path: Path) -> None:
    def refused(uow: UnitOfWork) -> None:
        uow.sealer.destroy(uow.connection, "p1")
        raise LookupError

    with a_store(backend, tmp_path) as store:
        token = seal(store)
        with pytest.raises(LookupError):
            store.runner.run(refused)
        assert opened(store, token) == NAME


@on_both
def test_many_keys_are_fetched_at_once(backend: str, tmp_path: Path) -> None:
    subjects = [f"p{number}" for number in range(700)]
    key = new_master_key()
    with a_store(backend, tmp_path) as store:
        writing, reading = Sealer(key, store.clock), Sealer(key, store.clock)
        tokens = store.runner.run(lambda uow: {each: writing.seal(uow.connection, each, NAME) for each in subjects})
        with store.database.read() as connection:
            assert reading.open_all(connection, tokens) == dict.fromkeys(subjects, NAME)


@on_both
def test_threads_that_meet_a_new_subject_agree_on_its_key(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        tokens: list[str] = []
        threads = [threading.Thread(target=lambda: tokens.append(seal(store))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [opened(store, token) for token in tokens] == [NAME] * 8


def test_a_new_master_key_still_opens_what_the_old_one_wrapped(tmp_path: Path) -> None:
    old, new = new_master_key(), new_master_key()
    with a_store("sqlite", tmp_path) as store:
        before = Sealer(old, store.clock)
        token = store.runner.run(lambda uow: before.seal(uow.connection, "p1", NAME))
        assert opened(store, token, sealer=Sealer([new, old], store.clock)) == NAME
        with pytest.raises(InvalidToken):
            opened(store, token, sealer=Sealer(new, store.clock))


def test_the_text_column_holds_the_tokens_of_several_subjects(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        text = store.runner.run(lambda uow: uow.sealer.seal_text(uow.connection, {"p1": NAME, "p2": {"age": 13}}))
        with store.database.read() as connection:
            assert store.sealer.open_text(connection, text) == {"p1": NAME, "p2": {"age": 13}}
        assert tokens_of("") == {}


@given(tokens=st.dictionaries(st.text(), st.text()))
def test_the_form_of_the_text_column_keeps_everything(tokens: dict[str, str]) -> None:
    assert tokens_of(sealed_text(tokens)) == tokens
