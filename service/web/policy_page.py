"""Policies: what applies in an organisation and why, its history, and changing it after a look at what that does."""

from dataclasses import dataclass, replace
from datetime import timedelta

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import policy_application
from service.application.policy_application import ChangePolicy
from service.application.queries import policies
from service.application.queries.policies import (
    AppliedTold,
    ChangeShown,
    PolicyGroupShown,
    PolicyShown,
    RunningIncident,
)
from service.application.queries.reader import Reader
from service.application.rehearsal import rehearse
from service.domain.access import Action, OrganisationSubject, may
from service.domain.calendar import CalendarDuration
from service.domain.errors import NoSuch, PolicyRefused, ValueRefused
from service.domain.policies import PolicyEntry, parse_text
from service.domain.policy_words import in_words
from service.web.errors import PageRoute
from service.web.form_models import Choice
from service.web.navigation import home_of
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# Units a duration is typed in: how it is written, and its length; months have none.
_UNITS = (("P{}M", None), ("P{}D", timedelta(days=1)), ("PT{}H", timedelta(hours=1)), ("PT{}M", timedelta(minutes=1)))


@dataclass(frozen=True, slots=True)
class PoliciesPage:
    """All policies of an organisation, or those a search finds."""

    organisation: str
    organisations: tuple[tuple[str, str], ...]
    search: str
    groups: tuple[PolicyGroupShown, ...]
    count: int


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """The inputs of a change. `value` is as typed; of a duration the number, with its `unit` beside."""

    widget: str  # number, time, duration or choice
    value: str
    unit: str
    units: tuple[Choice, ...]
    choices: tuple[Choice, ...]
    reason: str
    follows: bool
    apply_to: tuple[str, ...]
    value_error: str = ""
    reason_error: str = ""


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """One policy with its history, and for who may change it the form (None for others)."""

    organisation: str
    organisation_name: str
    policy: PolicyShown
    history: tuple[ChangeShown, ...]
    form: PolicyForm | None
    running: tuple[RunningIncident, ...]


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """What a change would do, before it is confirmed; `new` is the value that will apply."""

    organisation: str
    organisation_name: str
    policy: PolicyShown
    new: str
    form: PolicyForm
    applied: tuple[AppliedTold, ...]


@router.get("/policies")
def policies_page(visit: Visiting, organisation: str = "", q: str = "") -> Response:
    """The list, under its headings."""
    with visit.reader() as reader:
        choices = policies.readable_organisations(reader)
        chosen = organisation or _own_organisation(reader, choices)
        policies.require_reading(reader, chosen)
        groups = policies.groups(reader, chosen, q)
        count = sum(len(group.policies) for group in groups)
        return visit.page(reader, "policies/list.html", PoliciesPage(chosen, choices, q, groups, count))


@router.get("/policies/{key}")
def policy_page(visit: Visiting, key: str, organisation: str = "") -> Response:
    """One policy of an organisation."""
    with visit.reader() as reader:
        chosen = organisation or _own_organisation(reader, policies.readable_organisations(reader))
        return visit.page(reader, "policies/policy.html", _page(visit, reader, chosen, key, None))


@router.post("/policies/{key}/preview")
def preview(visit: Visiting, key: str, posted: Form, organisation: str) -> Response:
    """Look at what a change would do; it is confirmed on the page that answers."""
    entry = _entry(visit, key)
    form, command = _read(visit, entry, organisation, posted)
    if posted.get("do") == "edit":
        return _form_again(visit, key, organisation, form, status=200)
    try:
        services, principal = visit.site.tocsin.services, visit.principal
        changed = rehearse(
            visit.site.tocsin.writer, lambda uow: policy_application.change(uow, services, principal, command)
        )
    except (PolicyRefused, ValueRefused) as error:
        return _form_again(visit, key, organisation, _with_error(visit, form, error))
    with visit.reader() as reader:
        before = policies.policy(reader, organisation, key)
        if changed.row.value == before.row.value and not command.apply_to and not form.follows:
            text = visit.words.gettext("值没有变化，也没有选择进行中的事件。")
            return _form_again(visit, key, organisation, replace(form, value_error=text))
        page = PreviewPage(
            organisation, reader.organisation_names[organisation], before,
            in_words(entry, changed.row.value, visit.locale), form, policies.told(reader, changed.applied),
        )  # fmt: skip
        return visit.page(reader, "policies/preview.html", page)


@router.post("/policies/{key}")
def change(visit: Visiting, key: str, posted: Form, organisation: str) -> Response:
    """Change it as previewed."""
    form, command = _read(visit, _entry(visit, key), organisation, posted)
    try:
        visit.run(policy_application.change, command)
    except (PolicyRefused, ValueRefused) as error:
        return _form_again(visit, key, organisation, _with_error(visit, form, error))
    return go(f"/policies/{key}", organisation=organisation, said="policy")


# --- inside -----------------------------------------------------------------------------------


def _own_organisation(reader: Reader, choices: tuple[tuple[str, str], ...]) -> str:
    """Where the reader works; an administrator works nowhere and begins at the top."""
    ids = [each for each, _ in choices]
    home = home_of(reader.principal)
    return home if home in ids else next(iter(ids), home)


def _entry(visit: Visit, key: str) -> PolicyEntry:
    entry = visit.site.tocsin.services.policies.get(key)
    if entry is None:
        raise NoSuch("policy", key)
    return entry


def _page(visit: Visit, reader: Reader, organisation: str, key: str, form: PolicyForm | None) -> PolicyPage:
    policies.require_reading(reader, organisation)
    shown = policies.policy(reader, organisation, _entry(visit, key).key)
    subject = OrganisationSubject(organisation, reader.hierarchy.ancestors(organisation))
    may_change = may(visit.principal, Action.POLICY_CHANGE, subject)
    return PolicyPage(
        organisation=organisation,
        organisation_name=reader.organisation_names[organisation],
        policy=shown,
        history=policies.history(reader, organisation, key),
        form=(form or _blank(visit, shown)) if may_change else None,
        running=policies.running(reader, organisation, key) if may_change else (),
    )


def _form_again(visit: Visit, key: str, organisation: str, form: PolicyForm, *, status: int = 422) -> Response:
    with visit.reader() as reader:
        return visit.page(reader, "policies/policy.html", _page(visit, reader, organisation, key, form), status=status)


def _with_error(visit: Visit, form: PolicyForm, error: PolicyRefused | ValueRefused) -> PolicyForm:
    text = error.reason_en if visit.locale.startswith("en") else error.reason
    if isinstance(error, ValueRefused):
        return replace(form, reason_error=text)
    return replace(form, value_error=text)


def _blank(visit: Visit, shown: PolicyShown) -> PolicyForm:
    """The form with the value that applies now."""
    number, unit = _typed(shown.row.entry, shown.row.value)
    return _form(visit, shown.row.entry, number, unit)


def _form(
    visit: Visit, entry: PolicyEntry, value: str, unit: str, *, reason: str = "", follows: bool = False,
    apply_to: tuple[str, ...] = (),
) -> PolicyForm:  # fmt: skip
    words = visit.words
    names = (words.gettext("个月"), words.gettext("天"), words.gettext("小时"), words.gettext("分钟"))
    units = tuple(Choice(code, name, code == unit) for (code, _), name in zip(_UNITS, names, strict=True))
    options = (True, False) if entry.type == "bool" else entry.allowed
    choices = tuple(Choice(_text(each), in_words(entry, each, visit.locale), _text(each) == value) for each in options)
    unit_name = entry.words[entry.unit][visit.locale.startswith("en")] if entry.unit else ""
    widget = "choice" if choices else entry.type if entry.type in ("time", "duration") else "number"
    return PolicyForm(
        widget, value, unit_name, units if widget == "duration" else (), choices, reason, follows, apply_to
    )


def _typed(entry: PolicyEntry, raw: object) -> tuple[str, str]:
    """A raw value as the inputs show it: the text, and for a duration the largest unit that leaves no rest."""
    if entry.type != "duration" or entry.allowed:
        return _text(raw), ""
    value = parse_text(entry, raw)
    if isinstance(value, CalendarDuration):
        return str(value.months), _UNITS[0][0]
    if not isinstance(value, timedelta) or not value:
        return "0", _UNITS[-1][0]
    for code, length in _UNITS:
        if length is not None and not value % length:
            return str(value // length), code
    return str(value / timedelta(minutes=1)), _UNITS[-1][0]


def _text(raw: object) -> str:
    return ("true" if raw else "false") if isinstance(raw, bool) else str(raw)


def _read(visit: Visit, entry: PolicyEntry, organisation: str, posted: Posted) -> tuple[PolicyForm, ChangePolicy]:
    """What was sent, as inputs to show again and as a command."""
    value, unit, follows = posted.get("value"), posted.get("unit"), posted.get("follow") == "true"
    apply_to = tuple(posted.all("apply_to"))
    form = _form(visit, entry, value, unit, reason=posted.get("reason"), follows=follows, apply_to=apply_to)
    known = [code for code, _ in _UNITS]
    wanted = unit.format(value) if form.widget == "duration" and unit in known else value
    command = ChangePolicy(entry.key, organisation, None if follows else wanted, posted.get("reason"), apply_to)
    return form, command
