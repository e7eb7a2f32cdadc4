"""Personal access tokens over HTTP: scopes, expiry, revocation, what is logged, and guesses."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import delete, select

from service.application import access_tokens, accounts, attempts, second_factor
from service.domain.access import Action
from service.domain.errors import ValueRefused
from service.domain.token_scopes import SCOPES
from service.persistence.tables import sql
from tests.contract.product import OPENING, Product, product


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with product(tmp_path_factory.mktemp("data")) as made:
        yield made


def account(world: Product, who: str) -> str:
    with world.tocsin.read() as connection:
        return str(accounts.account_named(connection, who))


def token(world: Product, who: str, *scopes: str, days: int = 30) -> str:
    me = account(world, who)
    return world.tocsin.run(lambda uow: access_tokens.create(uow, me, name="对接", scopes=scopes, days=days))


def call(world: Product, secret: str, method: str, path: str, body: Any = None) -> httpx.Response:
    return world.call(method, path, headers={"Authorization": f"Bearer {secret}"}, json=body)


@pytest.fixture(autouse=True)
def nobody_waits(world: Product) -> None:
    """What other tests presented in vain makes nobody wait here."""
    world.tocsin.run(lambda uow: uow.connection.execute(delete(sql.sign_in_attempts)))


def logged(world: Product, type_: str) -> list[dict[str, Any]]:
    log = sql.events
    with world.tocsin.read() as connection:
        rows = connection.execute(
            select(log.c.data).where(log.c.stream == "access", log.c.type == type_).order_by(log.c.seq)
        )
        return [dict(row.data) for row in rows]


def test_a_token_does_what_its_scopes_say_and_no_more(world: Product) -> None:
    read, opens = token(world, "teacher", "read"), token(world, "teacher", "incidents")
    assert call(world, read, "GET", "/tasks").status_code == 200
    refused = call(world, read, "POST", "/incidents", OPENING)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    incident = call(world, opens, "POST", "/incidents", OPENING)
    assert incident.status_code == 201
    task = world.task(incident.json()["id"], "t_mask_escort", "teacher")["id"]
    assert call(world, opens, "POST", f"/tasks/{task}/claim").status_code == 403
    assert call(world, token(world, "teacher", "tasks"), "POST", f"/tasks/{task}/claim").status_code in (200, 204)
    refusals = [(each["reason"], each["action"]) for each in logged(world, "access_token_refused")]
    assert ("scope", "incident.open") in refusals


def test_a_scope_gives_no_right_the_account_has_not(world: Product) -> None:
    admin = token(world, "teacher", *SCOPES)
    assert call(world, admin, "GET", "/audit/verify").status_code == 403
    assert call(world, token(world, "admin", "admin"), "GET", "/audit/verify").status_code == 200
    assert call(world, token(world, "admin", "read"), "GET", "/audit/verify").status_code == 403


def test_no_token_touches_the_account_itself(world: Product) -> None:
    secret = token(world, "teacher", *SCOPES)
    assert call(world, secret, "GET", "/me/sessions").status_code == 403
    assert Action.SELF_SECURE not in frozenset().union(*SCOPES.values())
    assert Action.ACCOUNT_MANAGE not in frozenset().union(*SCOPES.values())


def test_reading_is_all_the_scope_read_names() -> None:
    assert {each.value.rpartition(".")[2] for each in SCOPES["read"]} == {"read", "listen"}
    assert all(SCOPES["read"] <= each for each in SCOPES.values())


def test_a_token_is_stored_as_a_hash_and_can_be_searched_for_by_its_beginning(world: Product) -> None:
    secret = token(world, "nurse", "read")
    assert secret.startswith("tocsin_pat_")
    with world.tocsin.read() as connection:
        kept = [str(row) for table in (sql.access_tokens, sql.events) for row in connection.execute(select(table))]
    assert not any(secret in row for row in kept)


def test_an_expired_or_revoked_token_opens_nothing_and_that_is_logged(world: Product) -> None:
    brief, gone = token(world, "cleaner", "read", days=1), token(world, "cleaner", "read", days=60)
    me = account(world, "cleaner")
    with world.tocsin.read() as connection:
        found = access_tokens.of_account(connection, me, now=world.clock.now())
    last = next(each for each in found if gone.endswith(each.hint))
    assert call(world, gone, "GET", "/me").status_code == 200
    world.tocsin.run(lambda uow: access_tokens.revoke(uow, me, last.id, actor=me))
    assert call(world, gone, "GET", "/me").status_code == 401
    world.clock.advance(timedelta(days=1))
    assert call(world, brief, "GET", "/me").status_code == 401
    reasons = [each["reason"] for each in logged(world, "access_token_refused")]
    assert {"revoked", "expired"} <= set(reasons)
    world.forget_tokens()


def test_last_use_is_noted_to_five_minutes(world: Product) -> None:
    secret, me = token(world, "principal", "read"), account(world, "principal")

    def used() -> Any:
        with world.tocsin.read() as connection:
            return next(each.last_used_at for each in access_tokens.of_account(connection, me, now=world.clock.now()))

    assert used() is None
    call(world, secret, "GET", "/me")
    world.tocsin.run(lambda _: None)  # what is written later is written before this
    first = used()
    assert first == world.clock.now()
    world.clock.advance(timedelta(minutes=6))
    world.tocsin.writer.directory.forget()
    call(world, secret, "GET", "/me")
    world.tocsin.run(lambda _: None)
    assert used() == world.clock.now()


def test_guessing_tokens_must_wait_and_valid_ones_go_on(world: Product) -> None:
    secret = token(world, "doctor", "read")
    codes = [call(world, f"tocsin_pat_{number}", "GET", "/me").status_code for number in range(40)]
    free = attempts.LIMITS["token"].free
    assert set(codes[:20]) == {401}
    assert codes[-1] == 429
    assert codes.index(429) <= free
    assert call(world, secret, "GET", "/me").status_code == 200


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("", ["read"], 30), ("x" * 61, ["read"], 30), ("x", [], 30), ("x", ["all"], 30), ("x", ["read"], 0),
     ("x", ["read"], 400)],
)  # fmt: skip
def test_what_makes_no_token(world: Product, name: str, scopes: list[str], days: int) -> None:
    me = account(world, "town")
    with pytest.raises(ValueRefused):
        world.tocsin.run(lambda uow: access_tokens.create(uow, me, name=name, scopes=scopes, days=days))


def test_an_administrator_resets_a_lost_second_factor_and_nobody_else_does(world: Product) -> None:
    me = account(world, "clinic")
    secret = world.tocsin.run(lambda uow: second_factor.propose(uow, me))
    second_factor.answer(world.tocsin.writer, me, str(pyotp.TOTP(secret).at(world.clock.now())), is_new=True)
    assert (
        world.post("/auth/token", {"username": "clinic", "password": "demo"}).json()["code"] == "second_factor_needed"
    )
    path, why = f"/accounts/{me}/second-factor/reset", {"reason": "手机和恢复码都丢了"}
    assert world.post(path, why, "principal").status_code == 403
    assert world.post(path, {"reason": ""}, "admin").status_code == 422
    assert world.post(path, why, "admin").json() == {"was_set": True}
    assert world.post(path, why, "admin").json() == {"was_set": False}
    assert world.post("/auth/token", {"username": "clinic", "password": "demo"}).status_code == 200
    assert logged(world, "second_factor_removed") == [{"account": me, "reason": "手机和恢复码都丢了"}]
