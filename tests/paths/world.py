"""A whole Tocsin on a temporary database with a clock the test sets, driven like people drive it."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service.application import accounts, actions, incidents, messages, policy_application, tasks
from service.application.definitions import deploy, folder_content
from service.application.incident_view import IncidentView
from service.application.policy_application import ChangePolicy
from service.bootstrap import Tocsin, build
from service.demo import people
from service.domain import commands as cmd
from service.domain.access import Principal
from service.domain.clock import SettableClock
from service.persistence import queue
from service.persistence import tables as t
from service.persistence.tables import sql
from service.settings import ROOT, Settings
from tests.matrix.noting import Demands, Saved
from tests.paths import by_api
from tests.paths.coverage import visits
from tests.paths.keeping import assert_kept_is_stored, assert_time_goes_on
from tests.stores import a_template_url, chosen_url

SHANGHAI = ZoneInfo("Asia/Shanghai")
SCHOOL = "demo-school"
WORKFLOWS = ROOT / "workflows"
BY_API = os.environ.get("TOCSIN_TEST_DOOR") == "api"  # make api: the same scenarios over HTTP


def at(text: str, day: str = "2026-03-02") -> datetime:
    """A Shanghai time, `08:10` or `03-05 20:00`, as an aware instant."""
    date, _, clock = text.rpartition(" ")
    return datetime.fromisoformat(f"{'2026-' + date if date else day}T{clock}").replace(tzinfo=SHANGHAI)


@cache
def prepared() -> Tocsin:
    """A product with schema, people and diagrams, made once per process; worlds start from a copy of its files."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = Settings(data_dir=folder, demo=True, database_url=a_template_url(folder))
    app = build(settings, SettableClock(at("08:00")))
    prepare(app)
    app.stop()
    return app


def prepare(app: Tocsin) -> None:
    """Schema, people and diagrams; what is there already stays."""
    app.database.migrate()
    app.run(lambda uow: people.load_people(uow, "x"))
    root = app.settings.workflows_dir
    store = app.services.definitions
    for folder in sorted(path for path in root.iterdir() if list(path.glob("*.bpmn"))):
        content = folder_content(folder, root / "decisions")
        app.run(partial(deploy, store=store, procedure=folder.name, content=content, actor="test"))


class World:
    """One product and its people. `go(time)` works every timer due on the way, like the worker does."""

    def __init__(self, folder: Path, start: datetime, *, demo: bool = True, workflows: Path = WORKFLOWS) -> None:
        self.clock = self.a_clock(folder, start)
        template = ""
        if workflows == WORKFLOWS and not any((folder / name).exists() for name in ("tocsin.db", "database.url")):
            shutil.copytree(prepared().settings.data_dir, folder, dirs_exist_ok=True)
            template = prepared().settings.database_url
        url = chosen_url(folder, template=template)
        self.settings = Settings(data_dir=folder, demo=demo, database_url=url, workflows_dir=workflows)
        self.app = self.start()
        self._doors: by_api.Doors | None = None
        self.by_api = BY_API
        self._connections: list[Any] = []
        self.incident = ""
        self.demands = Demands()
        if workflows != WORKFLOWS:
            self.prepare()

    def a_clock(self, _folder: Path, start: datetime) -> SettableClock:
        """The clock of the product, set by the test."""
        return SettableClock(start)

    def start(self) -> Tocsin:
        """The product on the files that are there."""
        is_shipped = self.settings.workflows_dir == WORKFLOWS
        return build(self.settings, self.clock, warm=prepared() if is_shipped else None)

    @property
    def doors(self) -> by_api.Doors:
        """The API of the product as it runs now."""
        if self._doors is None or self._doors.app is not self.app:
            self._doors = by_api.Doors(self.app)
        return self._doors

    def prepare(self) -> None:
        """Schema, people and diagrams; what is there already stays."""
        prepare(self.app)

    def restart(self) -> None:
        """Stop everything and start again on the same files, as after a power cut."""
        assert_kept_is_stored(self.app)
        assert_time_goes_on(self.app)
        self._stop()
        self.app = self.start()

    def _stop(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self.app.stop()

    def close(self) -> None:
        """End it, and write down which sequence flows were visited and what the test asserted."""
        visits.note(self.app, self.demands)
        assert_kept_is_stored(self.app)
        assert_time_goes_on(self.app)
        self._stop()

    def who(self, username: str) -> Principal:
        """The principal of a demo account."""
        with self.app.read() as connection:
            statement = select(sql.accounts.c.id).where(sql.accounts.c.username == username)
            account = connection.execute(statement).scalar_one()
            return accounts.principal_of_account(connection, account)

    # --- time ---------------------------------------------------------------------------------

    def go(self, text: str) -> None:
        """Let time pass to a Shanghai time, stopping at each due row on the way."""
        target = at(text)
        while True:
            with self.app.read() as connection:
                due = queue.next_due(connection)
            if due is None or due > target:
                break
            self.clock.set(max(due, self.clock.now()))
            self.app.worker.tick()
        if target > self.clock.now():
            self.clock.set(target)
        self.app.worker.tick()

    # --- work ----------------------------------------------------------------------------------

    def open(self, who: str, data: Mapping[str, Any], procedure: str = "school_suspected_case") -> str:
        """Open an incident and make it the current one."""
        self.demands.answer("", data)
        command = cmd.OpenIncident(procedure, SCHOOL, data)
        if self.by_api:
            body = {"procedure": procedure, "organisation": SCHOOL, "data": data}
            self.incident = str(self.doors.post("/incidents", self.who(who).account_id, body)["id"])
            return self.incident
        self.incident = self.app.run(
            lambda uow: incidents.open_incident(uow, self.app.services, self.who(who), command)
        )
        return self.incident

    def rows(self, table: Any, **where: Any) -> list[dict[str, Any]]:
        """Rows of a read table of the current incident."""
        rows = t.table_of(table)
        statement = select(rows).where(rows.c.incident_id == self.incident)
        for key, value in where.items():
            statement = statement.where(rows.c[key] == value)
        with self.app.read() as connection:
            found = [dict(row) for row in connection.execute(statement).mappings()]
        if found:
            self.demands.name(*(str(where[key]) for key in ("element", "rule") if key in where))
        return found

    def open_tasks(self) -> dict[str, list[str]]:
        """Element -> ids of its open tasks."""
        found: dict[str, list[str]] = {}
        for row in sorted(self.rows(t.Task), key=lambda row: row["created_at"]):
            if row["state"] in {"open", "claimed"}:
                found.setdefault(row["element"], []).append(row["id"])
        return found

    def do(self, who: str, element: str, data: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Complete the (first) open task of an element."""
        waiting = self.open_tasks().get(element)
        assert waiting, f"{element} is not open; open are {sorted(self.open_tasks())}"
        self.demands.answer(element, data or {})
        command = cmd.CompleteTask(more.pop("task", waiting[0]), data or {}, **more)
        if self.by_api:
            return by_api.complete(self.doors, self.who(who).account_id, command)
        return self.app.run(lambda uow: tasks.complete(uow, self.app.services, self.who(who), command))

    def act(self, who: str, message: str, data: Mapping[str, Any], instance: str = "") -> None:
        """Use an entry of the Actions menu."""
        self.demands.answer(message, data)
        command = cmd.TriggerAction(self.incident, message, data, instance)
        if self.by_api:
            by_api.trigger(self.doors, self.who(who).account_id, command)
            return
        self.app.run(lambda uow: actions.trigger(uow, self.app.services, self.who(who), command))

    def offered(self, who: str) -> set[str]:
        """Messages offered in the Actions menu."""
        if self.by_api:
            items = self.doors.get(f"/incidents/{self.incident}/actions", self.who(who).account_id)["items"]
            return {item["message"] for item in items}
        with self.app.read() as connection:
            view = IncidentView.read(connection, self.app.sealer, self.app.services, self.incident)
            return {item.message for item in actions.available(view, self.who(who))}

    def send(self, message: str, payload: Mapping[str, Any], *, who: str = "manager", **keys: str) -> str:
        """Play an outside party."""
        self.demands.answer(message, payload)
        command = cmd.ReceiveMessage(self.incident, message, keys, payload, f"{message}-{self.clock.now().isoformat()}")
        if self.by_api:
            return by_api.receive(self.doors, self.who(who).account_id, command)
        return self.app.run(lambda uow: messages.receive(uow, self.app.services, self.who(who), command))

    def policy(self, key: str, value: Any, *, organisation: str = SCHOOL, to: Sequence[str] = ()) -> None:
        """The administrator changes a policy, and applies it to running incidents."""
        admin, reason = self.who("admin"), "指引调整"
        if self.by_api:
            body = {"organisation": organisation, "value": value, "reason": reason, "apply_to": list(to)}
            self.doors.put(f"/policies/{key}", admin.account_id, body)
            return
        command = ChangePolicy(key, organisation, value, reason, tuple(to))
        self.app.run(lambda uow: policy_application.change(uow, self.app.services, admin, command))

    # --- looking --------------------------------------------------------------------------------

    def row(self) -> dict[str, Any]:
        """The incident's row."""
        rows = t.table_of(t.Incident)
        with self.app.read() as connection:
            return dict(connection.execute(select(rows).where(rows.c.id == self.incident)).mappings().one())

    def deadline(self, rule: str, subject: str = "") -> dict[str, Any]:
        """The deadline row of a rule and subject, which must be there."""
        rows = self.rows(t.Deadline, rule=rule, subject=subject)
        assert rows, f"no deadline {rule} {subject}"
        return rows[0]

    def connection(self) -> Any:
        """A reading connection that stays open as long as the world."""
        self._connections.append(self.app.database.reading.connect())
        return self._connections[-1]

    def view(self) -> IncidentView:
        """Facts and rows; only for reading within one statement."""
        return IncidentView.read(self.connection(), self.app.sealer, self.app.services, self.incident)

    def events(self, type_: str = "") -> list[dict[str, Any]]:
        """The log of the incident, oldest first."""
        log = t.table_of(t.EventRow)
        statement = select(log).where(log.c.stream == self.incident).order_by(log.c.seq)
        with self.app.read() as connection:
            rows = [dict(row) for row in connection.execute(statement).mappings()]
        return [row for row in rows if type_ in ("", row["type"])]

    def passed(self, element: str) -> list[str]:
        """When an element was passed, as `MM-DD HH:MM` in Shanghai, in order; of an end event when it was reached."""
        found = [row["at"] for row in self.events("element_completed") if row["data"]["element"] == element]
        if found:
            self.demands.name(element)
        return [self.local(at) for at in found]

    def decided(self, element: str) -> list[list[int]]:
        """The rows of its table that fired at a decision step, each time it was passed, in order."""
        found = [row["data"]["rules"] for row in self.events("decision_made") if row["data"]["element"] == element]
        if found:
            self.demands.name(element)
        return found

    def saved(self, element: str, person: str = "") -> Saved:
        """What was stored last at a step (about a person), with its sealed parts; a field looked at is noted."""
        rows = [row for row in self.events("record_saved") if row["element"] == element]
        data = [row for row in rows if person in ("", row["data"]["person"])][-1]
        with self.app.read() as connection:
            sealed = self.app.sealer.open_all(connection, data["sealed"] or {}).values()
        values = {**data["data"]["answers"], **{key: value for part in sealed for key, value in part.items()}}
        return Saved(values, data["data"]["form"], self.demands)

    def visited(self) -> set[str]:
        """Sequence flows visited, over all instances of the incident."""
        return {flow for row in self.events("element_completed") for flow in row["data"]["flows"]}

    def local(self, instant: datetime | None) -> str:
        """An instant as `MM-DD HH:MM` in Shanghai."""
        return instant.astimezone(SHANGHAI).strftime("%m-%d %H:%M") if instant else ""


MINUTE = timedelta(minutes=1)
