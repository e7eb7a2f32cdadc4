"""The web application: doors, static files and the life of background work, put together."""

import gc
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Thread
from types import FrameType

import uvicorn
from fastapi import FastAPI

from service.api import QuickCompletion, add_api, add_probes
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
    with answering_probes(tocsin):
        tocsin.worker.wait()
    tocsin.stop()


@contextmanager
def answering_probes(tocsin: Tocsin) -> Iterator[None]:
    """Meanwhile the probes of this process are answered, where the operator gave a port; nothing else is.

    Raises RuntimeError where nobody can listen there.
    """
    settings = tocsin.settings
    if not settings.worker_metrics_port:
        yield
        return
    app = FastAPI(title="Tocsin 警钟", docs_url=None, redoc_url=None, openapi_url=None)
    add_probes(app.router, tocsin)
    config = uvicorn.Config(
        app, host=settings.host, port=settings.worker_metrics_port, log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    thread = Thread(target=_run, args=(server,), name="probes", daemon=True)
    thread.start()
    try:
        _wait_for_start(server, thread)
        yield
    finally:
        server.should_exit = True
        thread.join()


def _run(server: uvicorn.Server) -> None:
    with suppress(SystemExit):  # how it ends where the address is taken; whoever waits for its start says so
        server.run()


def _wait_for_start(server: uvicorn.Server, thread: Thread) -> None:
    while not server.started:
        thread.join(0.01)
        if not thread.is_alive():
            where = f"{server.config.host}:{server.config.port}"
            message = f"nobody can listen on {where} (TOCSIN_WORKER_METRICS_PORT)"
            raise RuntimeError(message)


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
