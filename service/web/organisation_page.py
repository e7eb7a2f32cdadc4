"""Organisations: looking through them, and making, changing, moving and closing them."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import directory_undo, organisation_changes
from service.application.directory_undo import UndoChange
from service.application.organisation_changes import (
    ChangeOrganisation,
    CreateOrganisation,
    Moved,
    MoveOrganisation,
    SwitchOrganisation,
)
from service.application.queries import directory, directory_history
from service.application.queries.directory import GroupRow, OrganisationDetail, OrganisationRow, PlaceRow, StaffRow
from service.application.queries.directory_history import ChangeRow
from service.application.queries.reader import Reader
from service.application.rehearsal import rehearse
from service.domain.access import Action, OrganisationSubject, may
from service.domain.errors import TocsinError
from service.web.directory_forms import DirectoryForm, Input, answered, choices, shown
from service.web.errors import PageRoute, status_of
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class OrganisationsPage:
    """The topmost organisations the reader may read, or those a search finds."""

    search: str
    rows: tuple[OrganisationRow, ...]
    may_create: bool
    most: int


@dataclass(frozen=True, slots=True)
class OrganisationPage:
    """One organisation with what belongs to it."""

    organisation: OrganisationDetail
    below: tuple[OrganisationRow, ...]
    staff: tuple[StaffRow, ...]
    groups: tuple[GroupRow, ...]
    usual_groups: int
    places: tuple[PlaceRow, ...]
    history: tuple[ChangeRow, ...]
    error: str


@dataclass(frozen=True, slots=True)
class MovePage:
    """What a move would do, before it is confirmed."""

    organisation: OrganisationRow
    parent: str
    reason: str
    moved: Moved
    before: str
    after: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    policies: tuple[tuple[str, str, str], ...]


@router.get("/organisations")
def organisations_page(visit: Visiting, q: str = "") -> Response:
    """The top of the tree, or what a search finds."""
    with visit.reader() as reader:
        rows = directory.found(reader, q) if q.strip() else directory.roots(reader)
        if len(rows) == 1 and not q:
            return go(f"/organisations/{rows[0].id}")
        may_create = may(visit.principal, Action.ORGANISATION_CHANGE, OrganisationSubject(""))
        page = OrganisationsPage(q, rows, may_create, directory.MOST_FOUND)
        return visit.page(reader, "organisations/list.html", page)


@router.get("/organisations/new")
def new_page(visit: Visiting, parent: str = "") -> Response:
    """The form of a new organisation."""
    return shown(visit, _new(visit, parent))


@router.post("/organisations/new")
def create(visit: Visiting, posted: Form, parent: str = "") -> Response:
    """Make it."""

    def save() -> Response:
        command = CreateOrganisation(
            posted.get("name"), posted.get("type"), parent, posted.get("name_en"), posted.get("contact"),
            posted.get("address"),
        )  # fmt: skip
        return go(f"/organisations/{visit.run(organisation_changes.create, command)}", said="saved")

    return answered(visit, _new(visit, parent), posted, save)


@router.get("/organisations/{organisation}")
def organisation_page(visit: Visiting, organisation: str) -> Response:
    """One organisation."""
    return _page(visit, organisation)


@router.get("/organisations/{organisation}/edit")
def edit_page(visit: Visiting, organisation: str) -> Response:
    """The form of its words."""
    return shown(visit, _edit(visit, organisation))


@router.post("/organisations/{organisation}/edit")
def change(visit: Visiting, organisation: str, posted: Form) -> Response:
    """Change them."""

    def save() -> Response:
        words = {name: posted.get(name) for name in ("name", "name_en", "type", "contact", "address")}
        visit.run(organisation_changes.change, ChangeOrganisation(organisation, **words))
        return go(f"/organisations/{organisation}", said="saved")

    return answered(visit, _edit(visit, organisation), posted, save)


@router.get("/organisations/{organisation}/move")
def move_page(visit: Visiting, organisation: str) -> Response:
    """Where it could stand."""
    return shown(visit, _move(visit, organisation))


@router.post("/organisations/{organisation}/move")
def move(visit: Visiting, organisation: str, posted: Form) -> Response:
    """Look at what a move would do, or do it once that was seen."""
    command = MoveOrganisation(organisation, posted.get("parent"), posted.get("reason"))
    tocsin, principal = visit.site.tocsin, visit.principal

    def save() -> Response:
        if posted.get("do") == "confirm":
            visit.run(organisation_changes.move, command)
            return go(f"/organisations/{organisation}", said="saved")
        moved = rehearse(tocsin.writer, lambda uow: organisation_changes.move(uow, tocsin.services, principal, command))
        with visit.reader() as reader:
            return visit.page(reader, "organisations/move.html", _preview(visit, reader, command, moved))

    return answered(visit, _move(visit, organisation), posted, save)


@router.get("/organisations/{organisation}/switch")
def switch_page(visit: Visiting, organisation: str) -> Response:
    """Closing it, or opening it again, with a reason."""
    return shown(visit, _switch(visit, organisation))


@router.post("/organisations/{organisation}/switch")
def switch(visit: Visiting, organisation: str, posted: Form) -> Response:
    """Do it."""

    def save() -> Response:
        with visit.reader() as reader:
            is_active = directory.detail(reader, organisation).row.is_active
        command = SwitchOrganisation(organisation, not is_active, posted.get("reason"))
        visit.run(organisation_changes.switch, command)
        return go(f"/organisations/{organisation}", said="saved")

    return answered(visit, _switch(visit, organisation), posted, save)


@router.post("/organisations/{organisation}/undo")
def undo(visit: Visiting, organisation: str, posted: Form) -> Response:
    """Take a change back."""
    number = posted.get("seq")
    try:
        visit.run(directory_undo.undo, UndoChange(organisation, int(number) if number.isdecimal() else 0))
    except TocsinError as error:
        return _page(visit, organisation, error=error.text(visit.locale), status=status_of(error))
    return go(f"/organisations/{organisation}", said="undone")


# --- inside -----------------------------------------------------------------------------------


def _page(visit: Visit, organisation: str, *, error: str = "", status: int = 200) -> Response:
    with visit.reader() as reader:
        detail = directory.detail(reader, organisation)
        groups = directory.groups(reader, organisation)
        usual = reader.services.organisations.groups_of(detail.row.type)
        page = OrganisationPage(
            detail, directory.below(reader, organisation), directory.staff(reader, organisation), groups,
            0 if groups else len(usual), directory.places(reader, organisation),
            directory_history.history(reader, organisation, limit=10), error,
        )  # fmt: skip
        return visit.page(reader, "organisations/organisation.html", page, status=status)


def _words(visit: Visit, types: tuple[tuple[str, str], ...], values: dict[str, str]) -> tuple[Input, ...]:
    _ = visit.words.gettext
    return (
        Input("name", _("名称"), values.get("name", ""), is_needed=True),
        Input("name_en", _("英文名"), values.get("name_en", ""), hint=_("英文界面显示，可不填")),
        Input("type", _("类型"), widget="select", choices=choices(types, values.get("type", "")), is_needed=True),
        Input("contact", _("联系方式"), values.get("contact", ""), hint=_("值班电话或联系人，对内可见")),
        Input("address", _("地址"), values.get("address", "")),
    )


def _types(visit: Visit, parent_type: str) -> tuple[tuple[str, str], ...]:
    catalogue = visit.site.tocsin.services.organisations
    kinds = [each for each in catalogue.types.values() if parent_type in each.superiors and each.id != "system"]
    return tuple((each.id, each.name(visit.locale)) for each in kinds)


def _new(visit: Visit, parent: str) -> DirectoryForm:
    _ = visit.words.gettext
    with visit.reader() as reader:
        above = directory.detail(reader, parent).row if parent else None
        directory.require_change(reader, parent)
    types = _types(visit, above.type if above else "")
    lead = _("上级：%(name)s") % {"name": above.name} if above else _("没有上级的单位")
    if not types:
        lead = _("这一类单位之下不能再设单位。")
    return DirectoryForm(
        _("新建单位"), f"/organisations/{parent}" if parent else "/organisations", above.name if above else _("单位"),
        lead, f"/organisations/new?parent={parent}", _words(visit, types, {}), _("新建"),
    )  # fmt: skip


def _edit(visit: Visit, organisation: str) -> DirectoryForm:
    _ = visit.words.gettext
    with visit.reader() as reader:
        detail = directory.detail(reader, organisation)
        directory.require_change(reader, organisation)
        above = directory.detail(reader, detail.row.parent).row.type if _sees(reader, detail.row.parent) else ""
    types = _types(visit, above)
    if detail.row.type not in dict(types):
        types = ((detail.row.type, detail.row.type_name), *types)
    values = {
        "name": detail.name_zh, "name_en": detail.name_en, "type": detail.row.type, "contact": detail.contact,
        "address": detail.address,
    }  # fmt: skip
    return DirectoryForm(
        _("修改单位"), f"/organisations/{organisation}", detail.row.name, "", f"/organisations/{organisation}/edit",
        _words(visit, types, values), _("保存"),
    )  # fmt: skip


def _sees(reader: Reader, organisation: str) -> bool:
    subject = OrganisationSubject(organisation, reader.hierarchy.ancestors(organisation))
    return bool(organisation) and may(reader.principal, Action.ORGANISATION_READ, subject)


def _move(visit: Visit, organisation: str) -> DirectoryForm:
    _ = visit.words.gettext
    with visit.reader() as reader:
        detail = directory.detail(reader, organisation)
        directory.require_change(reader, detail.row.parent)
        options = directory.superiors_for(reader, organisation)
    chosen = choices(options, detail.row.parent)
    lead = _("下级单位一起移动。下一步先预览会变什么。")
    if not options:
        lead = _("您管理的范围内没有可作上级的单位，请联系上级或系统管理员。")
    return DirectoryForm(
        _("移到另一个上级"), f"/organisations/{organisation}", detail.row.name, lead,
        f"/organisations/{organisation}/move",
        (Input("parent", _("新的上级"), widget="select", choices=chosen, is_needed=True),
         Input("reason", _("理由"), widget="area", is_needed=True)), _("预览"),
    )  # fmt: skip


def _preview(visit: Visit, reader: Reader, command: MoveOrganisation, moved: Moved) -> MovePage:
    names = directory.names_of(reader, [each for each in (moved.before, moved.after) if each])
    people = reader.account_names({*moved.gained, *moved.lost})
    none = visit.words.gettext("无")
    return MovePage(
        directory.detail(reader, command.organisation).row, command.parent, command.reason, moved,
        names.get(moved.before, none), names.get(moved.after, none),
        tuple(people.get(each, each) for each in moved.gained), tuple(people.get(each, each) for each in moved.lost),
        tuple(directory.policy_words(reader, each) for each in moved.policies),
    )  # fmt: skip


def _switch(visit: Visit, organisation: str) -> DirectoryForm:
    _ = visit.words.gettext
    with visit.reader() as reader:
        row = directory.detail(reader, organisation).row
        directory.require_change(reader, organisation)
    lead = (
        _("停用后不能在其中报告新的事件，历史保留；以后可以恢复。")
        if row.is_active
        else _("恢复后可以在其中报告事件。")
    )
    title = _("停用单位") if row.is_active else _("恢复单位")
    reason = Input("reason", _("理由"), widget="area", is_needed=True)
    return DirectoryForm(
        title, f"/organisations/{organisation}", row.name, lead, f"/organisations/{organisation}/switch", (reason,),
        title,
    )  # fmt: skip
