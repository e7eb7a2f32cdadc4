"""One product per test module: building one takes seconds, and its tests use incidents of their own."""

from collections.abc import Iterator

import pytest

from tests.web.site import Pages, pages


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Pages of a school on Monday 2 March 2026 at 08:10."""
    with pages(tmp_path_factory.mktemp("data")) as made:
        yield made
