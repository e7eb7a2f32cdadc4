"""One product per test module: building one takes a second, and its tests use incidents of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.product import Product, product


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder: Path = tmp_path_factory.mktemp("data")
    with product(folder) as made:
        yield made
