"""Waits that grow, per name and per address, and what they leave alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from service.application import accounts, attempts
from service.application.attempts import Counted, Limit, of_address
from service.domain.clock import monotonic_seconds
from service.domain.errors import SignInFailed, TooManyAttempts
from service.persistence.tables import sql
from tests.stores import Store, a_store, on_both
from tests.unit.test_accounts import PASSWORD, with_account


def fail(store: Store, *counted: Counted) -> int:
    """Count an attempt; how many seconds it must wait, 0 for none."""
    try:
        store.runner.run(lambda uow: attempts.begin(uow, counted))
    except TooManyAttempts as error:
        return error.retry_after_seconds
    return 0


def test_the_wait_doubles_up_to_its_longest() -> None:
    limit = Limit(3, timedelta(seconds=10), timedelta(minutes=1))
    waits = [limit.wait(failures).total_seconds() for failures in (0, 2, 3, 4, 5, 6, 1000)]
    assert waits == [0, 0, 10, 20, 40, 60, 60]


@on_both
def test_each_failure_after_the_free_ones_waits_longer_and_an_hour_forgets(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        name = Counted("name", "x")
        waits = []
        for _ in range(attempts.LIMITS["name"].free + 6):
            waits.append(fail(store, name))
            if waits[-1]:
                store.clock.advance(timedelta(seconds=waits[-1]))
                assert fail(store, name) == 0
        assert [each for each in waits if each] == [60, 120, 240, 480, 900, 900]
        store.clock.advance(attempts.FORGOTTEN)
        assert [fail(store, name) for _ in range(attempts.LIMITS["name"].free)] == [0] * attempts.LIMITS["name"].free


@on_both
def test_an_address_that_guesses_many_names_must_wait_and_own_success_does_not_clear_it(
    backend: str, tmp_path: Path
) -> None:
    with a_store(backend, tmp_path) as store:
        [address] = of_address("address", "203.0.113.7")
        free = attempts.LIMITS["address"].free
        for number in range(free - 1):
            assert fail(store, Counted("name", f"n{number}"), address) == 0
        store.runner.run(lambda uow: attempts.succeeded(uow, [address]))
        assert [fail(store, address) for _ in range(3)] == [0, 0, 10]
        assert fail(store, *of_address("address", "203.0.113.8")) == 0


def test_addresses_of_one_line_are_one_and_unknown_ones_are_none() -> None:
    assert of_address("address", "2001:db8:1:2::1") == of_address("address", "2001:db8:1:2:3::9")
    assert of_address("address", "::ffff:203.0.113.7") == of_address("address", "203.0.113.7")
    assert of_address("address", "2001:db8:1:3::1") != of_address("address", "2001:db8:1:2::1")
    assert of_address("address", "") == of_address("address", "a name") == []


def test_neither_names_nor_addresses_are_stored(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        account = with_account(store)
        for username in ("nurse", "学生甲的密码"):
            for _ in range(8):
                with pytest.raises(SignInFailed):
                    accounts.sign_in(
                        store.database, store.runner, username=username, password="wrong",  # noqa: S106 - made up for this test
                        origin=accounts.Origin("203.0.113.7"),
                    )  # fmt: skip
        with store.database.read() as connection:
            kept = [
                str(row) for table in (sql.sign_in_attempts, sql.events) for row in connection.execute(select(table))
            ]
            log = connection.execute(
                select(sql.events.c.type, sql.events.c.data).where(sql.events.c.stream == "access")
            )
            refused = [row.data for row in log if row.type != "account_created"]
        assert not any(part in row for row in kept for part in ("203.0.113.7", "学生甲", "'nurse'", '"nurse"'))
        assert refused.count({"method": "password", "account": account}) == 8
        assert refused.count({"method": "password", "account": ""}) == 8
        assert {"what": "name", "seconds": 60, "account": account} in refused
        assert {"what": "name", "seconds": 60, "account": ""} in refused


def test_an_unknown_name_costs_as_much_time_as_a_wrong_password(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        with_account(store)

        def took(username: str) -> float:
            best = 60.0
            for _ in range(4):
                began = monotonic_seconds()
                with pytest.raises(SignInFailed):
                    accounts.check_password(store.database, store.runner, username=username, password=f"{PASSWORD}x")
                best = min(best, monotonic_seconds() - began)
            return best

        took("warm-up")  # the decoy is hashed once
        known, unknown = took("nurse"), took("nobody")
        assert 0.5 < unknown / known < 2.0
