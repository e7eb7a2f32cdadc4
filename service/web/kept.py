"""A form sent with a session that is over: to the door with it kept, and back on it after signing in again."""

from urllib.parse import urlencode

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from service.application import kept_forms, sessions
from service.application.sessions import SESSION_COOKIE
from service.web.posted import MOST_BYTES, MOST_FIELDS, MOST_FILES, read
from service.web.site import Guest, Site, sign_in_address

FORM_COOKIE = "tocsin_form"
RESUME_PAGE = "/resume"
# Secrets are typed again; what begins here has nothing to go back to.
NEVER = ("/sign-", "/language", "/pass", "/me")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def to_the_door(request: Request) -> Response:
    """The way to the sign-in page; what was typed is kept first."""
    site: Site | None = getattr(request.state, "site", None)
    key = await _keep(request, Guest(request, site)) if site is not None and _is_form(request) else ""
    target = f"/sign-in?{urlencode({'next': f'{RESUME_PAGE}?said=resumed'})}" if key else sign_in_address(request)
    is_script = "hx-request" in request.headers
    if is_script and request.method == "GET":
        # A part of an open page: what is typed on that page must stay, so the page tells and does not leave.
        return Response(status_code=204, headers={"hx-trigger": "tocsin:signed-out"})
    response = (
        Response(status_code=204, headers={"hx-redirect": target}) if is_script else RedirectResponse(target, 303)
    )
    if key and site is not None:
        Guest(request, site).put_cookie(response, FORM_COOKIE, key, int(kept_forms.LENGTH.total_seconds()))
    return response


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "POST" and kind in _FORMS and not request.url.path.startswith(NEVER)


async def _keep(request: Request, guest: Guest) -> str:
    """Keep the form under the account whose session ended; "" where nobody is known to have had one."""
    secret = guest.cookie(SESSION_COOKIE)
    if not secret:
        return ""
    async with request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES, max_part_size=MOST_BYTES) as form:
        posted = await read(form)
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    fields = [(name, value) for name, value in posted.fields if name != "csrf"]

    def keep() -> str:
        tocsin = guest.site.tocsin
        with tocsin.read() as connection:
            account = sessions.writer_of(connection, secret)
        return tocsin.run(lambda uow: kept_forms.keep(uow, account, address, fields)) if account else ""

    return await run_in_threadpool(keep)
