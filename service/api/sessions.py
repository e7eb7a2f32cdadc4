"""Sessions as their owner, or an administrator, ends them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.application import account_security, sessions
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, tags=["account"])


class Session(Answer):
    """A session of mine; `kind` is cookie or bearer."""

    id: str
    kind: str
    method: str
    device: str
    begun_at: datetime
    last_used_at: datetime
    expires_at: datetime


class Sessions(Answer):
    """All that are not over."""

    items: list[Session]


class Reason(Body):
    """Why; it stands in the log."""

    reason: str = Field(min_length=1, max_length=500)


class Ended(Answer):
    """How many sessions were ended, and how many tokens revoked."""

    sessions: int
    tokens: int


class Reset(Answer):
    """Whether a code was asked for before."""

    was_set: bool


@router.get("/me/sessions")
def my_sessions(door: Annotated[Door, permit(Action.SELF_SECURE)]) -> Sessions:
    """Where I am signed in."""
    account, now = door.principal.account_id, door.tocsin.clock.now()
    found = door.read(lambda reader: sessions.of_account(reader.connection, account, now=now))
    return Sessions(items=[Session.model_validate(each) for each in found])


@router.post("/accounts/{account}/sessions/revoke")
def revoke(account: str, reason: Reason, door: Annotated[Door, permit(Action.ACCOUNT_MANAGE)]) -> Response:
    """End every session of an account and revoke its tokens; out at once on every node."""
    command = cmd.ShutOut(account, reason.reason)
    return door.change(account_security.shut_out, command, lambda _, done: Ended.model_validate(done))


@router.post("/accounts/{account}/second-factor/reset")
def reset(account: str, reason: Reason, door: Annotated[Door, permit(Action.ACCOUNT_MANAGE)]) -> Response:
    """For somebody who lost phone and recovery codes: his account asks for no code, and its sessions end."""
    command = cmd.ResetSecondFactor(account, reason.reason)
    return door.change(account_security.reset_second_factor, command, lambda _, was_set: Reset(was_set=was_set))
