"""The web application: doors, static files and the life of background work, put together."""

import gc
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

from fastapi import FastAPI

from service.api import QuickCompletion, add_api
from service.bootstrap import Tocsin
from service.observing import Observed
from service.web import build_web


def run_worker(tocsin: Tocsin) -> None:
    """Do background work only, until the process is told to end; what is in hand is finished then."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        tocsin.worker.request_stop()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
    tocsin.start()
    tocsin.worker.wait()
    tocsin.stop()


def create_app(tocsin: Tocsin, *, with_worker: bool = True) -> FastAPI:
    """The FastAPI application of a built product; background work runs while it serves."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        _settle_memory()
        if with_worker:
            tocsin.start()
        yield
        tocsin.stop()

    app = FastAPI(
        title="Tocsin 警钟", version="1", lifespan=life, max_body_size=tocsin.settings.max_body_bytes,
        docs_url="/docs", openapi_url="/openapi.json",
    )  # fmt: skip
    add_api(app.router, tocsin)
    build_web(app, tocsin)
    app.add_middleware(QuickCompletion, tocsin=tocsin)
    app.add_middleware(Observed)
    return app


def _settle_memory() -> None:
    """Let the collector of reference cycles leave alone what lives as long as the process.

    Catalogues, diagrams and kept instances are hundreds of thousands of objects without cycles of garbage;
    looking through them after every few hundred allocations took a tenth of the time of a command.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
