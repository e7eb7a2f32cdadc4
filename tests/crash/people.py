"""People at work while the server dies under them: each answers task after task and remembers what was accepted."""

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any

from service.bench import reference

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds until somebody gives up on a server that does not come back
LONGEST = 10.0  # seconds one request may take


class Gone(Exception):
    """The server did not answer: whether it did what was asked, nobody knows."""


@dataclass
class Person:
    """One who works on one incident."""

    port: int
    token: str
    incident: str
    task: str
    accepted: list[str] = field(default_factory=list)
    uncertain: list[str] = field(default_factory=list)  # asked for, never answered

    def work(self) -> None:
        """Answer tasks until the server is gone. Raises AssertionError for an answer there must not be."""
        try:
            while True:
                self._answer_one()
        except Gone:
            return

    def _answer_one(self) -> None:
        try:
            status, answer = self.ask("POST", f"/tasks/{self.task}/complete", {"data": reference.ANSWER})
        except Gone:
            self.uncertain.append(self.task)
            raise
        if status == 200:
            self.accepted.append(self.task)
            (self.task,) = answer["opened"]
        else:
            # The answer to an earlier life was lost and the work was not: the next task is open.
            assert (status, answer["code"]) == (409, "task_not_open"), answer
            assert self.task in self.uncertain, "refused without ever having been sent before"
            self.task = self.open_task()

    def open_task(self) -> str:
        """The one open task of the office; there is always exactly one."""
        status, answer = self.ask("GET", f"/incidents/{self.incident}/tasks?state=open")
        assert status == 200, answer
        found = [task["id"] for task in answer["items"] if task["element"] != reference.WATCH]
        assert len(found) == 1, found
        return str(found[0])

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request. Raises Gone where no whole answer came."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(HOST, self.port, timeout=LONGEST)
        try:
            connection.request(method, f"/api/v1{path}", json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
            raise Gone from error
        finally:
            connection.close()


def until_it_serves(port: int) -> float:
    """Wait for a server; returns the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        connection = http.client.HTTPConnection(HOST, port, timeout=LONGEST)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return time.monotonic() - began
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
        finally:
            connection.close()
    message = "the server did not come back"
    raise AssertionError(message)
