"""R8, reading: each route × account × whose organisation it is about, as access_matrix.yaml says; no value leaks."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from tests.contract.matrix_asking import ROUTES, TABLE, answers, cells, leaks, wrong
from tests.contract.matrix_district import District, district


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    with district(tmp_path_factory.mktemp("matrix")) as each:
        yield each


def route_table(app: FastAPI) -> set[str]:
    """`METHOD path` of every route of the product, included routers opened."""

    def of(routes: Any, prefix: str) -> Iterator[str]:
        for route in routes:
            if hasattr(route, "original_router"):
                yield from of(route.original_router.routes, prefix + route.include_context.prefix)
            else:
                yield from (f"{method} {prefix}{route.path}" for method in route.methods - {"HEAD"})

    return set(of(app.routes, ""))


def test_every_route_of_the_product_is_in_the_table_and_no_other(made: District) -> None:
    found = route_table(made.app)
    listed = {*ROUTES, *TABLE["unasked"]}
    assert found - listed == set(), "say in access_matrix.yaml who may ask for these"
    assert listed == found


def test_who_may_read_what_and_no_value_leaks(made: District) -> None:
    found = answers(made, cells(reading=True))
    assert [text for each in found if (text := wrong(*each))] == []
    assert [text for each in found for text in leaks(*each)] == []
    unseen = {route for route in ROUTES if route.startswith("GET ")} - {ask.route for ask, _ in found}
    assert unseen == set(), "never asked: no organisation has what it is about"
