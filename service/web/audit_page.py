"""The audit log: who saw, changed or took out what, and who came in; checking that nobody changed the log."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from service.application import audit, workbooks
from service.application.audit import PURPOSES, AuditFilter
from service.application.queries import audit as queries
from service.application.queries import audit_files
from service.application.queries.audit import AuditChoices, AuditEntry, CheckRow
from service.application.queries.audit_files import FORMATS
from service.domain.access import Action, may
from service.domain.audit import AuditKind
from service.domain.calendar import SHANGHAI
from service.domain.errors import ValueRefused
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

USUAL = timedelta(days=30)  # how far back a look goes that names no time and nobody


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address asks for; days are those of Shanghai, the last one included."""

    kind: Annotated[list[str] | None, Query()] = None
    account: str = ""
    incident: str = ""
    person: str = ""
    since: str = ""
    until: str = ""
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class AuditList:
    """What was found, what it was asked by, and the addresses of the older entries and of the same as a file."""

    entries: tuple[AuditEntry, ...]
    wish: Wish
    kinds: tuple[tuple[str, str, bool], ...]
    choices: AuditChoices
    who: str
    older: str
    error: str
    purposes: tuple[tuple[str, str], ...]
    file_error: str
    checks: tuple[CheckRow, ...]
    may_check: bool


@dataclass(frozen=True, slots=True)
class CheckPage:
    """A check of the chains, as far as it is."""

    check: CheckRow


@router.get("/audit")
def audit_page(visit: Visiting, wish: Annotated[Wish, Depends()]) -> Response:
    """The entries; looking is logged."""
    return _list(visit, wish)


@router.post("/audit/export")
def export(visit: Visiting, posted: Form) -> Response:
    """The same entries as a file, for a purpose."""
    wish = _wish_of(posted)
    purpose, format_ = posted.get("purpose"), posted.get("format")
    if purpose not in PURPOSES or format_ not in FORMATS:
        return _list(visit, wish, file_error=visit.words.gettext("请选择用途"), status=422)
    try:
        with visit.reader() as reader:
            file = audit_files.made(reader, _filter(wish), purpose, format_)
    except ValueRefused as refused:
        return _list(visit, wish, file_error=_said(visit, refused), status=422)
    visit.run(audit.note_file, file)
    name = f"audit-{visit.now.astimezone(SHANGHAI):%Y%m%d-%H%M}.{format_}"
    media = workbooks.MEDIA_TYPE if format_ == "xlsx" else "text/csv; charset=utf-8"
    return Response(file.content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})


@router.post("/audit/checks")
def check(visit: Visiting, _posted: Form) -> Response:
    """Check all chains; the page of the check tells how far it is."""
    return go(f"/audit/checks/{visit.run(audit.start_check)}")


@router.get("/audit/checks/{check_id}")
def progress(visit: Visiting, check_id: str) -> Response:
    """How far a check is; while it runs the page looks again by itself where scripts run."""
    with visit.reader() as reader:
        page = CheckPage(queries.check(reader, check_id))
        if visit.is_fragment:
            return visit.fragment("audit/_check.html", page)
        return visit.page(reader, "audit/check.html", page)


def address(asked: Mapping[str, str | list[str]]) -> str:
    """The page with these wishes."""
    given = {name: value for name, value in asked.items() if value}
    return f"/audit?{urlencode(given, doseq=True)}" if given else "/audit"


def address_about(incident: str, person: str) -> str:
    """Who saw or took out a person's data."""
    return address({"kind": [AuditKind.VIEW.value, AuditKind.EXPORT.value], "incident": incident, "person": person})


# --- inside -----------------------------------------------------------------------------------


def _list(visit: Visit, wish: Wish, *, file_error: str = "", status: int = 200) -> Response:
    if not any((wish.since, wish.until, wish.person, wish.incident, wish.account)):
        wish = replace(wish, since=(visit.now - USUAL).astimezone(SHANGHAI).date().isoformat())
    with visit.reader() as reader:
        queries.organisations_of(reader)
        try:
            asked, error = _filter(wish), ""
            found = queries.search(reader, asked, cursor=wish.cursor)
        except ValueRefused as refused:
            asked, error, found = AuditFilter(), _said(visit, refused), None
            status = 422
        chosen = queries.choices(reader, asked)
        is_checker = may(visit.principal, Action.AUDIT_VERIFY)
        page = AuditList(
            entries=found.entries if found else (),
            wish=wish,
            kinds=tuple((each, reader.label("audit_kind", each), each in (wish.kind or [])) for each in AuditKind),
            choices=chosen,
            who=dict(chosen.persons).get(wish.person, ""),
            older=address({**_asked(wish), "cursor": found.next}) if found and found.next else "",
            error=error,
            purposes=tuple((each, reader.label("export_purpose", each)) for each in PURPOSES),
            file_error=file_error,
            checks=queries.checks(reader) if is_checker else (),
            may_check=is_checker,
        )
        shown = visit.page(reader, "audit/list.html", page, status=status)
    visit.run(audit.note_look, asked, len(page.entries))
    return shown


def _asked(wish: Wish) -> dict[str, str | list[str]]:
    return {
        "kind": wish.kind or [], "account": wish.account, "incident": wish.incident, "person": wish.person,
        "since": wish.since, "until": wish.until,
    }  # fmt: skip


def _wish_of(posted: Posted) -> Wish:
    names = ("account", "incident", "person", "since", "until")
    return Wish(posted.all("kind"), **{name: posted.get(name) for name in names})


def _filter(wish: Wish) -> AuditFilter:
    since, until = _day("since", wish.since), _day("until", wish.until)
    if until is not None:
        until += timedelta(days=1)
    return AuditFilter(tuple(wish.kind or ()), wish.account, wish.incident, wish.person, since, until)


def _day(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), SHANGHAI)
    except ValueError as error:
        raise ValueRefused(name, "日期不对", "is no date") from error


def _said(visit: Visit, refused: ValueRefused) -> str:
    return refused.reason_en if visit.locale.startswith("en") else refused.reason
