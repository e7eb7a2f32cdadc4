"""The benchmark measures what it says; how fast this machine is, no test asks."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.bench import measuring
from service.bench.load import LoadFailed, Measured, drive, post
from service.bench.measuring import measure, verdict


def rounds(limit: float, work: float) -> tuple[Measured, Measured]:
    """A round with these rates; every request takes as long as the next."""
    return Measured(10 / limit, (0.01,) * 10), Measured(10 / work, (0.02,) * 10)


def test_the_ratio_is_the_median_of_each_round_s_own() -> None:
    limit, s1, s2 = verdict([rounds(1000, 100), rounds(2000, 1200), rounds(100, 70)])
    assert (limit.id, limit.value, limit.must, limit.met) == ("L", 1000, None, None)
    assert s1.ratio == pytest.approx(0.6)
    assert s2.ratio == pytest.approx(1.0)
    assert (s1.value, s1.met, s2.met) == (100, True, True)


def test_a_missed_bar_is_said_to_be_missed() -> None:
    bars = verdict([rounds(1000, 499)])
    assert bars[1].met is False
    assert " NO " in list(measuring.printed(bars, as_json=False))[2]


@contextmanager
def answering(status: str) -> Iterator[int]:
    """A server that gives one fixed answer to one request."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_the_client_counts_good_answers_and_refuses_others() -> None:
    with answering("200 OK") as port:
        assert len(drive(port, [post("/x", {"a": 1})], connections=1).latencies) == 1
    with answering("409 Conflict") as port, pytest.raises(LoadFailed, match="409"):
        drive(port, [post("/x", {"a": 1})], connections=1)


def test_a_small_run_measures_both_servers_and_prints_what_the_contract_says() -> None:
    bars = measure(2, limit_requests=50)
    assert [bar.id for bar in bars] == ["L", "S1", "S2"]
    assert all(bar.value > 0 for bar in bars)
    text = "\n".join(measuring.printed(bars, as_json=True))
    shown = json.loads(text)["bars"][1]
    assert {"id", "value", "unit", "ratio", "must", "met"} <= set(shown)
