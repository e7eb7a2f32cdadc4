"""L, the limit of the machine: what one durable HTTP write costs where nothing else is done.

One request validates a pydantic body, inserts one event row, updates one task row and commits
durably, on raw SQLite, in one uvicorn worker. `python -m service.bench.limit FILE PORT` serves it.
"""

import sqlite3
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from service.bench.load import HOST

TASKS = 64


class Completion(BaseModel):
    """A body of the shape a task's completion has."""

    model_config = ConfigDict(extra="forbid", strict=True)

    data: dict[str, str]
    late_reason: str = Field(default="", max_length=500)


class Completed(BaseModel):
    """The answer."""

    task: str
    seq: int


def open_file(path: Path) -> sqlite3.Connection:
    """A database as durable as ours: write-ahead log, synchronous to the disk."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, data TEXT NOT NULL)")
    connection.execute("CREATE TABLE tasks (id TEXT PRIMARY KEY, turns INTEGER NOT NULL)")
    connection.executemany("INSERT INTO tasks VALUES (?, 0)", [(str(number),) for number in range(TASKS)])
    return connection


def create_limit_app(path: Path) -> FastAPI:
    """The application; its statements run on the event loop, which for one writer is the quickest way."""
    connection = open_file(path)
    app = FastAPI()

    @app.post("/tasks/{task}/complete")
    async def complete(task: str, body: Completion) -> Completed:
        connection.execute("BEGIN IMMEDIATE")
        written = connection.execute("INSERT INTO events (task, data) VALUES (?, ?)", (task, body.model_dump_json()))
        connection.execute("UPDATE tasks SET turns = turns + 1 WHERE id = ?", (task,))
        connection.execute("COMMIT")
        return Completed(task=task, seq=written.lastrowid or 0)

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_limit_app(Path(sys.argv[1])), host=HOST, port=int(sys.argv[2]), log_config=None, access_log=False
    )
