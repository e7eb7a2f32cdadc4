"""P01 under load: incidents of the suspected case with their dispatch tasks open, made over HTTP."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from service.application import accounts, definitions
from service.bench.load import HOST, post
from service.bootstrap import Tocsin
from service.demo import people

SCHOOL, CLASS, PLACE = "demo-school", "demo-school-7-2", "demo-school-canteen"


@dataclass(frozen=True, slots=True)
class Kind:
    """A user task of the dispatch: who answers it, and what."""

    element: str
    who: str
    answer: Mapping[str, Any]


# Open side by side once the office has accepted the report; none waits for another.
KINDS = (
    Kind("t_mask_escort", "teacher", {
        "mask_put_on": True, "escorted_to": "临时留观点", "measures_taken": ["带离"], "epi_history": False,
    }),
    Kind("t_isolation_room", "nurse", {}),
    Kind("t_draft_initial", "coordinator", {"drafter": True}),
    Kind("t_approve_parent_notice", "principal", {
        "condition_told": "发热待查", "measures_told": "等待120复测", "approved_by": True,
    }),
    Kind("t_evacuate_class", "cleaner", {"head_count": 29}),
    Kind("t_mark_places", "coordinator", {"place_list": ["教室"]}),
    Kind("t_written_report_2h", "coordinator", {"drafter": True}),
    Kind("s_call_120", "coordinator", {"send_channel": "电话", "outcome": "已接通", "answered_by": "120调度员"}),
)  # fmt: skip


NAMES = tuple(sorted({"teacher", *(kind.who for kind in KINDS)}))


class School:
    """The people of the demo school, each signed in over HTTP."""

    def __init__(self, port: int, names: Iterable[str] = NAMES) -> None:
        self._client = httpx.Client(base_url=f"http://{HOST}:{port}/api/v1", timeout=60)
        self.tokens = {name: self._token(name) for name in names}

    def __enter__(self) -> "School":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _token(self, username: str) -> str:
        answer = self._client.post("/auth/token", json={"username": username, "password": people.PASSWORD})
        return str(answer.raise_for_status().json()["access_token"])

    def _call(self, who: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        if body is None:
            return self._client.get(path, headers=headers).raise_for_status().json()
        return self._client.post(path, json=body, headers=headers).raise_for_status().json()

    def incident(self, number: int) -> dict[str, str]:
        """A pupil with fever, reported and accepted; `{element: task id}` of the tasks that are open then."""
        person = {"name": f"学生{number:02d}", "person_type": "student", "org_unit": {"id": CLASS}}
        report = {"person": person, "temperature": 38.1, "symptoms": ["fever"], "place": PLACE}
        opening = {"procedure": "school_suspected_case", "organisation": SCHOOL, "data": report}
        incident = self._call("teacher", "/incidents", opening)["id"]
        accept = self._open_tasks(incident)["t_office_accept"]
        self._call("coordinator", f"/tasks/{accept}/complete", {"data": {}})
        return self._open_tasks(incident)

    def _open_tasks(self, incident: str) -> dict[str, str]:
        found = self._call("coordinator", f"/incidents/{incident}/tasks?state=open&limit=200")["items"]
        return {task["element"]: task["id"] for task in found}

    def rounds(self, incidents: list[dict[str, str]]) -> list[list[bytes]]:
        """One round per kind of task; in each, every incident gets one answer and every kind comes equally often."""
        return [
            [self._answer(tasks, KINDS[(turn + number) % len(KINDS)]) for number, tasks in enumerate(incidents)]
            for turn in range(len(KINDS))
        ]

    def _answer(self, tasks: Mapping[str, str], kind: Kind) -> bytes:
        path = f"/api/v1/tasks/{tasks[kind.element]}/complete"
        return post(path, {"data": kind.answer}, token=self.tokens[kind.who])


def install(tocsin: Tocsin) -> None:
    """Schema, people and the procedures the tasks belong to."""
    tocsin.database.migrate()
    password = accounts.hash_any_password(people.PASSWORD)
    tocsin.run(lambda uow: people.load_people(uow, password))
    for procedure in ("school_suspected_case", "incident_reporting", "terminal_disinfection", "case_transfer"):
        _deploy(tocsin, procedure)


def _deploy(tocsin: Tocsin, procedure: str) -> None:
    root = tocsin.settings.workflows_dir
    content = definitions.folder_content(root / procedure, root / "decisions")
    store = tocsin.services.definitions
    tocsin.run(lambda uow: definitions.deploy(uow, store, procedure, content, actor="bench"))
