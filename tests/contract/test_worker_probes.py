"""A process that only does background work tells its numbers where the operator gave a port."""

import json
import urllib.error
import urllib.request
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.app import answering_probes
from service.bench.serving import free_port
from service.bootstrap import Tocsin
from tests.contract.product import Product, product


def told(world: Product, *, token: str = "") -> Tocsin:
    """The product of a world with a port for its probes."""
    more = {"worker_metrics_port": free_port(), "metrics_token": SecretStr(token)}
    return replace(world.tocsin, settings=world.tocsin.settings.model_copy(update=more))


def ask(tocsin: Tocsin, path: str, **headers: str) -> tuple[int, str]:
    """Status and text of an answer."""
    address = f"http://127.0.0.1:{tocsin.settings.worker_metrics_port}{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_worker_tells_the_same_numbers_and_whether_it_is_well(tmp_path: Path) -> None:
    with product(tmp_path) as world:
        tocsin = told(world)
        with answering_probes(tocsin):
            status, numbers = ask(tocsin, "/metrics")
            assert status == HTTPStatus.OK
            for name in ("tocsin_step_seconds_count", "tocsin_timer_lateness_seconds_count", "tocsin_due_rows"):
                assert name in numbers
            assert ask(tocsin, "/healthz") == (HTTPStatus.OK, '{"status":"ok"}')
            assert set(json.loads(ask(tocsin, "/readyz")[1])) >= {"database", "worker", "disk"}
            assert ask(tocsin, "/api/v1/tasks")[0] == ask(tocsin, "/docs")[0] == HTTPStatus.NOT_FOUND
        with pytest.raises(urllib.error.URLError):
            ask(tocsin, "/healthz")


def test_its_numbers_are_open_to_the_token_alone_where_there_is_one(tmp_path: Path) -> None:
    with product(tmp_path) as world:
        tocsin = told(world, token="sesame")  # noqa: S106 - of this test alone
        with answering_probes(tocsin):
            assert ask(tocsin, "/metrics")[0] == HTTPStatus.FORBIDDEN
            assert ask(tocsin, "/metrics", authorization="Bearer sesame")[0] == HTTPStatus.OK


def test_without_a_port_it_listens_nowhere_and_a_taken_one_is_said(tmp_path: Path) -> None:
    with product(tmp_path) as world:
        assert world.tocsin.settings.worker_metrics_port == 0
        with answering_probes(world.tocsin):
            pass
        tocsin = told(world)
        with (
            answering_probes(tocsin),
            pytest.raises(RuntimeError, match="WORKER_METRICS_PORT"),
            answering_probes(tocsin),
        ):
            pass
