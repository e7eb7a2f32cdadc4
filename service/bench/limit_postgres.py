"""L on PostgreSQL: what one durable HTTP write costs there where nothing else is done.

`python -m service.bench.limit_postgres FOLDER PORT URL` serves it, a connection for each that writes at once.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import uvicorn
from fastapi import FastAPI

from service.bench.limit import TASKS, Completed, Completion
from service.bench.load import HOST
from service.persistence.postgres import WRITE_CONNECTIONS

TABLES = (
    "DROP TABLE IF EXISTS limit_events, limit_tasks",
    "CREATE TABLE limit_events (seq bigserial PRIMARY KEY, task text NOT NULL, data text NOT NULL)",
    "CREATE TABLE limit_tasks (id text PRIMARY KEY, turns integer NOT NULL)",
)
INSERT = "INSERT INTO limit_events (task, data) VALUES (%s, %s) RETURNING seq"
UPDATE = "UPDATE limit_tasks SET turns = turns + 1 WHERE id = %s"


def create_limit_app(url: str) -> FastAPI:
    """The application; `url` as psycopg takes it."""
    free: asyncio.Queue[psycopg.AsyncConnection[tuple[int]]] = asyncio.Queue()

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in TABLES:
                connection.execute(statement.encode())
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO limit_tasks VALUES (%s, 0)", [(str(n),) for n in range(TASKS)])
        for _ in range(WRITE_CONNECTIONS):
            free.put_nowait(await psycopg.AsyncConnection.connect(url))
        yield
        while not free.empty():
            await free.get_nowait().close()

    app = FastAPI(lifespan=life)

    @app.post("/tasks/{task}/complete")
    async def complete(task: str, body: Completion) -> Completed:
        connection = await free.get()
        try:
            async with connection.transaction():
                written = await connection.execute(INSERT, (task, body.model_dump_json()))
                row = await written.fetchone()
                await connection.execute(UPDATE, (task,))
        finally:
            free.put_nowait(connection)
        return Completed(task=task, seq=row[0] if row else 0)

    return app


if __name__ == "__main__":
    uvicorn.run(create_limit_app(sys.argv[3]), host=HOST, port=int(sys.argv[2]), log_config=None, access_log=False)
