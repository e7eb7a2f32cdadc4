"""Codes of an authenticator: skew, replay, recovery codes, and what is stored. The app's side is pyotp's own."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select

from service.application import accounts, attempts, second_factor
from service.domain.errors import CodeRefused, SecondFactorNeeded, TooManyAttempts
from service.persistence.tables import sql
from tests.stores import Store, a_store, on_both
from tests.unit.test_accounts import PASSWORD, with_account

STEP = timedelta(seconds=second_factor.STEP_SECONDS)


def shown(secret: str, at: datetime) -> str:
    """What the app on the phone shows at an instant."""
    return str(pyotp.TOTP(secret).at(at))


def with_factor(store: Store, account: str) -> tuple[str, list[str]]:
    """The secret and the recovery codes of an account that has set its second factor up."""
    secret = store.runner.run(lambda uow: second_factor.propose(uow, account))
    codes = second_factor.answer(store.runner, account, shown(secret, store.clock.now()), is_new=True)
    store.clock.advance(STEP)
    return secret, list(codes)


def is_taken(store: Store, account: str, code: str) -> bool:
    try:
        second_factor.answer(store.runner, account, code)
    except CodeRefused:
        return False
    return True


@on_both
def test_a_code_is_taken_once_and_from_the_steps_around_the_present(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account = with_account(store)
        secret, _ = with_factor(store, account)
        now = store.clock.now()
        assert not is_taken(store, account, shown(secret, now - 2 * STEP))
        assert not is_taken(store, account, shown(secret, now + 2 * STEP))
        assert is_taken(store, account, shown(secret, now))
        assert not is_taken(store, account, shown(secret, now))  # replayed
        assert not is_taken(store, account, shown(secret, now - STEP))  # older than one that was taken
        assert is_taken(store, account, shown(secret, now + STEP))  # a phone that is ahead
        store.clock.advance(3 * STEP)
        assert is_taken(store, account, shown(secret, now + 2 * STEP))  # a phone that is behind


@on_both
def test_of_two_who_send_the_same_code_at_once_one_gets_in(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account = with_account(store)
        secret, _ = with_factor(store, account)
        code, taken = shown(secret, store.clock.now()), []
        threads = [threading.Thread(target=lambda: taken.append(is_taken(store, account, code))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == [False, False, False, True]


@on_both
def test_a_recovery_code_stands_in_once_and_new_ones_replace_the_old(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account = with_account(store)
        _, codes = with_factor(store, account)
        assert len(set(codes)) == second_factor.RECOVERY_CODES
        assert second_factor.answer(store.runner, account, codes[0].lower().replace("-", " ")) == ["recovery_code"]
        assert not is_taken(store, account, codes[0])
        fresh = store.runner.run(lambda uow: second_factor.renew_recovery_codes(uow, account))
        assert not is_taken(store, account, codes[1])
        assert is_taken(store, account, fresh[0])
        with store.database.read() as connection:
            assert second_factor.codes_left(connection, account) == second_factor.RECOVERY_CODES - 1


@on_both
def test_secret_and_codes_are_not_in_the_database_in_clear(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account = with_account(store)
        secret, codes = with_factor(store, account)
        with store.database.read() as connection:
            rows = [str(row) for table in (sql.second_factors, sql.recovery_codes, sql.events)
                    for row in connection.execute(select(table))]  # fmt: skip
        assert not any(
            part in row for row in rows for part in (secret, *codes, *(code.replace("-", "") for code in codes))
        )


def test_what_was_proposed_counts_only_after_its_first_code(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        account = with_account(store)
        secret = store.runner.run(lambda uow: second_factor.propose(uow, account))
        assert store.runner.run(lambda uow: second_factor.propose(uow, account)) == secret
        assert not is_taken(store, account, shown(secret, store.clock.now()))
        with store.database.read() as connection:
            assert not second_factor.is_set(connection, account)
        for code in ("", "12345", "abcdef", "１２３４５６"):
            with pytest.raises(CodeRefused):
                second_factor.answer(store.runner, account, code, is_new=True)
        with pytest.raises(SecondFactorNeeded):
            store.runner.run(lambda uow: second_factor.renew_recovery_codes(uow, account))


def test_guessing_codes_must_wait_also_with_the_right_one(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        account = with_account(store)
        secret, _ = with_factor(store, account)
        for _ in range(attempts.LIMITS["code"].free):
            assert not is_taken(store, account, "000000")
        with pytest.raises(TooManyAttempts) as caught:
            is_taken(store, account, shown(secret, store.clock.now()))
        assert caught.value.retry_after_seconds == 60
        store.clock.advance(timedelta(minutes=1))
        assert is_taken(store, account, shown(secret, store.clock.now()))


@on_both
def test_a_password_alone_opens_no_session_where_a_code_is_needed(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        account = with_account(store)

        def sign_in(code: str = "", roles: frozenset[str] = frozenset()) -> str:
            return accounts.sign_in(
                store.database, store.runner, username="nurse", password=PASSWORD, code=code, required_roles=roles
            ).account_id

        assert sign_in() == account
        with pytest.raises(SecondFactorNeeded):
            sign_in(roles=frozenset({"escort"}))
        secret, _ = with_factor(store, account)
        with pytest.raises(SecondFactorNeeded):
            sign_in()
        with pytest.raises(CodeRefused):
            sign_in("000000")
        assert sign_in(shown(secret, store.clock.now())) == account
        assert store.runner.run(lambda uow: second_factor.remove(uow, account, actor="admin", reason="lost"))
        assert sign_in() == account
