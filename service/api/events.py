"""Live updates as server-sent events: {incident, seq} of what the caller may see, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from service.api.dependencies import Door, permit, session_of
from service.api.problems import ProblemRoute
from service.application.queries import Reader
from service.domain.access import Action
from service.domain.errors import NoSuch, TocsinError

router = APIRouter(route_class=ProblemRoute, tags=["events"])

KEEP_ALIVE_SECONDS = 15.0
# The last an open page hears: it asks for nothing more and shows the way to the door.
SIGNED_OUT = "event: signed-out\ndata: {}\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("/events", response_class=StreamingResponse)
async def events(request: Request, door: Annotated[Door, permit(Action.EVENTS_LISTEN)]) -> StreamingResponse:
    """Announcements from now on; the stream says `signed-out` and ends when the session does."""
    return StreamingResponse(_stream(request, door), media_type="text/event-stream", headers=HEADERS)


async def _stream(request: Request, door: Door) -> AsyncIterator[str]:
    """Announcements as text, with a comment now and then so that nobody in between hangs up."""
    known: dict[str, bool] = {}
    source = aiter(door.tocsin.hub.subscribe())
    coming = asyncio.ensure_future(anext(source))
    await asyncio.sleep(0)  # it has begun to listen before it says so
    try:
        yield ": listening\n\n"
        while True:
            done, _ = await asyncio.wait({coming}, timeout=KEEP_ALIVE_SECONDS)
            said = await asyncio.to_thread(_heard, door, known, *coming.result()) if done else ": still here\n\n"
            if done:
                coming = asyncio.ensure_future(anext(source))
            if said and not await asyncio.to_thread(_is_signed_in, request, door):
                yield SIGNED_OUT
                return
            if said:
                yield said
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _heard(door: Door, known: dict[str, bool], incident: str, seq: int) -> str:
    """What an announcement says to the listener, "" where the incident is not for him to see."""
    if incident not in known:
        known[incident] = _may_see(door, incident)
    news = json.dumps({"incident": incident, "seq": seq})
    return f"id: {incident}:{seq}\ndata: {news}\n\n" if known[incident] else ""


def _may_see(door: Door, incident: str) -> bool:
    def look(reader: Reader) -> bool:
        try:
            reader.incident(incident)
        except NoSuch:
            return False
        return True

    return door.read(look)


def _is_signed_in(request: Request, door: Door) -> bool:
    try:
        session_of(request, door.tocsin)
    except TocsinError:
        return False
    return True
