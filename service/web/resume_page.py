"""Back on the form that was sent when the session was over, with what was typed; nothing is done yet."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import kept_forms
from service.application.kept_forms import KeptForm
from service.domain.access import Action, require
from service.web import action_page, report_page, task_page
from service.web.errors import PageRoute
from service.web.kept import FORM_COOKIE, RESUME_PAGE
from service.web.posted import Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

AS_IT_IS = "restore:_"  # a change of rows that changes none: the page comes again with what was typed


@dataclass(frozen=True, slots=True)
class ResumePage:
    """A short form that has no page of its own: what was typed, to be sent again with one button."""

    address: str
    fields: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]


@router.get(RESUME_PAGE)
def resume(visit: Visiting) -> Response:
    """The form, or the inbox where nothing was kept for this person."""
    require(visit.principal, Action.SELF_READ)
    key, me = visit.cookie(FORM_COOKIE), visit.principal.account_id
    kept = visit.site.tocsin.run(lambda uow: kept_forms.take(uow, key, me)) if key else None
    response = _shown(visit, kept) if kept is not None else go("/inbox")
    visit.put_cookie(response, FORM_COOKIE, "", 0)
    return response


def _shown(visit: Visit, kept: KeptForm) -> Response:
    parts = urlsplit(kept.address)
    for pattern, again in _PAGES.items():
        if found := re.fullmatch(pattern, parts.path):
            fields = tuple((name, value) for name, value in kept.fields if name != "do")
            posted = Posted((*fields, ("do", AS_IT_IS)), {})
            return again(visit, posted, found, parts.query)
    texts = tuple(dict.fromkeys(value for name, value in kept.fields if value.strip() and _is_typed(name, value)))
    with visit.reader() as reader:
        return visit.page(reader, "entry/resume.html", ResumePage(kept.address, kept.fields, texts))


def _is_typed(name: str, value: str) -> bool:
    """Whether a value is worth showing: words, not the ids and codes of hidden inputs."""
    return name not in ("do", "back", "to") and not re.fullmatch(r"[\w.:#/?=&-]*", value, re.ASCII)


def _task(visit: Visit, posted: Posted, found: re.Match[str], _query: str) -> Response:
    return task_page.answer(visit, found["task"], posted)


def _report(visit: Visit, posted: Posted, _found: re.Match[str], _query: str) -> Response:
    return report_page.report(visit, posted)


def _action(visit: Visit, posted: Posted, found: re.Match[str], query: str) -> Response:
    instance = parse_qs(query).get("instance", [""])[0]
    return action_page.act(visit, found["incident"], found["message"], posted, instance)


def _partner(visit: Visit, posted: Posted, found: re.Match[str], _query: str) -> Response:
    return action_page.speak(visit, found["wait"], posted)


_PAGES: dict[str, Callable[[Visit, Posted, re.Match[str], str], Response]] = {
    r"/tasks/(?P<task>[^/]+)(/draft)?": _task,
    r"/report": _report,
    r"/incidents/(?P<incident>[^/]+)/actions/(?P<message>[^/]+)": _action,
    r"/partner/(?P<wait>[^/]+)": _partner,
}
