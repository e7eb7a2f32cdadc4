"""The grid of an observation and what can be printed, over the API; readings and names within the caller's rights."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.product import Product
from tests.paths import observing, tracing
from tests.paths.world import World, at
from tests.web.site import with_passwords

ONE, TWO, *_ = tracing.NEIGHBOURS
AWAY = "demo-school-2"


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two contacts since 10:30 of 2 March, one of them of another school; one evening is recorded."""
    made = World(tmp_path_factory.mktemp("observed"), at("08:10"))
    with_passwords(made)
    observing.listed(made, (ONE, TWO), other_org={"id": AWAY})
    made.do("coordinator", "s_contact_assist", {"send_channel": "书面", "outcome": "已送达", "answered_by": "第二学校"})
    made.go("10:30")
    for name in (ONE, TWO):
        observing.moved(made, tracing.person(made, name))
    made.go("03-02 18:00")
    observing.record(made, "晚", observing.reading(tracing.person(made, ONE), 37.6), others=observing.NORMAL)
    yield made
    made.close()


@pytest.fixture
def product(observed: World) -> Product:
    """The API of that world."""
    return Product(observed.app, observed.clock)


def grid(product: Product, w: World, who: str, query: str = "") -> dict[str, Any]:
    answer = product.call("GET", f"/incidents/{w.incident}/observations{query}", who=who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_grid_is_persons_by_days_with_two_sessions_each(observed: World, product: Product) -> None:
    found = grid(product, observed, "nurse")
    assert (found["people"], found["measured"], found["missing"], found["may_record"]) == (2, 2, 0, True)
    assert (found["days"][0], found["days"][-1], len(found["days"])) == ("2026-03-02", "2026-03-16", 15)
    rows = {row["name"]: row for row in found["items"]}
    first = rows[ONE]["days"][0]
    assert first["morning"]["state"] == "off"
    assert (first["evening"]["state"], first["evening"]["temperature"]) == ("bad", 37.6)
    assert rows[TWO]["days"][0]["evening"]["state"] == "ok"
    (round_,) = found["rounds"]
    assert (round_["session"], round_["due"], round_["measured"]) == ("晚", 2, 2)


def test_the_grid_is_read_in_parts(observed: World, product: Product) -> None:
    first = grid(product, observed, "nurse", "?limit=1")
    rest = grid(product, observed, "nurse", f"?limit=1&cursor={first['next']}")
    assert first["people"] == rest["people"] == 2
    assert rest["next"] is None
    people = {tracing.person(observed, name) for name in (ONE, TWO)}
    assert {row["person"] for part in (first, rest) for row in part["items"]} == people
    for cursor in ("nothing", "WyJub2JvZHkiXQ"):
        refused = product.call("GET", f"/incidents/{observed.incident}/observations?cursor={cursor}", who="nurse")
        assert (refused.status_code, refused.json()["code"]) == (422, "value_refused")


def test_a_reading_is_for_those_who_record_it(observed: World, product: Product) -> None:
    seen = grid(product, observed, "manager")
    assert seen["may_record"] is False
    for row in seen["items"]:
        assert row["days"][0]["evening"] | {"letter": ""} == {
            "state": "done", "letter": "", "temperature": None, "is_late": False, "is_corrected": False,
        }  # fmt: skip
        assert not row["is_full_name"]
    answer = product.call("GET", f"/incidents/{observed.incident}/observations", who="villager")
    assert answer.status_code == 404


def test_what_can_be_printed_is_listed_and_comes_in_three_shapes(observed: World, product: Product) -> None:
    base = f"/incidents/{observed.incident}/printouts"
    items = product.call("GET", base, who="coordinator").json()["items"]
    assert {each["document"] for each in items} == {"R09", "R10", "R11", "R27"}
    (letter,) = [each for each in items if each["document"] == "R27"]
    path = f"{base}/R27/{letter['key']}"
    data = product.call("GET", path, who="coordinator").json()
    assert data["sections"][0]["grid"]["head"] == ["人员", "管控方式", "状态"]
    assert [row[1:] for row in data["sections"][0]["grid"]["rows"]] == [["集中隔离", "隔离中"]] * 2
    word = product.call("GET", f"{path}.docx", who="coordinator")
    assert word.content.startswith(b"PK")
    page = product.call("GET", f"{path}.html", who="coordinator")
    assert "关于协助管控密切接触者的函" in page.text
    english = product.call("GET", path, who="coordinator", headers={"Accept-Language": "en"}).json()
    assert english["title"] == "Request for help with contacts"


def test_printouts_keep_the_rights_of_the_pages(observed: World, product: Product) -> None:
    base = f"/incidents/{observed.incident}/printouts"
    case = next(each["key"] for each in product.call("GET", base, who="coordinator").json()["items"])
    assert [each["document"] for each in product.call("GET", base, who="principal2").json()["items"]] == ["R27"]
    assert product.call("GET", f"{base}/R27/{AWAY}", who="principal2").status_code == 200
    assert product.call("GET", f"{base}/R09/{case}", who="principal2").status_code == 404
    for path in (base, f"{base}/R09/{case}", f"{base}/R27/{AWAY}"):
        assert product.call("GET", path, who="villager").status_code == 404
    assert product.call("GET", f"{base}/R99/{case}", who="coordinator").status_code == 404
