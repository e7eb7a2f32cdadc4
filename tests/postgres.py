"""The PostgreSQL server of a test process: real, in a temporary folder, gone when the process ends."""

import atexit
from functools import cache

from service.bench.postgres import Server, start_server

SETTINGS = {
    "fsync": "off",  # a test's database need not survive the machine
    "full_page_writes": "off",
    "shared_buffers": "32MB",
}


@cache
def server() -> Server:
    """The server of this test process, started when first asked for, stopped when the process ends."""
    started = start_server(SETTINGS)
    atexit.register(started.stop)
    return started
