"""The catalogue of roles: where each is held, what it is for, who may start and close what."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application.queries.reader import Reader
from service.domain.access import Action, require
from service.domain.organisation_catalogue import Named
from service.web.errors import PageRoute
from service.web.site import Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)

INFERRED = "(推)"  # no source states it


@dataclass(frozen=True, slots=True)
class RoleShown:
    """A role in words."""

    name: str
    duty: str
    places: str
    may_start: bool
    may_close: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActShown:
    """Who may do something."""

    name: str
    who: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LineShown:
    """A chain of command, from the top down."""

    name: str
    chain: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolesPage:
    """All of it."""

    roles: tuple[RoleShown, ...]
    acts: tuple[ActShown, ...]
    lines: tuple[LineShown, ...]


@router.get("/roles")
def roles_page(visit: Visiting) -> Response:
    """What roles there are."""
    require(visit.principal, Action.DEFINITION_READ)
    with visit.reader() as reader:
        return visit.page(reader, "organisations/roles.html", _page(reader))


def _page(reader: Reader) -> RolesPage:
    catalogue, locale = reader.services.organisations, reader.locale
    kinds = {each.id: each.name(locale) for each in catalogue.types.values()} | {
        "*": reader.pick("各类单位", "everywhere")
    }
    roles = {each.id: each.name(locale) for each in catalogue.roles.values()} | {"*": reader.pick("任何人", "anybody")}

    def listed(names: Iterable[str]) -> str:
        return reader.pick("、", ", ").join(names)

    return RolesPage(
        tuple(
            RoleShown(
                each.name(locale), each.duty(locale), listed(kinds[one] for one in each.types), each.may_start,
                each.may_close, _sources(each),
            )
            for each in catalogue.roles.values()
        ),
        tuple(
            ActShown(each.name(locale), listed(roles[one] for one in sorted(each.who)), _sources(each))
            for each in catalogue.acts.values()
        ),
        tuple(
            LineShown(each.name(locale), tuple(kinds[one] for one in each.chain), each.cite)
            for each in catalogue.lines
        ),
    )  # fmt: skip


def _sources(each: Named) -> tuple[str, ...]:
    return (*each.cite, INFERRED) if each.is_inferred else each.cite
