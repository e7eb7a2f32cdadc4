"""Errors as RFC 9457 problem documents: the only place that maps the error tree to HTTP."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from service.domain.errors import (
    Conflict,
    DefinitionRefused,
    Forbidden,
    FormRefused,
    Invalid,
    NotFound,
    OutsideSystemFailed,
    ScenarioRefused,
    TocsinError,
    TooMany,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)
from service.logs import logger

MEDIA_TYPE = "application/problem+json"
TYPE = "https://tocsin.example/problems/"

STATUS: tuple[tuple[type[TocsinError], int, str, str], ...] = (
    (NotFound, 404, "找不到", "Not found"),
    (Conflict, 409, "状态冲突", "Conflict"),
    (Forbidden, 403, "无权操作", "Forbidden"),
    (Unauthenticated, 401, "未登录", "Not signed in"),
    (Invalid, 422, "内容不符合要求", "Not valid"),
    (TooMany, 429, "操作过于频繁", "Too many requests"),
    (Unavailable, 503, "暂时不可用", "Unavailable"),
    (OutsideSystemFailed, 502, "外部系统失败", "Outside system failed"),
)
HTTP_TITLES = {
    400: ("无法读取请求内容", "The request cannot be read"),
    404: ("找不到", "Not found"),
    405: ("不支持的方法", "Method not allowed"),
    413: ("内容过大", "Too large"),
}
# Faults pydantic finds, in our words; everything else is "has the wrong shape".
FAULTS = {
    "missing": ("required", "缺少该项", "is missing"),
    "extra_forbidden": ("unknown_field", "不认识的项", "is unknown"),
    "json_invalid": ("json", "不是有效的JSON", "is not valid JSON"),
}
WRONG = ("type", "格式不正确", "has the wrong shape")

log = logger(__name__)


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("path", "code", "message")},
            },
        },
    },
}
PROBLEM: dict[str, Any] = {"description": "Problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}
KEY_HEADER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
    "description": "The same key with the same body gives the first answer again, for 24 hours.",
}


class ProblemRoute(APIRoute):
    """A route whose every error leaves as a problem document."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """A route; the description says which errors and headers every route of its kind has."""
        options["responses"] = {"4XX": PROBLEM, 422: PROBLEM, **(options.get("responses") or {})}
        if "POST" in (options.get("methods") or ()):
            options["openapi_extra"] = {"parameters": [KEY_HEADER], **(options.get("openapi_extra") or {})}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with the errors mapped."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except Exception as error:  # whatever it is, the caller must get an answer
                return of_exception(request, error, route=self.path)

        return handle


def of_exception(request: Request, error: Exception, *, route: str) -> JSONResponse:
    """The problem of whatever a request to a route raised; called while it is handled."""
    if isinstance(error, TocsinError):
        return of_error(request, error)
    if isinstance(error, RequestValidationError):
        return of_validation(request, error.errors())
    if isinstance(error, HTTPException):
        return of_http(request, error.status_code, str(error.detail))
    log.exception("request_failed", method=request.method, route=route)
    return of_http(request, 500, "")


def locale_of(request: Request) -> str:
    """Chinese unless the caller asks for English before Chinese."""
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith(("en", "zh")):
            return "en" if tag.startswith("en") else "zh_CN"
    return "zh_CN"


def of_error(request: Request, error: TocsinError) -> JSONResponse:
    """The problem of an error of the tree, by its branch."""
    is_english = locale_of(request) == "en"
    status, zh, en = next(
        ((status, zh, en) for branch, status, zh, en in STATUS if isinstance(error, branch)),
        (500, "出错", "Error"),
    )
    problem = _problem(request, status, error.code, en if is_english else zh, error.text(locale_of(request)))
    if isinstance(error, FormRefused | ScenarioRefused):
        problem["errors"] = [
            {"path": each.path, "code": each.code, "message": each.text(locale_of(request))} for each in error.errors
        ]
    if isinstance(error, DefinitionRefused):
        problem["findings"] = [finding(each, is_english=is_english) for each in error.findings]
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, TooManyAttempts) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(problem, status, headers=headers, media_type=MEDIA_TYPE)


def of_validation(request: Request, faults: Sequence[Any]) -> JSONResponse:
    """The problem of a body, query or path that is not what the route takes."""
    is_english = locale_of(request) == "en"
    errors = []
    for fault in faults:
        code, zh, en = FAULTS.get(fault["type"], WRONG)
        path = ".".join(str(part) for part in fault["loc"][1:])
        errors.append({"path": path, "code": code, "message": en if is_english else zh})
    detail = f"{len(errors)} faults in the request." if is_english else f"请求有{len(errors)}处不符合要求。"
    problem = _problem(request, 422, "request_refused", "Not valid" if is_english else "内容不符合要求", detail)
    return JSONResponse(problem | {"errors": errors}, 422, media_type=MEDIA_TYPE)


def of_http(request: Request, status: int, detail: str) -> JSONResponse:
    """The problem of an error of the web framework, or of our own fault (500, without any detail)."""
    zh, en = HTTP_TITLES.get(status, ("系统出错", "Something went wrong"))
    title = en if locale_of(request) == "en" else zh
    return JSONResponse(
        _problem(request, status, f"http_{status}", title, detail or title), status, media_type=MEDIA_TYPE
    )


def finding(found: Any, *, is_english: bool) -> dict[str, str]:
    """A finding of the linter as JSON."""
    return {
        "file": found.file, "element": found.element, "rule": found.rule, "severity": found.severity,
        "message": found.message_en if is_english else found.message,
    }  # fmt: skip


def _problem(request: Request, status: int, code: str, title: str, detail: str) -> dict[str, Any]:
    return {
        "type": TYPE + code, "title": title, "status": status, "detail": detail, "instance": request.url.path,
        "code": code,
    }  # fmt: skip
