"""A node that completes the tasks it is told, as fast as it can. Arguments: data folder, database address, instant.

Each line on standard input is a task and an account; the line it answers is status and detail of the answer as JSON.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path

from service.bootstrap import build
from service.domain.clock import SettableClock
from service.settings import Settings
from tests.contract.product import Product


def main(folder: str, url: str, now: str) -> None:
    """Answer until the input ends."""
    clock = SettableClock(datetime.fromisoformat(now))
    tocsin = build(Settings(data_dir=Path(folder), demo=True, database_url=url, log_level="error"), clock)
    node = Product(tocsin, clock)
    for who in ("teacher", "coordinator", "nurse"):
        node.token(who)
    say({"ready": os.getpid()})
    for line in sys.stdin:
        task, who = line.split()
        answer = node.post(f"/tasks/{task}/complete", {"data": {}}, who)
        body = answer.json()
        say({"status": answer.status_code, "code": body.get("code", ""), "detail": body.get("detail", "")})
    tocsin.stop()


def say(what: object) -> None:
    """One line in one system call."""
    os.write(1, (json.dumps(what) + "\n").encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
