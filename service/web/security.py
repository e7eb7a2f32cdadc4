"""What every page tells the browser about safety, and the check that a form is ours."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders

from service.application.accounts import CurrentSession
from service.domain.errors import CsrfMissing

CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"

# Everything a page needs comes from this server as a file; nothing is inline, so no exception is needed.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def add_headers(headers: MutableHeaders) -> None:
    """Put the headers on an answer; pages are never kept by caches, files say themselves how long."""
    for name, value in HEADERS.items():
        headers[name] = value
    if "cache-control" not in headers:
        headers["cache-control"] = "no-store"


def check_csrf(session: CurrentSession, value: str | None) -> None:
    """Refuse a change that does not come from a page of this session. Raises CsrfMissing."""
    if not session.accepts_csrf(value):
        raise CsrfMissing


def check_origin(origin: str | None, host: str) -> None:
    """Refuse a sign-in sent by another site's page; a browser names itself, other clients may not."""
    if origin and urlsplit(origin).netloc != host:
        raise CsrfMissing


def safe_next(target: str) -> str:
    """A path of ours to go on to after signing in; anything else becomes the inbox."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target
    return target if is_path and "\r" not in target else "/inbox"
