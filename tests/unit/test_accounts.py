import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from service.application import accounts, attempts
from service.application.accounts import NewAccount, SessionKind, SignedIn
from service.application.organisations import OrganisationView, add_organisation
from service.domain.access import Principal
from service.domain.errors import AlreadyExists, NoSuch, SignInFailed, TooManyAttempts, ValueRefused
from service.persistence.chain import verify
from service.persistence.tables import Account, EventRow, Session, sql, table_of
from service.persistence.unit_of_work import UnitOfWork
from tests.stores import Store, a_store, execute, on_both

PASSWORD = "三月二日 08:10"  # noqa: S105 - invented for this test, opens nothing
HASH = accounts.hash_password(PASSWORD)
FREE = attempts.LIMITS["name"].free
FIRST_WAIT = attempts.LIMITS["name"].first


def with_account(store: Store, username: str = "nurse") -> str:
    def make(uow: UnitOfWork) -> str:
        add_organisation(uow, OrganisationView("school", "示例学校", "", "school", None))
        return accounts.create_account(
            uow, NewAccount(username, "校医丁", HASH, [("school", "isolation_lead"), ("school", "escort")])
        )

    return store.runner.run(make)


def sign_in(
    store: Store,
    username: str = "nurse",
    password: str = PASSWORD,
    *,
    kind: SessionKind = "cookie",
    length: timedelta = accounts.SESSION_LENGTH,
) -> SignedIn:
    return accounts.sign_in(
        store.database, store.runner, username=username, password=password, kind=kind, length=length
    )


def who(store: Store, secret: str) -> Principal | None:
    with store.database.read() as connection:
        return accounts.principal_of(connection, secret, now=store.clock.now())


@on_both
def test_a_secret_tells_who_it_is_and_is_stored_only_as_a_hash(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account_id = with_account(store)
        session = sign_in(store, " Nurse ")
        expected = Principal(account_id, "校医丁", {"school": frozenset({"isolation_lead", "escort"})})
        assert who(store, session.secret) == expected
        assert who(store, "something else") is None
        with store.database.read() as connection:
            row = connection.execute(select(table_of(Session))).one()
            assert accounts.principal_of_account(connection, account_id) == expected
        assert session.secret not in str(row)


@on_both
def test_a_cookie_needs_its_csrf_value_and_a_bearer_token_does_not(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        with_account(store)
        cookie, bearer = sign_in(store), sign_in(store, kind="bearer")
        with store.database.read() as connection:
            by_cookie = accounts.session_of(connection, cookie.secret, now=store.clock.now())
            by_bearer = accounts.session_of(connection, bearer.secret, now=store.clock.now())
        assert by_cookie is not None
        assert by_bearer is not None
        assert by_cookie.accepts_csrf(cookie.csrf)
        assert not by_cookie.accepts_csrf(bearer.csrf)
        assert not by_cookie.accepts_csrf(None)
        assert by_bearer.accepts_csrf(None)


@on_both
def test_signing_out_and_the_end_of_its_time_end_a_session(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        with_account(store)
        first, second = sign_in(store), sign_in(store, length=timedelta(hours=1))
        assert store.runner.run(lambda uow: accounts.sign_out(uow, first.secret)) is True
        assert store.runner.run(lambda uow: accounts.sign_out(uow, first.secret)) is False
        assert who(store, first.secret) is None
        assert who(store, second.secret) is not None
        store.clock.advance(timedelta(hours=1))
        assert who(store, second.secret) is None


@on_both
def test_unknown_name_and_wrong_password_get_the_same_answer(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        with_account(store)
        answers = []
        for username, password in (("nobody", PASSWORD), ("nurse", "wrong"), ("nurse", "x" * 5000), ("", "")):
            with pytest.raises(SignInFailed) as caught:
                sign_in(store, username, password)
            answers.append((caught.value.code, caught.value.text()))
        assert len(set(answers)) == 1


def test_after_repeated_failures_even_the_right_password_must_wait(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        with_account(store)
        for username in ("nurse", "nobody"):
            for _ in range(FREE):
                with pytest.raises(SignInFailed):
                    sign_in(store, username, "wrong")
        for username in ("nurse", "nobody"):
            with pytest.raises(TooManyAttempts) as caught:
                sign_in(store, username)
            assert caught.value.retry_after_seconds == FIRST_WAIT.total_seconds()
        store.clock.advance(FIRST_WAIT)
        assert who(store, sign_in(store).secret) is not None
        with store.database.read() as connection:
            left = connection.execute(select(func.count()).select_from(sql.sign_in_attempts)).scalar()
        assert left == 1  # the name nobody has; it is forgotten an hour after the last attempt


def test_success_starts_the_count_anew(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        with_account(store)
        for _ in range(2):
            for _ in range(FREE - 1):
                with pytest.raises(SignInFailed):
                    sign_in(store, "nurse", "wrong")
            sign_in(store)


@on_both
def test_guesses_in_parallel_are_counted_one_by_one(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        with_account(store)
        answers: list[str] = []

        def guess() -> None:
            with pytest.raises((SignInFailed, TooManyAttempts)) as caught:
                sign_in(store, "nurse", "wrong")
            answers.append(caught.value.code)

        threads = [threading.Thread(target=guess) for _ in range(FREE + 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers.count("sign_in_failed") == FREE
        assert answers.count("too_many_attempts") == 4


@on_both
def test_a_switched_off_account_is_out_at_once(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account_id = with_account(store)
        session = sign_in(store)
        execute(store, update(table_of(Account)).values(is_active=False))
        assert who(store, session.secret) is None
        with pytest.raises(SignInFailed):
            sign_in(store)
        with store.database.read() as connection, pytest.raises(NoSuch):
            accounts.principal_of_account(connection, account_id)


@on_both
def test_a_new_password_ends_all_sessions(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account_id = with_account(store)
        session = sign_in(store)
        fresh = accounts.hash_password("another one")
        store.runner.run(lambda uow: accounts.set_password(uow, account_id, fresh))
        assert who(store, session.secret) is None
        with pytest.raises(SignInFailed):
            sign_in(store)
        assert sign_in(store, password="another one").account_id == account_id  # noqa: S106 - made up as well
        with pytest.raises(NoSuch):
            store.runner.run(lambda uow: accounts.set_password(uow, "nobody", fresh))


@on_both
def test_coming_and_going_stands_in_the_access_stream(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account_id = with_account(store)
        session = sign_in(store, kind="bearer")
        store.runner.run(lambda uow: accounts.sign_out(uow, session.secret))
        events = table_of(EventRow)
        with store.database.read() as connection:
            rows = connection.execute(select(events).where(events.c.stream == "access").order_by(events.c.seq)).all()
            assert verify(connection).ok
        assert [row.type for row in rows] == ["account_created", "signed_in", "signed_out"]
        assert rows[1].actor == account_id
        assert session.secret not in str(rows)


def test_names_are_unique_whatever_their_width_and_case(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        with_account(store)
        with pytest.raises(AlreadyExists):
            store.runner.run(lambda uow: accounts.create_account(uow, NewAccount("ＮＵＲＳＥ", "另一人", HASH)))
        with pytest.raises(ValueRefused):
            store.runner.run(lambda uow: accounts.create_account(uow, NewAccount("  ", "无名", HASH)))


def test_short_and_endless_passwords_are_refused() -> None:
    for password in ("short", "x" * 5000):
        with pytest.raises(ValueRefused):
            accounts.hash_password(password)


def test_the_language_of_an_account_can_be_chosen(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        account_id = with_account(store)
        session = sign_in(store)
        store.runner.run(lambda uow: accounts.set_locale(uow, account_id, "en"))
        principal = who(store, session.secret)
        assert principal is not None
        assert principal.locale == "en"
        with pytest.raises(ValueRefused):
            store.runner.run(lambda uow: accounts.set_locale(uow, account_id, "fr"))
