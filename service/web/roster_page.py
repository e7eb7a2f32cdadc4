"""Places and working groups of an organisation, and the roster of a place: masked until somebody asks for the names."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import place_changes, roster_changes
from service.application.place_changes import AddUsualGroups, DissolveGroup, SaveGroup, SavePlace
from service.application.queries import directory, rosters_kept
from service.application.queries.directory import OrganisationRow, PlaceRow
from service.application.queries.rosters_kept import RosterRow
from service.application.roster_changes import OpenRoster, RemoveMember, SaveMember
from service.domain.access import Action
from service.domain.errors import NoSuch, ValueRefused
from service.web.directory_forms import DirectoryForm, Input, answered, choices, shown
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)
BASE = "/organisations/{organisation}"
OTHERS = "others"  # the roster of those who belong to no place


@dataclass(frozen=True, slots=True)
class PlacePage:
    """A place with its roster; `is_open`: the names stand there in full, which is on record."""

    organisation: OrganisationRow
    place: PlaceRow | None
    rows: tuple[RosterRow, ...]
    may_change: bool
    may_edit: bool
    may_open: bool
    is_open: bool


@router.get(f"{BASE}/places/new")
def new_place_page(visit: Visiting, organisation: str) -> Response:
    """The form of a new place."""
    return shown(visit, _place(visit, organisation, ""))


@router.post(f"{BASE}/places/new")
def make_place(visit: Visiting, organisation: str, posted: Form) -> Response:
    """Make it."""
    return _save_place(visit, organisation, "", posted)


@router.get(f"{BASE}/places/{{place}}")
def place_page(visit: Visiting, organisation: str, place: str) -> Response:
    """A place and who is on its roster, names masked."""
    return _roster(visit, organisation, place, is_open=False)


@router.post(f"{BASE}/places/{{place}}")
def open_roster(visit: Visiting, organisation: str, place: str, posted: Form) -> Response:
    """Show the names in full, to be read or printed; or take somebody off."""
    if posted.get("do") == "remove":
        visit.run(roster_changes.remove, RemoveMember(organisation, posted.get("member")))
    visit.run(roster_changes.open_roster, OpenRoster(organisation, "" if place == OTHERS else place))
    response = _roster(visit, organisation, place, is_open=True)
    response.headers["cache-control"] = "no-store"
    return response


@router.get(f"{BASE}/places/{{place}}/edit")
def place_form(visit: Visiting, organisation: str, place: str) -> Response:
    """The form of a place."""
    return shown(visit, _place(visit, organisation, place))


@router.post(f"{BASE}/places/{{place}}/edit")
def change_place(visit: Visiting, organisation: str, place: str, posted: Form) -> Response:
    """Change it, or give it up."""
    return _save_place(visit, organisation, place, posted)


@router.get(f"{BASE}/places/{{place}}/members/{{member}}")
def member_form(visit: Visiting, organisation: str, place: str, member: str) -> Response:
    """The form of somebody on the roster; `new` for another one."""
    if member != "new":
        visit.run(roster_changes.open_roster, OpenRoster(organisation, "" if place == OTHERS else place))
    response = shown(visit, _member(visit, organisation, place, member))
    response.headers["cache-control"] = "no-store"
    return response


@router.post(f"{BASE}/places/{{place}}/members/{{member}}")
def save_member(visit: Visiting, organisation: str, place: str, member: str, posted: Form) -> Response:
    """Enter or change somebody."""

    def save() -> Response:
        age = posted.get("age")
        if age and not age.isdecimal():
            raise ValueRefused("age", "请填整数", "must be a whole number")
        values = {name: posted.get(name) for name in ("name", "sex", "guardian_name", "guardian_phone", "phone")}
        command = SaveMember(
            organisation, posted.get("person_type"), {**values, "age": int(age) if age else None},
            "" if member == "new" else member, "" if place == OTHERS else place, posted.get("seat_no"),
        )  # fmt: skip
        visit.run(roster_changes.save, command)
        return go(f"/organisations/{organisation}/places/{place}", said="saved")

    return answered(visit, _member(visit, organisation, place, member), posted, save)


@router.post(f"{BASE}/groups")
def usual_groups(visit: Visiting, organisation: str, posted: Form) -> Response:
    """Make the working groups the catalogue names."""
    del posted
    visit.run(place_changes.add_usual_groups, AddUsualGroups(organisation))
    return go(f"/organisations/{organisation}", said="saved")


@router.get(f"{BASE}/groups/{{group}}")
def group_form(visit: Visiting, organisation: str, group: str) -> Response:
    """The form of a working group; `new` for another one."""
    return shown(visit, _group(visit, organisation, group))


@router.post(f"{BASE}/groups/{{group}}")
def save_group(visit: Visiting, organisation: str, group: str, posted: Form) -> Response:
    """Make, change or dissolve it."""

    def save() -> Response:
        if posted.get("dissolve"):
            visit.run(place_changes.dissolve_group, DissolveGroup(organisation, group))
        else:
            head = posted.get("head")
            people = dict.fromkeys((*posted.all("members"), *((head,) if head else ())))
            members = {account: account == head for account in people}
            command = SaveGroup(
                organisation, posted.get("name"), "" if group == "new" else group, posted.get("name_en"), "", members
            )
            visit.run(place_changes.save_group, command)
        return go(f"/organisations/{organisation}", said="saved")

    return answered(visit, _group(visit, organisation, group), posted, save)


# --- inside -----------------------------------------------------------------------------------


def _save_place(visit: Visit, organisation: str, place: str, posted: Form) -> Response:
    def save() -> Response:
        command = SavePlace(
            organisation, posted.get("name"), posted.get("kind"), place, bool(posted.get("positions_fixed")),
            posted.get("lead"), not posted.get("give_up"),
        )  # fmt: skip
        made = visit.run(place_changes.save_place, command)
        return go(f"/organisations/{organisation}/places/{made}" if command.is_active else
                  f"/organisations/{organisation}", said="saved")  # fmt: skip

    return answered(visit, _place(visit, organisation, place), posted, save)


def _roster(visit: Visit, organisation: str, place: str, *, is_open: bool) -> Response:
    with visit.reader() as reader:
        detail = directory.detail(reader, organisation)
        row = next((each for each in directory.places(reader, organisation) if each.id == place), None)
        if row is None and place != OTHERS:
            raise NoSuch("place", place)
        may_see = detail.rights.read_roster
        rows = rosters_kept.roster(reader, organisation, row.id if row else "", is_open=is_open) if may_see else ()
        rights = detail.rights
        page = PlacePage(
            detail.row, row, rows, rights.roster and may_see, rights.change and row is not None,
            rights.read_roster and rights.roster, is_open,
        )  # fmt: skip
        return visit.page(reader, "organisations/place.html", page)


def _place(visit: Visit, organisation: str, place: str) -> DirectoryForm:
    _ = visit.words.gettext
    with visit.reader() as reader:
        detail = directory.detail(reader, organisation)
        directory.require_change(reader, organisation)
        row = next((each for each in directory.places(reader, organisation) if each.id == place), None)
        if place and row is None:
            raise NoSuch("place", place)
        kinds = tuple((kind, reader.label("place_kind", kind)) for kind in place_changes.KINDS)
        people = [("", _("无")), *((each.account, each.name) for each in directory.staff(reader, organisation))]
    fields: tuple[Input, ...] = (
        Input("name", _("名称"), row.name if row else "", is_needed=True),
        Input("kind", _("种类"), widget="radio", choices=choices(kinds, row.kind if row else "class"), is_needed=True),
        Input("positions_fixed", "", "true" if row and row.positions_fixed else "", "flag",
              hint=_("座位固定：可以找出前后左右的人")),
        Input("lead", _("负责人"), widget="select", choices=choices(people, row.lead if row else ""),
              hint=_("班主任或场所负责人")),
    )  # fmt: skip
    if row:
        fields = (*fields, Input("give_up", "", widget="flag", hint=_("不再使用（名册保留）")))
    return DirectoryForm(
        _("修改场所") if row else _("新建班级或场所"), f"/organisations/{organisation}", detail.row.name, "",
        f"/organisations/{organisation}/places/{place}/edit" if row else f"/organisations/{organisation}/places/new",
        fields, _("保存"),
    )  # fmt: skip


def _member(visit: Visit, organisation: str, place: str, member: str) -> DirectoryForm:
    _ = visit.words.gettext
    with visit.reader() as reader:
        detail = directory.detail(reader, organisation)
        directory.require_change(reader, organisation, Action.ROSTER_CHANGE)
        row = None if member == "new" else rosters_kept.one(reader, organisation, member)
        types = tuple((each, reader.label("roster_type", each)) for each in roster_changes.PERSON_TYPES)
        sexes = (("男", reader.pick("男", "male")), ("女", reader.pick("女", "female")))
    values = {name: str(value) for name, value in (row.values if row else {}).items()}
    kind = row.person_type if row else "student" if detail.row.type == "school" else "resident"
    path = f"/organisations/{organisation}/places/{place}"
    return DirectoryForm(
        _("修改名册人员") if row else _("登记到名册"), path, _("名册"),
        _("姓名、电话等加密保存，只有办理任务需要的人看得到。"), f"{path}/members/{member}",
        (
            Input("name", _("姓名"), values.get("name", ""), is_needed=True),
            Input("person_type", _("人员"), widget="radio", choices=choices(types, kind), is_needed=True),
            Input("sex", _("性别"), widget="radio", choices=choices(sexes, values.get("sex", ""))),
            Input("age", _("年龄"), values.get("age", ""), "number"),
            Input("seat_no", _("座位"), row.seat_no if row else "", hint=_("排-列，如 3-4")),
            Input("guardian_name", _("家长"), values.get("guardian_name", "")),
            Input("guardian_phone", _("家长电话"), values.get("guardian_phone", "")),
            Input("phone", _("电话"), values.get("phone", "")),
        ), _("保存"),
    )  # fmt: skip


def _group(visit: Visit, organisation: str, group: str) -> DirectoryForm:
    _ = visit.words.gettext
    with visit.reader() as reader:
        detail = directory.detail(reader, organisation)
        directory.require_change(reader, organisation)
        row = next((each for each in directory.groups(reader, organisation) if each.id == group), None)
        if row is None and group != "new":
            raise NoSuch("group", group)
        people = [(each.account, each.name) for each in directory.staff(reader, organisation)]
    inside = [account for account, _who, _is_head in row.members] if row else []
    heads = [account for account, _who, is_head in row.members if is_head] if row else []
    fields: tuple[Input, ...] = (
        Input("name", _("名称"), row.name_zh if row else "", is_needed=True),
        Input("name_en", _("英文名"), row.name_en if row else ""),
        Input("head", _("组长"), widget="select", choices=choices([("", _("无")), *people], heads or "")),
        Input("members", _("成员"), widget="checks", choices=choices(people, inside)),
    )
    if row:
        fields = (*fields, Input("dissolve", "", widget="flag", hint=_("撤销这个工作组")))
    return DirectoryForm(
        _("修改工作组") if row else _("新建工作组"), f"/organisations/{organisation}", detail.row.name, "",
        f"/organisations/{organisation}/groups/{group}", fields, _("保存"),
    )  # fmt: skip
