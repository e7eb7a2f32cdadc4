"""Two nodes on one PostgreSQL: two products with caches, pools and threads of their own, on the same data folder."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import TypeVar

from service.bootstrap import build
from tests.contract.product import Product, product
from tests.stores import a_migrated_url

T = TypeVar("T")


@contextmanager
def two_nodes(folder: Path) -> Iterator[tuple[Product, Product]]:
    """Both, with the demo district and every procedure."""
    with product(folder, url=a_migrated_url("postgres", folder)) as one:
        settings, clock = one.tocsin.settings, one.clock
        other = build(settings, clock)
        try:
            yield one, Product(other, clock)
        finally:
            other.stop()


def at_once(*works: Callable[[], T]) -> list[T]:
    """Do several things at the same moment; what each came to, in the order given."""
    ready = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        ready.wait(30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
