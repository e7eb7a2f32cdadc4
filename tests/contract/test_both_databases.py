"""Every list and page is read alike from SQLite and from PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from service.application import accounts
from service.application.queries import Reader, inbox, timeline
from service.application.queries.inbox import TaskFilter
from tests.contract.product import Product, product
from tests.stores import a_migrated_url, on_both

READS = (
    "", "/timeline", "/tasks", "/diagram", "/instances", "/people", "/places", "/reports", "/deliveries", "/actions",
)  # fmt: skip


@contextmanager
def reader_of(world: Product, who: str) -> Iterator[Reader]:
    """A reader for what only pages show."""
    tocsin, now = world.tocsin, world.clock.now()
    with tocsin.read() as connection:
        principal = accounts.principal_of(connection, world.token(who), now=now)
        assert principal is not None
        yield Reader(connection, tocsin.sealer, tocsin.services, principal, now)


@on_both
def test_reads(backend: str, tmp_path: Path) -> None:
    with product(tmp_path, url=a_migrated_url(backend, tmp_path)) as world:
        incidents = [world.opened() for _ in range(3)]
        world.clock.advance(timedelta(minutes=6))
        for path in READS:
            assert world.get(f"/incidents/{incidents[0]}{path}", "coordinator").status_code == 200, path
        for path in ("/tasks", "/incidents"):
            first = world.get(path, "coordinator", params={"limit": "2"}).json()
            second = world.get(path, "coordinator", params={"limit": "2", "cursor": first["next"]}).json()
            assert not {each["id"] for each in first["items"]} & {each["id"] for each in second["items"]}
        late = world.get("/tasks", "coordinator", params={"overdue": "true"}).json()["items"]
        assert {each["element"] for each in late} == {"t_office_accept"}
        assert world.get("/audit/verify", "admin").json()["ok"] is True
        _pages(world, incidents[0])


def _pages(world: Product, incident: str) -> None:
    with reader_of(world, "coordinator") as reader:
        found = inbox.inbox(reader, TaskFilter(whose="group", state="open"))
        assert [group.code for group in found.groups] == ["overdue"]
        assert found.counts == {"mine": 0, "group": 3, "all": 9, "drill": 0}
        shown = timeline.timeline(reader, incident)
        assert [each.type for each in shown.entries][-1] == "incident_opened"
        assert set(shown.hidden) == {"field", "participant", "system"}
