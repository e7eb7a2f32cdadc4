"""通知方式: how a person or an organisation is reached outside the page, quiet hours, trying a channel out."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import channels
from service.application.channels import ChannelRow
from service.application.queries import duty_pages
from service.application.queries.reader import Reader
from service.domain.access import Action, require
from service.domain.alerts import to_account, to_organisation
from service.domain.errors import ValueRefused
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ChannelsPage:
    """The channels of a person, or of an organisation (`organisation` is then set)."""

    organisation: str
    organisation_name: str
    channels: tuple[tuple[ChannelRow, str], ...]
    name: str
    errors: dict[str, str]
    begins: str
    ends: str
    urgent_anyway: bool
    is_demo: bool


@router.get("/me/channels")
def own_channels(visit: Visiting) -> Response:
    """One's own."""
    with visit.reader() as reader:
        return _page(visit, reader, "", None, {})


@router.get("/duty/channels")
def channels_of(visit: Visiting, organisation: str = "") -> Response:
    """Those of an organisation."""
    with visit.reader() as reader:
        return _page(visit, reader, organisation or duty_pages.own_organisation(reader), None, {})


@router.post("/me/channels")
def add(visit: Visiting, posted: Form) -> Response:
    """Keep another one; the address is not shown again, not even beside an error."""
    organisation = posted.get("organisation")
    owner = to_organisation(organisation) if organisation else to_account(visit.principal.account_id)
    try:
        visit.run(channels.add, channels.AddChannel(owner, posted.get("name"), posted.get("address")))
    except ValueRefused as error:
        return _again(visit, organisation, posted, error)
    return _back(organisation, "saved")


@router.post("/me/channels/{channel}")
def change(visit: Visiting, channel: str, posted: Form) -> Response:
    """Test, switch or remove one."""
    visit.run(channels.change, channels.ChangeChannel(channel, posted.get("act")))
    return _back(posted.get("organisation"), "tested" if posted.get("act") == "test" else "saved")


@router.post("/me/quiet-hours")
def set_quiet_hours(visit: Visiting, posted: Form) -> Response:
    """When not to be woken."""
    command = channels.SetQuietHours(posted.get("begins"), posted.get("ends"), posted.get("urgent_anyway") == "true")
    try:
        visit.run(channels.set_quiet_hours, command)
    except ValueRefused as error:
        return _again(visit, "", posted, error)
    return _back("", "saved")


# --- inside -----------------------------------------------------------------------------------


def _back(organisation: str, said: str) -> Response:
    if organisation:
        return go("/duty/channels", organisation=organisation, said=said)
    return go("/me/channels", said=said)


def _again(visit: Visit, organisation: str, posted: Posted, error: ValueRefused) -> Response:
    text = error.reason_en.capitalize() if visit.locale.startswith("en") else error.reason
    with visit.reader() as reader:
        return _page(visit, reader, organisation, posted, {error.name: text})


def _page(visit: Visit, reader: Reader, organisation: str, posted: Posted | None, errors: dict[str, str]) -> Response:
    if organisation:
        require(visit.principal, Action.CHANNEL_MANAGE, duty_pages.subject(reader, organisation))
        owner = to_organisation(organisation)
    else:
        require(visit.principal, Action.SELF_READ)
        owner = to_account(visit.principal.account_id)
    quiet = channels.quiet_row(reader.connection, visit.principal.account_id)
    is_quiet_form = posted is not None and posted.has("begins")
    rows = channels.of_owner(reader.connection, owner)
    page = ChannelsPage(
        organisation, reader.organisation_names.get(organisation, ""),
        tuple((row, reader.label("channel_kind", row.kind)) for row in rows),
        posted.get("name") if posted else "", errors,
        posted.get("begins") if posted and is_quiet_form else quiet.begins,
        posted.get("ends") if posted and is_quiet_form else quiet.ends, quiet.urgent_anyway,
        visit.site.tocsin.settings.demo,
    )  # fmt: skip
    return visit.page(reader, "duty/channels.html", page, status=422 if errors else 200)
