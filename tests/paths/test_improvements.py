"""What follows a drill: improvement actions until the next one, and the questionnaire of those who took part."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.application import drill_questionnaire, improvements, projections
from service.application.queries import Reader
from service.application.queries import improvements as queries
from service.domain import commands as cmd
from service.domain.errors import AlreadyExists, NoSuch, NotAllowed, ValueRefused
from service.persistence.tables import sql
from tests.paths import drilling, reviewing
from tests.paths.world import MINUTE, SCHOOL, World

FINDING = "skipped:small_alarm:t_small_check:"
SCORES = dict.fromkeys(drill_questionnaire.QUESTIONS, 4)


def test_an_action_is_real_work_of_its_owner_and_the_next_drill_says_whether_it_helped(world: World) -> None:
    w = world
    first = drilling.begin(w)
    nurse = w.who("nurse").account_id
    made = plan(w, "trainer", first, owner=nurse)
    with reading(w, "nurse") as reader:
        (mine,) = queries.mine(reader)
        assert (mine.id, mine.text, mine.target_label) == (made, "提前提醒", "提醒提前比例")
    assert "提前提醒" not in str(org_events(w))
    w.clock.advance(MINUTE)
    second = drilling.begin(w)
    with reading(w, "trainer") as reader:
        assert [(each.id, each.state, each.recurred) for each in queries.followed(reader, second, {FINDING})] == [
            (made, "open", True),
        ]  # fmt: skip
        assert queries.followed(reader, first, {FINDING}) == ()
    with pytest.raises(NoSuch):
        end(w, "teacher", made)
    with pytest.raises(NotAllowed):
        end(w, "nurse", made, "dropped", "没时间")
    with pytest.raises(ValueRefused):
        end(w, "trainer", made, "dropped")
    end(w, "nurse", made, note="已改为 40")
    with pytest.raises(AlreadyExists):
        end(w, "nurse", made)
    with reading(w, "nurse") as reader:
        assert queries.mine(reader) == ()
    with reading(w, "trainer") as reader:
        before = queries.followed(reader, second, ())
    assert [(each.state, each.note, each.recurred) for each in before] == [("done", "已改为 40", False)]
    w.app.run(lambda uow: projections.rebuild_roster(uow, f"org:{SCHOOL}"))
    with reading(w, "trainer") as reader:
        assert queries.followed(reader, second, ()) == before


def test_an_action_needs_a_text_an_owner_of_the_organisation_and_a_day_to_come(world: World) -> None:
    w = world
    drill = drilling.begin(w)
    nurse, outside = w.who("nurse").account_id, w.who("villager").account_id
    seen = len(org_events(w))
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"text": " "}, "text"), ({"owner": outside}, "owner"), ({"days": -1}, "due"), ({"days": 800}, "due"),
        ({"target": "room"}, "target"),
    )  # fmt: skip
    for more, field in wrong:
        with pytest.raises(ValueRefused) as refused:
            plan(w, "trainer", drill, **{"owner": nurse, **more})
        assert refused.value.name == field
    with pytest.raises(NotAllowed):
        plan(w, "teacher", drill, owner=nurse)
    assert len(org_events(w)) == seen


def test_an_anonymous_answer_names_nobody_and_nobody_answers_twice(world: World) -> None:
    w = world
    drill = drilling.begin(w)
    answer(w, "nurse", comment="口罩不够")
    answer(w, "teacher", is_anonymous=False)
    with pytest.raises(AlreadyExists):
        answer(w, "nurse", is_anonymous=False)
    with pytest.raises(ValueRefused):
        answer(w, "principal", scores={**SCORES, "time": 6})
    anonymous, named = w.events("questionnaire_answered")
    assert (anonymous["actor"], anonymous["role"], anonymous["request_id"], anonymous["command_id"]) == ("", "", "", "")
    assert named["actor"] == w.who("teacher").account_id
    nurse = w.who("nurse").account_id
    assert nurse not in str(anonymous)
    with w.app.read() as connection:
        tokens = [dict(row) for row in connection.execute(select(sql.questionnaire_tokens)).mappings()]
    assert len(tokens) == 2
    assert nurse not in str(tokens)
    assert [set(row) for row in tokens] == [{"id"}, {"id"}]
    with reading(w, "trainer") as reader:
        found = queries.questionnaire(reader, drill)
    assert (found.count, found.anonymous, found.comments) == (2, 1, ("口罩不够",))
    assert {(each.mean, each.counts) for each in found.questions} == {(4.0, (0, 0, 0, 2, 0))}


@contextmanager
def reading(w: World, who: str) -> Iterator[Reader]:
    """Somebody who reads, on one connection."""
    with w.app.read() as connection:
        yield reviewing.reader(w, connection, who)


def plan(
    w: World, who: str, drill: str, *, owner: str, text: str = "提前提醒", days: int = 30, target: str = "policy"
) -> str:
    due = w.clock.now() + timedelta(days=days)
    command = cmd.PlanImprovement(drill, text, owner, due, FINDING, target, "ladder_remind_pct")
    return w.app.run(lambda uow: improvements.plan(uow, w.app.services, w.who(who), command))


def end(w: World, who: str, improvement: str, state: str = "done", note: str = "") -> None:
    command = cmd.EndImprovement(improvement, state, note)
    w.app.run(lambda uow: improvements.end(uow, w.app.services, w.who(who), command))


def answer(w: World, who: str, **more: Any) -> None:
    command = cmd.AnswerQuestionnaire(w.incident, **{"scores": SCORES, **more})
    w.app.run(lambda uow: drill_questionnaire.answer(uow, w.app.services, w.who(who), command))


def org_events(w: World) -> list[object]:
    with w.app.read() as connection:
        mine = select(sql.events).where(sql.events.c.stream == f"org:{SCHOOL}")
        return [dict(row) for row in connection.execute(mine).mappings()]
