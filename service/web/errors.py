"""Refusals as pages: what happened, in the reader's language, and what to do next."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

from service.domain import errors as err
from service.web.kept import to_the_door
from service.web.security import add_headers
from service.web.site import Guest, Site

# Branch of the error tree -> status; the first that fits counts.
STATUS: tuple[tuple[type[err.TocsinError], int], ...] = (
    (err.NotFound, 404),
    (err.Conflict, 409),
    (err.Forbidden, 403),
    (err.Unauthenticated, 401),
    (err.Invalid, 422),
    (err.TooMany, 429),
    (err.Unavailable, 503),
    (err.OutsideSystemFailed, 502),
)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What went wrong and where to go from here."""

    status: int
    heading: str
    message: str
    advice: str
    request_id: str


def status_of(error: err.TocsinError) -> int:
    """The HTTP status of a refusal."""
    return next((status for branch, status in STATUS if isinstance(error, branch)), 500)


class PageRoute(APIRoute):
    """A route whose answers carry the safety headers and whose refusals are pages; strangers go to the door."""

    def get_route_handler(self) -> Handler:
        """The handler, wrapped."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await handle(request)
            except err.SignInNeeded:
                response = await to_the_door(request)
            except (err.TocsinError, RequestValidationError, HTTPException) as error:
                response = refused(request, error)
            add_headers(MutableHeaders(raw=response.raw_headers))
            return response

        return guarded


def refused(request: Request, error: Exception) -> Response:
    """The page of a refusal."""
    site: Site | None = getattr(request.state, "site", None)
    if site is None:
        raise error
    guest = Guest(request, site)
    page = error_page(guest, error)
    template = "errors/_error.html" if "hx-request" in request.headers else "errors/error.html"
    return HTMLResponse(site.render(template, guest.locale, page=page), page.status)


def error_page(guest: Guest, error: Exception) -> ErrorPage:
    """The view model of a refusal."""
    if isinstance(error, err.TocsinError):
        # "No such incident" and its id would say nothing that the heading does not.
        status, message = status_of(error), "" if isinstance(error, err.NotFound) else error.text(guest.locale)
    elif isinstance(error, HTTPException):
        status, message = error.status_code, ""
    else:
        status, message = 422, ""
    heading, advice = _said(guest, status)
    request_id = str(getattr(guest.request.state, "request_id", ""))
    return ErrorPage(status, heading, message, advice, request_id)


def _said(guest: Guest, status: int) -> tuple[str, str]:
    words = guest.words
    known = {
        401: (words.gettext("请先登录"), words.gettext("登录后再打开这一页。")),
        403: (
            words.gettext("您不能看或做这件事"),
            words.gettext("如果这是您的工作，请联系本单位负责人给您相应的岗位。"),
        ),
        404: (
            words.gettext("找不到这一页"),
            words.gettext("它可能已经结束，或不属于您的单位。请从待办或事件列表进入。"),
        ),
        409: (words.gettext("情况已经变了"), words.gettext("别人可能刚刚办过。请回到上一页看看现在的样子。")),
        413: (words.gettext("内容太大"), words.gettext("请分开提交，或换一个小一些的文件。")),
        422: (words.gettext("提交的内容有问题"), words.gettext("请返回上一页，按提示改正后再提交。")),
        429: (words.gettext("操作太快了"), words.gettext("请稍等再试。")),
        503: (words.gettext("系统暂时不可用"), words.gettext("什么都没有丢失。请稍后再提交一次。")),
    }
    otherwise = (
        words.gettext("出了意外"),
        words.gettext("已保存的内容不受影响。请再试一次；如果还是这样，请把下面的编号告诉管理员。"),
    )
    return known.get(status, otherwise)
