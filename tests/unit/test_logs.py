"""Logs hold what is listed, and nothing personal gets out by any road."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from service import logs
from service.persistence.unit_of_work import UnitOfWork
from tests.stores import a_store

NOW = datetime(2026, 9, 1, 0, 10, tzinfo=UTC)
NAME, PHONE = "王小明", "13800138000"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    target = io.StringIO()
    logs.configure(now=lambda: NOW, log_format="json", stream=target)
    yield target
    logs.unbind_all()
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_holds_event_time_and_bound_values(stream: io.StringIO) -> None:
    logs.bind(request_id="r1", drill=True)
    logs.logger("service.application.tasks").info("task_completed", task_id="t1", duration_ms=12)
    assert lines(stream) == [
        {
            "event": "task_completed",
            "level": "info",
            "logger": "service.application.tasks",
            "timestamp": "2026-09-01T00:10:00.000+00:00",
            "request_id": "r1",
            "drill": True,
            "task_id": "t1",
            "duration_ms": 12,
        }
    ]


def test_keys_that_are_not_listed_are_dropped_by_name(stream: io.StringIO) -> None:
    logs.logger("x").warning("person_added", task_id="t1", name=NAME, phone=PHONE, answers={"temperature": 38.2})
    (line,) = lines(stream)
    assert line["dropped"] == "answers,name,phone"
    assert NAME not in stream.getvalue()
    assert PHONE not in stream.getvalue()


def test_what_a_caller_bound_stands_in_the_lines_of_its_command_and_nobody_else_s(
    stream: io.StringIO, tmp_path: Path
) -> None:
    def quiet(_uow: UnitOfWork) -> None:
        logs.logger("x").info("command_ran", command="quiet")

    def binding(_uow: UnitOfWork) -> None:
        logs.bind(incident_id="i1")
        logs.logger("x").info("command_ran", command="binding")

    with a_store("sqlite", tmp_path) as store:
        logs.bind(request_id="r1")
        store.runner.run(binding)
        store.runner.run(quiet)
    ran = [line for line in lines(stream) if line["event"] == "command_ran"]
    assert [(line["request_id"], line.get("incident_id")) for line in ran] == [("r1", "i1"), ("r1", None)]


def test_a_structure_under_a_listed_key_shows_its_type_only(stream: io.StringIO) -> None:
    logs.logger("x").info("step_done", status={"name": NAME}, due_at=NOW, element="甲" * 500, count=timedelta(hours=2))
    (line,) = lines(stream)
    assert (line["status"], line["due_at"], line["count"]) == ("<dict>", "2026-09-01T00:10:00+00:00", "7200.0s")
    assert len(line["element"]) == logs.LONGEST_VALUE + 1


class Person(BaseModel):
    age: int


def test_of_an_exception_type_and_place_are_logged_but_not_its_text(stream: io.StringIO) -> None:
    try:
        Person.model_validate({"age": NAME})
    except ValidationError:
        logs.logger("x").exception("command_failed")
    (line,) = lines(stream)
    assert (line["exception"], line["event"]) == ("ValidationError", "command_failed")
    assert "test_logs.py:" in line["trace"]
    assert NAME not in stream.getvalue()


def test_texts_of_libraries_stay_out_but_for_the_listed_ones(stream: io.StringIO) -> None:
    logging.getLogger("sqlalchemy.engine").warning("parameters: %s", NAME)
    logging.getLogger("uvicorn.error").warning("Started server process [%d]", 7)
    logging.getLogger("uvicorn.access").warning("GET /people?q=%s", NAME)
    database, server = lines(stream)
    assert (database["event"], database["library"]) == ("library_message", "sqlalchemy.engine")
    assert "library_text" not in database
    assert server["library_text"] == "Started server process [7]"
    assert NAME not in stream.getvalue()


def test_an_exception_of_a_library_keeps_its_text_to_itself(stream: io.StringIO) -> None:
    try:
        int(PHONE + "x")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    (line,) = lines(stream)
    assert line["exception"] == "ValueError"
    assert PHONE not in stream.getvalue()


def test_the_level_is_kept() -> None:
    target = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.configure(now=lambda: NOW, level="warning", stream=target)
        logs.logger("x").info("quiet")
        logs.logger("x").warning("loud", count=3)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert target.getvalue() == "00:10:00.000 warning loud                         count=3\n"
