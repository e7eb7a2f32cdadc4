"""The reports tab links lists and records to print, each with its file for the office program."""

from tests.paths import school
from tests.web.site import Pages


def test_the_handover_is_printed_from_the_reports_tab(web: Pages) -> None:
    w = web.world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    coordinator = web.as_("coordinator")
    tab = coordinator.get(f"/incidents/{w.incident}/reports")
    (address,) = tab.all("//a[contains(@href, '/printouts/R11/')]/@href")
    page = coordinator.get(address)
    assert "病例转运交接单" in page.words("//article")
    (file,) = page.all("//a[contains(@href, '.docx')]/@href")
    assert coordinator.download(file).startswith(b"PK")
    assert coordinator.get(f"/incidents/{w.incident}/printouts/R11/nothing").status == 404
