"""A stage for the demo story: the whole product on a clock that the story moves.

What is played here goes through the same use cases as the work of people, so that log, deadlines and
documents of the demo are those of the product and nothing is written past them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from service.application import accounts, attachments, incidents, rounds, tasks
from service.application.queries import Reader, contacts, inbox, people
from service.bootstrap import Tocsin
from service.demo import story
from service.demo.observed_story import ROUND
from service.demo.story import Moment, Step
from service.domain import commands as cmd
from service.domain.access import Principal
from service.domain.clock import SettableClock
from service.persistence import queue
from service.persistence.unit_of_work import UnitOfWork

AROUND_THE_CASE = {story.AROUND_THE_SEAT, "t_list_contacts", "r_contact_list"}
ATTACHMENTS = "attachments"  # the folder the doors keep uploads in


class StoryBroken(RuntimeError):
    """The story and the diagrams do not fit any more: a step of it cannot be taken."""


@dataclass(frozen=True, slots=True)
class Play:
    """An incident of the story: what is said of it, where, since when, and who does what at which minute."""

    title: str
    procedure: str
    organisation: str
    begin: datetime
    steps: Sequence[Step]


@dataclass
class Stage:
    """One product and the clock it runs on."""

    tocsin: Tocsin
    clock: SettableClock

    def perform(self, plays: Sequence[Play], say: Callable[[str], None]) -> None:
        """Live several incidents through side by side, each step at its minute; the first step of each opens it.

        Raises StoryBroken if a step's task is not open, and what the use cases raise.
        """
        timed = [
            (play.begin + timedelta(minutes=step.minute), number, place)
            for number, play in enumerate(plays)
            for place, step in enumerate(play.steps)
        ]
        opened: dict[int, str] = {}
        for instant, number, place in sorted(timed):
            self.until(instant)
            if place == 0:
                say(plays[number].title)
                opened[number] = self._open(plays[number])
            else:
                self._take(opened[number], plays[number].steps[place])

    def _open(self, play: Play) -> str:
        opening = play.steps[0]
        command = cmd.OpenIncident(play.procedure, play.organisation, opening.answer_at(Moment(self.clock.now())))
        who = self.principal(opening.who)
        return self.tocsin.run(lambda uow: incidents.open_incident(uow, self.tocsin.services, who, command))

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
        if step.element == ROUND:
            self._measure(incident, step)
            return
        with self.tocsin.read() as connection:
            reader = self.reader(connection, step.who)
            found = inbox.listing(reader, inbox.TaskFilter(state="open", incident=incident), limit=200).items
        meant = [row for row in found if row.element == step.element]
        if not meant:
            message = f"{step.element} is not open for {step.who}; open are {sorted(row.element for row in found)}"
            raise StoryBroken(message)
        who = self.principal(step.who)
        for row in meant if step.is_each else meant[:1]:
            command = cmd.CompleteTask(row.id, step.answer_at(self._moment(incident, step, row.person)))
            self.tocsin.run(partial(_complete, self.tocsin, who, command))

    def _measure(self, incident: str, step: Step) -> None:
        """A round of readings: everybody who is observed is as the step says."""
        given = step.answer_at(Moment(self.clock.now()))
        with self.tocsin.read() as connection:
            listed = contacts.contacts(self.reader(connection, step.who), incident).items
        command = cmd.RecordRound(
            incident, date.fromisoformat(given["day"]), given["session"], [], others=given["others"],
            others_of=[row.person for row in listed],
            common={"measured_by": "校医", "measured_at": self.clock.now().isoformat()},
        )  # fmt: skip
        who = self.principal(step.who)
        self.tocsin.run(lambda uow: rounds.record_round(uow, self.tocsin.services, who, command))

    def _moment(self, incident: str, step: Step, person: str) -> Moment:
        now = self.clock.now()
        if step.element == story.FILED:
            return Moment(now, file=self._uploaded(step.who))
        if step.element in AROUND_THE_CASE:
            with self.tocsin.read() as connection:
                found = people.people(self.reader(connection, step.who), incident).items
            return Moment(now, neighbours=tuple(row.id for row in found if row.is_neighbour))
        return Moment(now, person=person)

    def _uploaded(self, username: str) -> Mapping[str, Any]:
        upload = attachments.Upload(story.CERTIFICATE, "text/plain", story.CERTIFICATE_TEXT.encode())
        who, folder = self.principal(username), self.tocsin.settings.data_dir / ATTACHMENTS
        row = self.tocsin.run(lambda uow: attachments.store(uow, folder, who, upload))
        return {"id": row.id, "name": row.name, "size": row.size, "sha256": row.sha256}


def _complete(tocsin: Tocsin, who: Principal, command: cmd.CompleteTask, uow: UnitOfWork) -> None:
    tasks.complete(uow, tocsin.services, who, command)
