"""The whole OpenAPI asked with fitting and with broken values, by several people: nothing answers with a 500.

Bounded: a few examples per operation in `make test`, many more in `make soak`. Seeds are fixed, so that a failure
comes back. Paths are asked with made-up ids and with those of a running incident.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.contract.product import Product, product

PEOPLE = ("coordinator", "admin", "manager", "teacher", "")
ENDLESS = {"GET /api/v1/events"}  # a stream; tests/contract/test_events.py reads it
# Would end the sessions the others are asked with.
SHUTS_OUT = {f"POST /api/v1/accounts/{{account}}/{each}" for each in ("sessions/revoke", "second-factor/reset")}
OUTSIDE = (502, 503)  # another system did not do its part, or nothing could be stored: not a fault of the code
FEW, MANY = 2, 200
ANSWERED = {GenerationMode.POSITIVE: {200, 401, 403, 404, 422}, GenerationMode.NEGATIVE: {401, 404, 422}}


@dataclass(frozen=True)
class Asked:
    """The product, and ids of things that are there, by the name of the path parameter."""

    world: Product
    known: dict[str, str]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with product(tmp_path_factory.mktemp("data")) as world:
        incident = world.opened()
        people = world.get(f"/incidents/{incident}/people", "coordinator").json()["items"]
        known = {
            "incident": incident, "task": world.task(incident, "t_office_accept")["id"], "person": people[0]["id"],
            "procedure": "school_suspected_case", "version": "1", "key": "fever_threshold",
        }  # fmt: skip
        yield Asked(world, known)


def operations(world: Product) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(world.get("/openapi.json").json())
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # an invalid schema has none, and the test fails
        if operation.label not in ENDLESS | SHUTS_OUT:
            yield operation


def ask(world: Product, case: Any, who: str) -> int:
    """Send a case as it is; the status of the answer."""
    sent = case.as_transport_kwargs(base_url="http://test")
    body = {name: sent[name] for name in ("json", "files") if sent.get(name) is not None}
    if sent.get("data") is not None:
        body["content" if isinstance(sent["data"], str | bytes) else "data"] = sent["data"]
    headers = {name: value for name, value in (sent.get("headers") or {}).items() if name.lower() != "authorization"}
    path = sent["url"].removeprefix("http://test")
    answer = world.call(sent["method"], path, who=who, headers=headers, params=sent.get("params"), **body)
    return answer.status_code


def walk(asked: Asked, mode: GenerationMode, examples: int) -> tuple[list[str], set[int]]:
    """Every operation once per example: what answered with a fault of ours, and every status seen.

    What fits is asked of things that are there, as far as they are known; what is broken of whatever is made up.
    """
    faults: list[str] = []
    seen: set[int] = set()
    people = cycle(PEOPLE)

    def run(case: Any) -> None:
        status = ask(asked.world, case, next(people))
        seen.add(status)
        if status >= 500 and status not in OUTSIDE:
            faults.append(f"{case.operation.label} answered {status}: {case.as_curl_command()}")

    asks = settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for operation in operations(asked.world):
        names = [each.name for each in operation.path_parameters]
        fits = mode is GenerationMode.POSITIVE
        known = {name: asked.known[name] for name in names if fits and name in asked.known}
        cases = operation.as_strategy(generation_mode=mode, path_parameters=known or None)
        with suppress(Unsatisfiable):  # nothing of an operation that takes nothing can be broken
            seed(1)(asks(given(case=cases)(run)))()
    return faults, seen


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "broken"])
def test_no_operation_answers_with_a_fault_of_ours(asked: Asked, mode: GenerationMode) -> None:
    faults, seen = walk(asked, mode, FEW)
    assert faults == []
    assert seen >= ANSWERED[mode]


@pytest.mark.soak
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "broken"])
def test_many_more_of_the_same(asked: Asked, mode: GenerationMode) -> None:
    assert walk(asked, mode, MANY)[0] == []
