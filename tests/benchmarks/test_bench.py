"""The benchmark measures what it says; how fast this machine is, no test asks."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.bench import reference
from service.bench.against import as_plain_bpmn
from service.bench.bars import bar, compared, printed, remember
from service.bench.load import LoadFailed, Measured, Seat, drive, post
from service.bench.measuring import ALL, Run, run_bench
from service.bench.over_http import Round, speed, spread
from service.bench.serving import product
from service.domain.clock import SettableClock, SystemClock
from service.persistence.tables import sql

OTHERS = frozenset({"S5", "N", "S6", "D"})  # rows that install other engines
FEW = frozenset({"L", "S1", "S2", "S7", "E", "S9", "S10"})  # one over HTTP, one in memory, one of the alarm clock
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def rounds(*rates: float) -> list[Round]:
    """Rounds of these rates; every request takes as long as the next."""
    return [Round(Measured(10 / rate, (0.01,) * 10), 0.05) for rate in rates]


def test_the_ratio_is_the_median_of_each_round_s_own() -> None:
    found = speed("S1", rounds(100, 1200, 70), rounds(1000, 2000, 100))
    assert found.ratio == pytest.approx(0.6)
    assert found.value == pytest.approx(100)
    assert found.cpu_ms == pytest.approx(5)
    assert found.met is True


def test_a_missed_bar_is_said_to_be_missed() -> None:
    found = speed("S1", rounds(499), rounds(1000))
    assert found.met is False
    assert " NO " in list(printed([found], as_json=False))[1]


def test_a_row_beside_the_bars_is_not_judged() -> None:
    found = speed("S1p", rounds(10), rounds(1000))
    assert (found.must, found.met) == (None, None)


def test_the_spread_is_the_slowest_to_the_middle() -> None:
    slow = Round(Measured(1, (*(0.01,) * 98, 0.06, 0.06)), None)
    assert spread([slow]).ratio == pytest.approx(6)
    assert spread([slow]).met is False


def test_a_run_is_compared_with_the_one_before(tmp_path: Path) -> None:
    first = [bar("S1", 100, "1/s", ratio=0.25)]
    assert compared(first, tmp_path, scale=1)[0].change is None
    remember(first, tmp_path, now=NOW, scale=1)
    remember([bar("S2", 9, "ms", ratio=3)], tmp_path, now=NOW, scale=1)
    again = [bar("S1", 90, "1/s", ratio=0.5)]
    assert compared(again, tmp_path, scale=1)[0].change == pytest.approx(2)
    assert compared(again, tmp_path, scale=0.1)[0].change is None


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


def test_a_seat_goes_on_with_the_task_its_answer_opened() -> None:
    seat = Seat("token", "t-1", {})
    seat.go_on(b'{"task": "t-1", "opened": ["t-2"], "closed": ["t-1"]}')
    assert b"/tasks/t-2/complete" in seat.request()
    with pytest.raises(LoadFailed, match="t-2"):
        seat.go_on(b'{"task": "t-2", "opened": [], "closed": []}')


def test_a_bar_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="S99"):
        next(run_bench(Run(tmp_path, frozenset({"S99"})), SettableClock(NOW), as_json=True, say=print))


def test_an_installation_can_be_made_without_measuring_and_is_not_made_twice(tmp_path: Path) -> None:
    run, heard = Run(tmp_path, seed_only=25), list[str]()
    said = list(run_bench(run, SystemClock(), as_json=False, say=heard.append))
    folder = tmp_path / "seeded-25"
    assert said == [f"30 open instances in 3 incidents: {folder}", f"TOCSIN_DATA_DIR={folder} tocsin serve"]
    assert heard[-1] == "seeded 3 of 3 incidents with 9 contacts each"
    tocsin = product(folder)
    with tocsin.read() as connection:
        active = select(func.count()).where(sql.instances.c.status == "active")
        assert connection.execute(active).scalar_one() == 30
    tocsin.stop()
    with pytest.raises(ValueError, match="is there already"):
        list(run_bench(run, SystemClock(), as_json=False, say=heard.append))


def test_the_diagram_of_the_others_holds_nothing_of_ours() -> None:
    text = as_plain_bpmn((reference.DIAGRAMS / "bench_round.bpmn").read_text("utf-8"))
    assert "callActivity" not in text
    assert text.count("${true}") == 1
    assert text.count("${false}") == 1
    assert "F00.outcome" not in text


def test_a_small_run_prints_what_the_contract_says(tmp_path: Path) -> None:
    measured_small(tmp_path, FEW)


@pytest.mark.soak
def test_a_small_run_measures_every_row_of_our_own(tmp_path: Path) -> None:
    measured_small(tmp_path, ALL - OTHERS)


def measured_small(folder: Path, wanted: frozenset[str]) -> None:
    """Measure rows at a hundredth of their size."""
    said: list[str] = []
    text = "\n".join(run_bench(Run(folder, wanted, scale=0.01), SettableClock(NOW), as_json=True, say=said.append))
    bars = {each["id"]: each for each in json.loads(text)["bars"]}
    assert set(bars) == wanted
    assert all(each["value"] > 0 for each in bars.values())
    assert {"id", "value", "unit", "ratio", "must", "met"} <= set(bars["S1"])
    assert any(line.startswith("seeded 2 of 2") for line in said)
    assert json.loads((folder / "history.jsonl").read_text("utf-8"))["scale"] == 0.01
