"""R8, changing: nobody changes what access_matrix.yaml does not let him change, and no answer tells a value."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.matrix_asking import Ask, answers, cells, leaks, text_of, wrong
from tests.contract.matrix_district import District, district
from tests.contract.matrix_planted import PLANTED

REVEAL = "POST /api/v1/incidents/{incident}/people/{person}/reveal"
ONE_PERSON = "GET /incidents/{incident}/people/{person}"


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[District]:
    """A district of its own: what is revealed or done there is not there for the reading."""
    with district(tmp_path / "changing") as each:
        yield each


def test_who_may_change_what(changing: District) -> None:
    made = changing
    asked = cells(reading=False)
    before = made.heads()
    found = answers(made, [ask for ask in asked if ask.who and not ask.is_one_of("to") and not ask.is_one_of("either")])
    assert made.heads() == before, "somebody who may not has changed something"
    found += answers(made, [ask for ask in asked if not ask.who or ask.is_one_of("to") or ask.is_one_of("either")])
    assert [text for each in found if (text := wrong(*each))] == []
    assert [text for each in found for text in leaks(*each)] == []


def test_the_planted_values_can_be_found_at_all(changing: District) -> None:
    """The search would be worth nothing if they were nowhere: whoever reveals the person sees them, and he alone."""
    asked = [Ask(route, "nurse", "demo-school") for route in (REVEAL, ONE_PERSON)]
    (_, revealed), (_, page) = answers(changing, asked)
    planted = PLANTED["demo-school"]
    assert [value for value in planted.values if value not in text_of(revealed)] == [planted.on_roster]
    assert planted.phone in text_of(page)
    ((ask, other),) = answers(changing, [Ask(ONE_PERSON, "cleaner", "demo-school")])
    assert leaks(ask, other) == []
    opened = Ask("POST /organisations/{organisation}/places/{place}", "principal", "demo-school")
    ((_, roster),) = answers(changing, [opened])
    assert planted.on_roster in text_of(roster)
