"""S14: the tasks of S1 on PostgreSQL, by one node and by two, beside a limit of its own.

Each way of answering has incidents of its own, so that none meets what another has moved elsewhere.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from service.bench import dispatch
from service.bench.bars import Bar
from service.bench.over_http import FEW, Size, answering, in_turn, limit_rounds, speed
from service.bench.postgres import start_server
from service.bench.seeding import Say, seats, seed
from service.bench.serving import LIMIT_POSTGRES, PRODUCT, served

SETTINGS = {"shared_buffers": "128MB"}  # all else as installed: durable, one commit at a time


def nodes(folder: Path, size: Size, database: str, say: Say) -> list[Bar]:
    """One node against its own limit, and two nodes against one; `database` "" starts a server for it."""
    with _database(database, say) as url:
        return _measured(folder, size, url, say) if url else []


def _measured(folder: Path, size: Size, url: str, say: Say) -> list[Bar]:
    ids = seed(folder, incidents=size.incidents * 3, contacts=FEW, say=say, database=url)
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with ExitStack() as stack:
        limit = stack.enter_context(served(LIMIT_POSTGRES, folder, plain))
        both = [stack.enter_context(served(PRODUCT, folder, url)) for _ in range(2)]
        with dispatch.School(both[0].port, ["coordinator"]) as school:
            people = seats(folder, ids, school.tokens["coordinator"], database=url).office
        runners = [
            limit_rounds(limit, size.requests),
            answering(both[:1], people[0::3], size.requests),
            answering(both, people[1::3], size.requests, at_home=True),
            answering(both, people[2::3], size.requests),
        ]
        say(f"measuring S14: {size.rounds} rounds of {size.requests}")
        bare, one, two, anywhere = in_turn(runners, size.rounds)
    return [speed("Lp", bare), speed("S14", one, bare), speed("S14n", two, one), speed("S14a", anywhere, one)]


@contextmanager
def _database(given: str, say: Say) -> Iterator[str]:
    """The database that was named, or one of a server of our own; "" where there is none."""
    if given:
        yield given
        return
    try:
        server = start_server(SETTINGS)
    except RuntimeError as reason:
        say(f"S14 is absent: {reason}")
        yield ""
        return
    try:
        yield server.create("bench")
    finally:
        server.stop()
