"""Signing in and who I am."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, address_of, application_of, permit
from service.api.problems import ProblemRoute
from service.application import accounts
from service.application.queries import procedures
from service.domain.access import Action
from service.domain.devices import device_of

router = APIRouter(route_class=ProblemRoute, tags=["account"])


class Credentials(Body):
    """Name and password, and the code of the second factor where there is one."""

    username: str = Field(max_length=200)
    password: str = Field(max_length=2000)
    code: str = Field(default="", max_length=40)


class Token(Answer):
    """A bearer token; it is shown once."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the word of RFC 6750, no secret
    expires_at: datetime


class Membership(Answer):
    """Roles in an organisation."""

    organisation: str
    name: str
    roles: list[str]


class Me(Answer):
    """Who I am; `organisation` is the one I most likely open incidents in."""

    id: str
    username: str
    name: str
    locale: str
    organisation: str | None
    roles: list[str]
    memberships: list[Membership]


@router.post("/auth/token")
def token(request: Request, credentials: Credentials) -> Token:
    """Start a bearer session; `code` is that of the second factor, where the account has one.

    401 for a wrong name or password alike, 429 after repeated failures.
    """
    tocsin = application_of(request)
    begun = accounts.sign_in(
        tocsin.database, tocsin.writer, username=credentials.username, password=credentials.password, kind="bearer",
        code=credentials.code, length=timedelta(hours=tocsin.settings.session_hours),
        required_roles=tocsin.settings.roles_with_second_factor,
        origin=accounts.Origin(address_of(request), device_of(request.headers.get("user-agent", ""))),
    )  # fmt: skip
    return Token(access_token=begun.secret, expires_at=begun.expires_at)


@router.get("/me")
def me(door: Annotated[Door, permit(Action.SELF_READ)]) -> Me:
    """The account this session belongs to."""
    principal = door.principal
    names, main = door.read(lambda reader: (reader.organisation_names, procedures.main_organisation(reader)))
    held = [
        Membership(organisation=organisation, name=names.get(organisation, ""), roles=sorted(roles))
        for organisation, roles in sorted(principal.memberships.items())
    ]
    return Me(
        id=principal.account_id,
        username=door.session.username,
        name=principal.name,
        locale=principal.locale,
        organisation=main or None,
        roles=sorted(principal.roles),
        memberships=held,
    )
