"""Accepting an invitation: whoever has the code chooses a password, once."""

from dataclasses import dataclass

from fastapi import APIRouter, Form
from fastapi.responses import Response

from service.application import accounts, invitations
from service.domain.errors import InvitationInvalid, TocsinError, ValueRefused
from service.web.errors import PageRoute, status_of
from service.web.security import check_origin
from service.web.site import Arriving, Guest, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """The form; without `username` the code is asked for first."""

    code: str
    username: str
    name: str
    error: str
    least: int = accounts.MINIMUM_PASSWORD


@router.get("/invitation")
def invitation_page(guest: Arriving, code: str = "") -> Response:
    """Who was invited, and the form of a password."""
    return _page(guest, code)


@router.post("/invitation")
def accept(
    guest: Arriving,
    code: str = Form("", max_length=100),
    password: str = Form("", max_length=2000),
    again: str = Form("", max_length=2000),
) -> Response:
    """Keep the password; the code is used up."""
    request, tocsin = guest.request, guest.site.tocsin
    check_origin(request.headers.get("origin"), request.headers.get("host", ""))
    try:
        with tocsin.read() as connection:
            person = invitations.invited(connection, code, now=guest.now)
        if password != again:
            raise ValueRefused("password", "两次输入不一致", "the two do not agree")
        accounts.refuse_weak(password, person.username)
        password_hash = accounts.hash_password(password)
        tocsin.run(lambda uow: invitations.accept(uow, code, password_hash))
    except TocsinError as error:
        return _page(guest, code, error)
    return go("/sign-in")


def _page(guest: Guest, code: str, error: TocsinError | None = None) -> Response:
    person = None
    with guest.site.tocsin.read() as connection:
        try:
            person = invitations.invited(connection, code, now=guest.now) if code else None
        except InvitationInvalid as invalid:
            error = invalid
    said = "" if error is None else error.text(guest.locale)
    if isinstance(error, ValueRefused):
        said = error.reason_en if guest.locale.startswith("en") else error.reason
    page = InvitationPage(
        code if person else "", person.username if person else "", person.name if person else "", said
    )
    response = guest.plain("entry/invitation.html", page, status=status_of(error) if error else 200)
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    return response
