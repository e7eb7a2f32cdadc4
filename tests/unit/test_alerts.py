"""Messages that wake people: what they can say at all, when they may come, where they go."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import DirectorySink, rehearsal_gateways, staff_gateway
from service.domain.alerts import ADDRESS, MESSAGE, STAFF, WORDS, Quiet, compose, kind_of
from service.domain.errors import OutsideSystemRefused, OutsideSystemUnreachable
from service.domain.gateways import OutgoingDelivery, OutsideWorld
from tests.paths.world import at

NUMBERS = st.from_regex(r"\d{4}-\d{2}", fullmatch=True) | st.just("")
LINK = "https://tocsin.example/tasks/01k-16"


@given(
    kind=st.sampled_from(sorted(WORDS)),
    number=NUMBERS,
    count=st.integers(1, 500),
    locale=st.sampled_from(["zh_CN", "en"]),
    is_drill=st.booleans(),
)
def test_a_text_is_fixed_words_a_code_and_a_link_and_nothing_else(
    kind: str, number: str, count: int, locale: str, is_drill: bool
) -> None:
    said = compose(kind, number, LINK, count=count, locale=locale, is_drill=is_drill)
    assert (("DRILL " if locale == "en" else "演练 ") in said) is is_drill
    left = said.removesuffix(LINK)
    assert left != said
    drill = ("演练", "DRILL")[locale == "en"] if is_drill else ""
    for part in (drill, WORDS[kind][locale == "en"], number, str(count) if count > 1 else ""):
        assert part in left
        left = left.replace(part, "", 1)
    assert not re.sub(r"【警钟】|\[Tocsin\]|[：:()（）项 ]", "", left)


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_no_word_tells_of_an_illness_or_has_room_for_a_name(kind: str) -> None:
    for text in WORDS[kind]:
        assert "{" not in text
        assert not re.search(r"发热|病|确诊|疑似|学生|体温|fever|case|patient|pupil|child|ill\b", text)


@given(clock=st.times(), begins=st.times(), ends=st.times())
def test_quiet_hours_end_later_than_now_and_within_a_day(clock: time, begins: time, ends: time) -> None:
    now = datetime.combine(date(2026, 3, 2), clock.replace(microsecond=0), UTC)
    until = Quiet(begins.replace(microsecond=0), ends.replace(microsecond=0)).until(now)
    assert until is None or 0 < (until - now).total_seconds() <= 24 * 3600


def test_quiet_hours_over_midnight() -> None:
    quiet = Quiet(time(22), time(6, 30))
    assert quiet.until(at("21:59")) is None
    assert quiet.until(at("22:00")) == at("03-03 06:30")
    assert quiet.until(at("03-03 02:10")) == at("03-03 06:30")
    assert quiet.until(at("03-03 06:30")) is None
    assert quiet.holds(at("22:30"), is_urgent=True) is None
    assert Quiet(time(22), time(6), urgent_anyway=False).holds(at("22:30"), is_urgent=True) == at("03-03 06:00")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("wecombot://key-1", "wecombot"), ("dingtalk://token", "dingtalk"), ("lark://token", "feishu"),
        ("mailtos://user:pass@example.com", "mail"), ("ntfys://host/topic", "ntfy"), ("schan://key", "other"),
        ("file:///etc/passwd", None), ("json://localhost/x", None), ("https://example.com", None), ("wecombot", None),
        ("wecombot://a b", None), ("", None), ("wecombot://" + "x" * 600, None),
    ],
)  # fmt: skip
def test_only_known_kinds_of_address_are_taken(address: str, kind: str | None) -> None:
    assert kind_of(address) == kind


class _Taker(BaseHTTPRequestHandler):
    taken: list[dict[str, object]]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.taken.append({"path": self.path, "body": body.decode()})
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def taker() -> Iterator[HTTPServer]:
    """A push service on this machine that takes what is posted."""
    _Taker.taken, _Taker.status = [], 200
    server = HTTPServer(("127.0.0.1", 0), _Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def delivery(address: str, *, is_drill: bool = False) -> OutgoingDelivery:
    """A message on its way."""
    payload = {"text": "【警钟】0302-01 有待接单任务：" + LINK, "link": LINK, "kind": "ntfy", ADDRESS: address}
    return OutgoingDelivery("d1.c1", "i1", "account:a1", MESSAGE, at("02:10"), payload, (), is_drill)


def test_a_message_really_leaves_by_the_library(taker: HTTPServer) -> None:
    receipt = staff_gateway()[STAFF].send(delivery(f"ntfy://127.0.0.1:{taker.server_port}/office"))
    assert receipt.reference == "ntfy"
    said = json.dumps(_Taker.taken, ensure_ascii=False)
    assert "0302-01" in said
    assert LINK in said


def test_a_service_that_does_not_take_it_may_take_it_later(taker: HTTPServer) -> None:
    _Taker.status = 503
    with pytest.raises(OutsideSystemUnreachable):
        staff_gateway()[STAFF].send(delivery(f"ntfy://127.0.0.1:{taker.server_port}/office"))


def test_a_dead_port_is_told_and_tried_again() -> None:
    with pytest.raises(OutsideSystemUnreachable):
        staff_gateway()[STAFF].send(delivery("ntfy://127.0.0.1:9/office"))


def test_an_address_we_do_not_know_is_refused_for_good() -> None:
    with pytest.raises(OutsideSystemRefused):
        staff_gateway()[STAFF].send(delivery("json://127.0.0.1/x"))


def test_a_drill_never_reaches_a_real_channel(taker: HTTPServer, tmp_path: Path) -> None:
    twins = rehearsal_gateways(DirectorySink(tmp_path))
    world = OutsideWorld(live=staff_gateway(), rehearsal=twins)
    drill = delivery(f"ntfy://127.0.0.1:{taker.server_port}/office", is_drill=True)
    receipt = world.gateway_for(drill).send(drill)
    assert receipt.is_rehearsal
    assert _Taker.taken == []
    with pytest.raises(OutsideSystemRefused):
        staff_gateway()[STAFF].send(drill)
    (kept,) = tmp_path.glob("*.json")
    assert "ntfy://" not in kept.read_text("utf-8")
