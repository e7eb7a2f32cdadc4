"""Loading the demo: people and places, a confirmed case of this week, a closed incident of yesterday, one of today."""

from collections.abc import Callable
from datetime import datetime, timedelta

from service.application import accounts, organisations
from service.application.queries import Reader, incident_pages
from service.bootstrap import Tocsin, build
from service.demo import duty_plan, observed_story, people, story
from service.demo.stage import Play, Stage
from service.domain.calendar import local
from service.domain.clock import SettableClock
from service.domain.errors import AlreadyExists

ADMINISTRATOR = "admin"

Say = Callable[[str], None]
Deploy = Callable[[Tocsin], None]


def load(tocsin: Tocsin, *, only_if_empty: bool, deploy: Deploy, say: Say) -> bool:
    """Load the demo into an empty database; False, and nothing done, if it is not empty and `only_if_empty`.

    The story is lived by a second product on the same database with a clock of its own, from three days
    ago to now; `deploy` brings the diagrams into it, `say` is told each step. Nothing else may
    write meanwhile. Raises AlreadyExists if the database is not empty, and StoryBroken if a diagram no longer
    fits the story.
    """
    if _is_taken(tocsin):
        if not only_if_empty:
            raise AlreadyExists(story.SCHOOL)
        say("demo district: not loaded, the database is not empty")
        return False
    now = tocsin.clock.now()
    clock = SettableClock(_morning(now, observed_story.DAYS_AGO) - timedelta(minutes=10))
    past = build(tocsin.settings, clock)
    try:
        _people(past, say)
        say("demo: deploying the procedures")
        deploy(past)
        _live(Stage(past, clock), now, say)
    finally:
        past.stop()
    return True


def _people(past: Tocsin, say: Say) -> None:
    say("demo: organisations, places, people, accounts")
    password_hash = accounts.hash_any_password(people.PASSWORD)
    past.run(lambda uow: people.load_people(uow, password_hash))


def _live(stage: Stage, now: datetime, say: Say) -> None:
    began = _morning(now, observed_story.DAYS_AGO)
    observed = observed_story.steps(began, now)
    week, yesterday, today = "demo: a confirmed case of this week", "demo: yesterday's excluded case", "demo: today's"
    plays = [
        Play(week, story.PROCEDURE, observed_story.SCHOOL, began, observed),
        Play(yesterday, story.PROCEDURE, story.SCHOOL, _morning(now, 1), story.EXCLUDED),
        Play(today, story.PROCEDURE, story.SCHOOL, now - story.AGO, story.RUNNING),
    ]
    stage.perform(plays, say)
    say("demo: the duty roster")
    stage.until(now)
    duty_plan.load(stage, now)


def _is_taken(tocsin: Tocsin) -> bool:
    """Whether the story was played, or somebody else's organisations are there: a demo is not mixed into them.

    People without an incident are a load that was broken off early; it is taken up again.
    """
    with tocsin.read() as connection:
        if not organisations.organisations(connection):
            return False
        account = accounts.account_named(connection, ADMINISTRATOR)
        if account is None or not organisations.organisations(connection, [story.SCHOOL]):
            return True
        principal = accounts.principal_of_account(connection, account)
        reader = Reader(connection, tocsin.sealer, tocsin.services, principal, tocsin.clock.now())
        return bool(incident_pages.listing(reader, incident_pages.IncidentFilter(), limit=1).items)


def _morning(now: datetime, days_ago: int) -> datetime:
    hour, minute = story.BEGAN_AT
    return (local(now) - timedelta(days=days_ago)).replace(hour=hour, minute=minute, second=0, microsecond=0)
