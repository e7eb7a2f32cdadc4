"""What the drafts of reports write, the drafting forms take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from service.domain.forms import FormInvalid, fill
from service.domain.report_drafts import draft
from service.domain.report_material import CaseMaterial, ReportMaterial, SentReport
from tests.unit.form_builders import VIEWS, a_context

FOUND = datetime(2026, 3, 2, 0, 10, tzinfo=UTC)
NOW = FOUND + timedelta(hours=1)
CASE = CaseMaterial(
    code="A-01",
    class_name="七年级2班",
    registered_at=FOUND,
    temperature=Decimal("38.1"),
    symptoms=("fever", "sore_throat"),
    epi_history=False,
)
MATERIAL = ReportMaterial(
    kind="initial",
    event="reclassified",
    organisation_name="示例学校",
    place="七年级2班教室",
    found_at=FOUND,
    now=NOW,
    cases=(CASE,),
    recipients=("学区", "值班校长"),
    corrected=(SentReport(id="r1", document="R01", name="初次报告", number="1", sent_at=FOUND),),
    nature="排除",
    suspected_count=3,
)
DRAFTING = [
    ("initial", "F08#draft"),
    ("written", "F08#draft"),
    ("progress", "F09#draft"),
    ("direct", "F11#draft"),
    ("closing", "F10#draft"),
    ("correction", "F08#correct"),
]


@pytest.mark.parametrize(("kind", "key"), DRAFTING)
def test_a_draft_fills_its_form_without_a_word(kind: str, key: str) -> None:
    drafted = {name: value for name, value in draft(kind, replace(MATERIAL, kind=kind)).items() if name != "drafter"}
    view = VIEWS[key]
    assert set(drafted) <= {field.key for field in view.fields}
    by_service = fill(view, {}, a_context(now=NOW, defaults=drafted)).values
    by_hand = fill(view, drafted, a_context(now=NOW)).values
    assert by_service == by_hand
    assert set(drafted) <= set(by_service)


def test_a_draft_that_contradicts_itself_is_refused() -> None:
    drafted = draft("progress", replace(MATERIAL, kind="progress"))
    numbers = {"初步": 1, "最终": 0, "到位": 2, "隔离中": 0, "解除": 0, "转阳": 0}
    with pytest.raises(FormInvalid):
        fill(VIEWS["F09#draft"], {**drafted, "contact_numbers": numbers}, a_context(now=NOW))
