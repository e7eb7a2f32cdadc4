"""The document of a report says the deadline of that report, not of another task of its instance."""

from service.application.queries import reports
from service.application.queries.reader import Reader
from service.persistence import tables as t
from tests.paths import school
from tests.paths.world import World


def test_the_written_report_states_the_two_hour_deadline(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    written = w.rows(t.Report, document="R01w")[0]["id"]
    with w.app.read() as connection:
        principal = w.who("coordinator")
        reader = Reader(connection, w.app.sealer, w.app.services, principal, w.clock.now(), "zh_CN")
        page = reports.page(reader, w.app.documents, written)
    notes = dict(page.document.notes)
    assert "10时10分" in notes["报送截止"]
    assert page.document.number
    assert not page.document.is_draft
