"""People of an organisation: inviting them, their roles and until when, switching off, and handing over."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import accounts, handovers, staff_changes
from service.application.handovers import HandOver
from service.application.invitations import Invited
from service.application.queries import directory, directory_history, task_rows
from service.application.queries.directory import OrganisationRow, StaffRow
from service.application.queries.directory_history import ChangeRow
from service.application.queries.reader import Reader
from service.application.staff_changes import EndRole, GiveRole, InviteAgain, InvitePerson, RenamePerson, SwitchAccount
from service.domain.access import Action, may, require
from service.domain.errors import NoSuch, TocsinError
from service.web.directory_forms import (
    DirectoryForm,
    Input,
    answered,
    choices,
    end_of_day,
    first_instant,
    shown,
)
from service.web.errors import PageRoute, status_of
from service.web.form_models import Choice
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PEOPLE = "/organisations/{organisation}/people"


@dataclass(frozen=True, slots=True)
class PersonPage:
    """Somebody who works in an organisation."""

    organisation: OrganisationRow
    person: StaffRow
    elsewhere: tuple[tuple[str, str], ...]
    roles: tuple[Choice, ...]
    may_change: bool
    safety: str  # where an administrator ends sessions and resets the second factor
    history: tuple[ChangeRow, ...]
    error: str


@dataclass(frozen=True, slots=True)
class InvitedPage:
    """An invitation just made: the code is shown this once."""

    organisation: OrganisationRow
    username: str
    name: str
    invited: Invited
    link: str


@dataclass(frozen=True, slots=True)
class LeavingTask:
    """A task that must go to somebody."""

    id: str
    name: str
    incident_number: str
    has_draft: bool
    heirs: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class LeavingRole:
    """A role that ends; without heirs and others nobody does its work any more."""

    role: str
    name: str
    others: tuple[str, ...]
    heirs: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class LeavePage:
    """What somebody leaves behind, and to whom it goes."""

    organisation: OrganisationRow
    person: StaffRow
    tasks: tuple[LeavingTask, ...]
    roles: tuple[LeavingRole, ...]
    places: tuple[str, ...]
    reason: str
    reason_error: str
    refusal: str


@router.get(f"{PEOPLE}/new")
def invite_page(visit: Visiting, organisation: str) -> Response:
    """The form of an invitation."""
    return shown(visit, _invite(visit, organisation))


@router.post(f"{PEOPLE}/new")
def invite(visit: Visiting, organisation: str, posted: Form) -> Response:
    """Make the account and show its code once; somebody who has an account gets the roles."""

    def save() -> Response:
        since, until = first_instant(posted.get("valid_from")), end_of_day(posted.get("valid_until"))
        username, roles = posted.get("username"), tuple(posted.all("roles"))
        with visit.reader() as reader:
            known = accounts.account_named(reader.connection, username) if posted.get("existing") else None
        if known is not None:
            for role in roles:
                visit.run(staff_changes.give, GiveRole(organisation, known, role, since, until))
            return go(f"/organisations/{organisation}/people/{known}", said="saved")
        accounts.hash_of_nothing()  # slow the first time: here, not on the writer's thread
        command = InvitePerson(organisation, username, posted.get("name"), roles, since, until)
        return _told(visit, organisation, visit.run(staff_changes.invite, command))

    return answered(visit, _invite(visit, organisation), posted, save)


@router.get(f"{PEOPLE}/{{account}}")
def person_page(visit: Visiting, organisation: str, account: str) -> Response:
    """Somebody with his roles here."""
    return _person(visit, organisation, account)


@router.post(f"{PEOPLE}/{{account}}")
def change(visit: Visiting, organisation: str, account: str, posted: Form) -> Response:
    """Give or end a role, rename, invite again, switch off or on."""
    try:
        made = _change(visit, organisation, account, posted)
    except TocsinError as error:
        return _person(visit, organisation, account, error=error.text(visit.locale), status=status_of(error))
    if isinstance(made, Invited):
        return _told(visit, organisation, made)
    return go(f"/organisations/{organisation}/people/{account}", said="saved")


@router.get(f"{PEOPLE}/{{account}}/leave")
def leave_page(visit: Visiting, organisation: str, account: str) -> Response:
    """What somebody who leaves hands over."""
    return _leave(visit, organisation, account)


@router.post(f"{PEOPLE}/{{account}}/leave")
def leave(visit: Visiting, organisation: str, account: str, posted: Form) -> Response:
    """Hand it over and end his work here."""
    given = {name.removeprefix("task."): posted.get(name) for name in posted.names if name.startswith("task.")}
    roles = {name.removeprefix("role."): posted.get(name) for name in posted.names if name.startswith("role.")}
    command = HandOver(organisation, account, posted.get("reason"), given, roles)
    try:
        visit.run(handovers.hand_over, command)
    except TocsinError as error:
        return _leave(visit, organisation, account, asked=command, error=error)
    return go(f"/organisations/{organisation}", said="handed_over")


# --- inside -----------------------------------------------------------------------------------


def _change(visit: Visit, organisation: str, account: str, posted: Form) -> object:
    what, role, reason = posted.get("do"), posted.get("role"), posted.get("reason")
    if what == "end":
        return visit.run(staff_changes.end, EndRole(organisation, account, role, reason))
    if what == "rename":
        return visit.run(staff_changes.rename, RenamePerson(account, posted.get("name")))
    if what == "invite":
        return visit.run(staff_changes.invite_again, InviteAgain(account))
    if what in ("off", "on"):
        return visit.run(staff_changes.switch, SwitchAccount(account, what == "on", reason))
    since, until = first_instant(posted.get("valid_from")), end_of_day(posted.get("valid_until"))
    return visit.run(staff_changes.give, GiveRole(organisation, account, role, since, until))


def _one(reader: Reader, organisation: str, account: str) -> StaffRow:
    found = directory.staff(reader, organisation, account)
    if not found:
        raise NoSuch("account", account)
    return found[0]


def _given_roles(reader: Reader, kind: str) -> tuple[Choice, ...]:
    """Roles the reader may give in an organisation of a type: those that belong there; an administrator every other."""
    catalogue = reader.services.organisations
    fitting = [each for each in catalogue.roles_of(kind) if (each.id == "sys_admin") == (kind == "system")]
    more = [each for each in catalogue.roles.values() if each not in fitting and each.id != "sys_admin"]
    group = reader.pick("本类单位的岗位", "roles of this type")
    beyond = reader.pick("其他岗位", "other roles")
    shown_more = more if reader.principal.is_admin and kind != "system" else []
    return (
        *(Choice(each.id, each.name(reader.locale), group=group) for each in fitting),
        *(Choice(each.id, each.name(reader.locale), group=beyond) for each in shown_more),
    )


def _person(visit: Visit, organisation: str, account: str, *, error: str = "", status: int = 200) -> Response:
    with visit.reader() as reader:
        detail, person = directory.detail(reader, organisation), _one(reader, organisation, account)
        held = {each.role for each in person.roles}
        offered = tuple(each for each in _given_roles(reader, detail.row.type) if each.value not in held)
        page = PersonPage(
            detail.row, person, directory.elsewhere(reader, organisation, account), offered, detail.rights.staff,
            f"/accounts/{account}/security" if may(visit.principal, Action.ACCOUNT_MANAGE) else "",
            directory_history.history(reader, organisation, element=account) if detail.rights.staff else (), error,
        )  # fmt: skip
        return visit.page(reader, "organisations/person.html", page, status=status)


def _invite(visit: Visit, organisation: str) -> DirectoryForm:
    _ = visit.words.gettext
    with visit.reader() as reader:
        detail = directory.detail(reader, organisation)
        require(visit.principal, Action.STAFF_CHANGE, directory.subject_of(reader, organisation))
        roles = _given_roles(reader, detail.row.type)
    return DirectoryForm(
        _("邀请人员"), f"/organisations/{organisation}", detail.row.name,
        _("新账号没有密码：生成一次性的邀请码，由本人设置密码。"), f"/organisations/{organisation}/people/new",
        (
            Input("name", _("姓名"), is_needed=True),
            Input("username", _("用户名"), hint=_("登录用，字母、数字或汉字"), is_needed=True),
            Input("existing", "", widget="flag", hint=_("该用户名已有账号：只增加本单位的岗位")),
            Input("roles", _("岗位"), widget="checks", choices=roles, is_needed=True),
            Input("valid_from", _("开始日期"), widget="date", hint=_("不填：从现在起")),
            Input("valid_until", _("结束日期"), widget="date", hint=_("不填：长期")),
        ), _("邀请"),
    )  # fmt: skip


def _told(visit: Visit, organisation: str, invited: Invited) -> Response:
    with visit.reader() as reader:
        person = _one(reader, organisation, invited.account)
        row = directory.detail(reader, organisation).row
        link = f"{visit.site.tocsin.settings.public_url}/invitation?code={invited.code}"
        page = InvitedPage(row, person.username, person.name, invited, link)
        response = visit.page(reader, "organisations/invited.html", page)
    response.headers["cache-control"] = "no-store"
    return response


def _leave(
    visit: Visit, organisation: str, account: str, *, asked: HandOver | None = None, error: TocsinError | None = None
) -> Response:
    with visit.reader() as reader:
        detail, person = directory.detail(reader, organisation), _one(reader, organisation, account)
        require(visit.principal, Action.STAFF_CHANGE, directory.subject_of(reader, organisation))
        found = handovers.leaving(reader.connection, organisation, account, now=reader.now)
        rows = {each.id: each for each in task_rows.named(reader, [task.id for task in found.tasks])}
        colleagues = [(each.account, each.name) for each in directory.staff(reader, organisation)
                      if each.account != account and each.is_active]  # fmt: skip
        tasks = asked.tasks if asked else {}
        roles = asked.roles if asked else {}
        no_reason = asked is not None and not asked.reason.strip()
        page = LeavePage(
            detail.row, person,
            tuple(
                LeavingTask(
                    each.id, rows[each.id].name if each.id in rows else each.id,
                    rows[each.id].incident_number if each.id in rows else "", each.has_draft,
                    choices(each.candidates, tasks.get(each.id, "")),
                )
                for each in found.tasks
            ),
            tuple(
                LeavingRole(
                    each.role, directory.role_name(reader, each.role), tuple(name for _, name in each.others),
                    choices(colleagues, roles.get(each.role, "")),
                )
                for each in found.roles
            ),
            found.places, asked.reason if asked else "", visit.words.gettext("请写明理由") if no_reason else "",
            error.text(visit.locale) if error and not no_reason else "",
        )  # fmt: skip
        return visit.page(reader, "organisations/leave.html", page, status=status_of(error) if error else 200)
