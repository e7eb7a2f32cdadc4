"""A stage for the demo story: the whole product on a clock that the story moves.

What is played here goes through the same use cases as the work of people, so that log, deadlines and
documents of the demo are those of the product and nothing is written past them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.application import accounts, attachments, incidents, tasks
from service.application.queries import Reader, inbox, people
from service.bootstrap import Tocsin
from service.demo import story
from service.demo.story import Moment, Step
from service.domain import commands as cmd
from service.domain.access import Principal
from service.domain.clock import SettableClock
from service.persistence import queue

ATTACHMENTS = "attachments"  # the folder the doors keep uploads in


class StoryBroken(RuntimeError):
    """The story and the diagrams do not fit any more: a step of it cannot be taken."""


@dataclass
class Stage:
    """One product, the clock it runs on, and the organisation where the story plays."""

    tocsin: Tocsin
    clock: SettableClock
    organisation: str

    def play(self, procedure: str, begin: datetime, steps: Sequence[Step]) -> str:
        """Open an incident with the first step and take the others, each at its minute; returns its id.

        Raises StoryBroken if a step's task is not open, and what the use cases raise.
        """
        opening, *following = steps
        self.until(begin)
        command = cmd.OpenIncident(procedure, self.organisation, opening.answer_at(Moment(self.clock.now())))
        who = self.principal(opening.who)
        incident = self.tocsin.run(lambda uow: incidents.open_incident(uow, self.tocsin.services, who, command))
        for step in following:
            self.until(begin + timedelta(minutes=step.minute))
            self._take(incident, step)
        return incident

    def until(self, instant: datetime) -> None:
        """Let time pass, working on the way everything that falls due, as the worker does."""
        previous = None
        while True:
            with self.tocsin.read() as connection:
                due = queue.next_due(connection)
            if due is None or due > instant:
                break
            if due == previous and due <= self.clock.now():
                message = f"what was due at {due.isoformat()} could not be worked"
                raise StoryBroken(message)
            previous = due
            self.clock.set(max(due, self.clock.now()))
            self.tocsin.worker.tick()
        self.clock.set(max(instant, self.clock.now()))
        self.tocsin.worker.tick()

    def principal(self, username: str) -> Principal:
        """Who acts under a user name of the demo."""
        with self.tocsin.read() as connection:
            account = accounts.account_named(connection, username)
            if account is None:
                message = f"there is no account {username}"
                raise StoryBroken(message)
            return accounts.principal_of_account(connection, account)

    def reader(self, connection: Any, username: str) -> Reader:
        """What somebody of the demo may see, on a snapshot."""
        app = self.tocsin
        return Reader(connection, app.sealer, app.services, self.principal(username), self.clock.now())

    def _take(self, incident: str, step: Step) -> None:
        with self.tocsin.read() as connection:
            reader = self.reader(connection, step.who)
            found = inbox.listing(reader, inbox.TaskFilter(state="open", incident=incident), limit=200).items
        task = next((row.id for row in found if row.element == step.element), None)
        if task is None:
            message = f"{step.element} is not open for {step.who}; open are {sorted(row.element for row in found)}"
            raise StoryBroken(message)
        command = cmd.CompleteTask(task, step.answer_at(self._moment(incident, step)))
        who = self.principal(step.who)
        self.tocsin.run(lambda uow: tasks.complete(uow, self.tocsin.services, who, command))

    def _moment(self, incident: str, step: Step) -> Moment:
        now = self.clock.now()
        if step.element == story.FILED:
            return Moment(now, file=self._uploaded(step.who))
        if step.element == story.AROUND_THE_SEAT:
            with self.tocsin.read() as connection:
                found = people.people(self.reader(connection, step.who), incident).items
            return Moment(now, neighbours=tuple(row.id for row in found if row.is_neighbour))
        return Moment(now)

    def _uploaded(self, username: str) -> Mapping[str, Any]:
        upload = attachments.Upload(story.CERTIFICATE, "text/plain", story.CERTIFICATE_TEXT.encode())
        who, folder = self.principal(username), self.tocsin.settings.data_dir / ATTACHMENTS
        row = self.tocsin.run(lambda uow: attachments.store(uow, folder, who, upload))
        return {"id": row.id, "name": row.name, "size": row.size, "sha256": row.sha256}
