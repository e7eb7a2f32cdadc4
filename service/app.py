"""The web application: doors, static files and the life of background work, put together."""

import argparse
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Thread
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from service.api import QuickCompletion, add_api, add_probes
from service.application import key_rotation, person_index
from service.application.key_rotation import Progress
from service.bootstrap import Tocsin, build
from service.observing import Observed
from service.settings import Settings, add_master_key, keep_newest_master_key
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


def rotated_keys(settings: Settings, kind: str, *, is_last: bool, size: int) -> Iterator[Progress]:
    """Rotate keys, telling the progress; with `is_last` no new master key is made, and the former ones go at the end.

    Other processes go on meanwhile: they read the key file again when they meet what they cannot open.
    Raises MasterKeyWrong, and nothing is changed, where the keys at hand do not open what is stored.
    """
    tocsin = build(settings)
    try:
        with tocsin.read() as connection:
            key_rotation.check(connection, tocsin.sealer)
            is_new = kind == key_rotation.MASTER and not is_last and not key_rotation.is_running(connection, kind)
        if is_new and add_master_key(settings):
            tocsin.stop()
            tocsin = build(settings)
        yield from key_rotation.rotate(tocsin.run, kind, size=size)
        with tocsin.read() as connection:
            if is_last and key_rotation.all_are_newest(connection, tocsin.sealer):
                keep_newest_master_key(settings)
    finally:
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


def rotate_keys(options: argparse.Namespace, settings: Settings) -> int:
    """Wrap all keys under a new master key, or give every person a new one; goes on where it stopped."""
    for each in rotated_keys(settings, options.keys, is_last=options.finish, size=options.batch):
        sys.stderr.write(f"{each.done}/{each.total}\n")
        sys.stderr.flush()
    return 0


def index_persons(_options: argparse.Namespace, settings: Settings) -> int:
    """Make the index by which persons are found again, as after another index key."""
    tocsin = build(settings)
    index, sealer = tocsin.services.index, tocsin.sealer
    sys.stdout.write(f"{tocsin.run(lambda uow: person_index.index_anew(uow.connection, sealer, index))}\n")
    tocsin.stop()
    return 0


def key_commands(add: Callable[[str, Any], argparse.ArgumentParser]) -> None:
    """Add the commands about keys to the command line."""
    sub = add("rotate-keys", rotate_keys)
    sub.add_argument("keys", nargs="?", choices=["master", "subjects"], default="master")
    sub.add_argument("--finish", action="store_true", help="no new key; forget the former master keys at the end")
    sub.add_argument("--batch", type=int, default=500, help="keys in one transaction")
    add("index-persons", index_persons)


def create_app(tocsin: Tocsin, *, with_worker: bool = True) -> FastAPI:
    """The FastAPI application of a built product; background work runs while it serves."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        _settle_memory()
        if with_worker:
            tocsin.start()
        yield
        tocsin.stop()

    app = _Whole(
        tocsin, title="Tocsin 警钟", version="1", lifespan=life, max_body_size=tocsin.settings.max_body_bytes,
        docs_url=None, redoc_url=None, openapi_url="/openapi.json",  # /docs is a page of ours
    )  # fmt: skip
    add_api(app.router, tocsin)
    build_web(app, tocsin)
    return app


class _Whole(FastAPI):
    """FastAPI with ours around it: each request is observed, and the quick way needs nothing of the framework."""

    def __init__(self, tocsin: Tocsin, **options: Any) -> None:
        super().__init__(**options)
        self._outside = Observed(QuickCompletion(super().__call__, tocsin))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._outside(scope, receive, send)


def _settle_memory() -> None:
    """Let the collector of reference cycles leave alone what lives as long as the process.

    Catalogues, diagrams and kept instances are hundreds of thousands of objects without cycles of garbage;
    looking through them after every few hundred allocations took a tenth of the time of a command.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
