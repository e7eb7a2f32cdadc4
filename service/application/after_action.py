"""The after-action report of a drill (R25): drafted from its log, in two layouts, with the parts that people write.

Facts are never typed: they are read from the log each time. What people write (`PARTS` of `drill_reviews`) is
an event each, and stands where its layout has room for it; a part nobody wrote says so.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from service.application.documents import Document, DocumentLibrary, DocumentMeta
from service.application.drill_reviews import PARTS
from service.application.queries import evaluation, evaluation_pages, improvements, timeline
from service.application.queries.evaluation_pages import EvaluationPage, ShownFinding, ShownObjective
from service.application.queries.improvements import ImprovementRow, Questionnaire
from service.application.queries.reader import Reader
from service.application.queries.summaries import summary
from service.application.queries.words import span
from service.domain.calendar import SHANGHAI
from service.domain.report_phrases import is_english, moment
from service.domain.scenarios import Scenario
from service.persistence.tables import sql

LAYOUTS = {"objectives": "R25", "record": "R25r"}
ASSESSED = ("report_score", "wrong_branches")
REVIEWED = ("suitability", "sufficiency", "effect", "problems", "improvements")
MOST_STEPS = 80  # of the course
SIMULATED = "simulated"
_COURSE = frozenset(
    {"incident_status_changed", "task_completed", "report_sent", "incident_closed", "drill_ended", "inject_delivered"}
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the log says beside the evaluation: who took part, which scenario, the course, written parts."""

    trainer: str
    participants: tuple[str, ...]
    simulated: tuple[str, ...]
    scenario: str
    course: tuple[str, ...]
    written: Mapping[str, str]
    assessed: Mapping[str, Any]
    actions: tuple[ImprovementRow, ...]
    followed: tuple[ImprovementRow, ...]
    asked: Questionnaire


def draft(reader: Reader, library: DocumentLibrary, drill: str, layout: str) -> Document:
    """The report as it stands now. Raises NoSuch, NotADrill, KeyError for an unknown layout."""
    page = evaluation_pages.page(reader, drill)
    made = _Report(reader, page, _facts(reader, drill, {each.key for each in page.findings}))
    record = {"objectives": made.by_objectives, "record": made.as_record}[layout]()
    meta = DocumentMeta(
        organisation=reader.organisation_names.get(page.row.organisation, ""), now=reader.now, is_drill=True,
        incident_number=page.row.number, subject=_plan(reader, page),
    )  # fmt: skip
    return library.compose(LAYOUTS[layout], record=record, meta=meta, locale=reader.locale)


def written(reader: Reader, drill: str) -> dict[str, str]:
    """The parts people wrote, as they stand."""
    found = dict.fromkeys(PARTS, "")
    for row in evaluation.of_type(reader, drill, "review_written"):
        opened = reader.sealer.open_all(reader.connection, row["sealed"])
        found[row["data"]["part"]] = next((str(each.get("text", "")) for each in opened.values()), "")
    return found


# --- facts ----------------------------------------------------------------------------------------


def _facts(reader: Reader, drill: str, found: Collection[str]) -> Facts:
    created = evaluation.of_type(reader, drill, "drill_created")[0]
    done = evaluation.of_type(reader, drill, "task_completed")
    roles: dict[str, dict[str, None]] = {}
    for row in done:
        roles.setdefault(row["actor"], {})[row["on_behalf_of"] or row["role"]] = None
    names = reader.account_names([*roles, created["actor"]])
    say = _say(reader)
    played = [
        say("acted", name=names.get(actor, actor), roles=_roles(reader, [each for each in held if each]))
        if any(held) else names.get(actor, actor)
        for actor, held in roles.items() if actor not in (SIMULATED, "")
    ]  # fmt: skip
    script = created["data"].get("script")
    return Facts(
        trainer=names.get(created["actor"], ""),
        participants=tuple(played),
        simulated=tuple(_roles(reader, [each]) for each in roles.get(SIMULATED, {}) if each),
        scenario=Scenario.of(script).title.text(reader.locale) if script else "",
        course=_course(reader, drill),
        written=written(reader, drill),
        assessed=_assessed(reader, drill),
        actions=improvements.of_drill(reader, drill, found),
        followed=improvements.followed(reader, drill, found),
        asked=improvements.questionnaire(reader, drill),
    )


def _assessed(reader: Reader, drill: str) -> Mapping[str, Any]:
    """What the training (P26) that began the drill was answered at its evaluation: report_score, wrong_branches."""
    table = sql.drill_trainings
    training = next((row["incident_id"] for row in reader.rows(select(table).where(table.c.id == drill))), "")
    answers = [row["data"] for row in evaluation.of_type(reader, training, "record_saved")] if training else []
    found = [each["answers"] for each in answers if (each["form"], each["view"]) == ("F44", "evaluate")]
    return {key: found[-1].get(key) for key in ASSESSED} if found else {}


def _roles(reader: Reader, roles: Sequence[str]) -> str:
    return reader.pick("、", ", ").join(reader.label("role", role) for role in roles)


def _course(reader: Reader, drill: str) -> tuple[str, ...]:
    """What was done, oldest first; of what was done again and again the first time only."""
    log = [row for row in evaluation.log_of(reader, drill) if row["type"] in _COURSE]
    first = {(row["type"], row["element"], _again(row["data"])): row for row in reversed(log)}
    rows = sorted(first.values(), key=lambda row: row["seq"])[:MOST_STEPS]
    known = timeline.known_of(reader, rows)
    return tuple(f"{_stamp(row['at'])} {summary(reader, row, known)}" for row in rows)


def _again(data: Mapping[str, Any]) -> str:
    """What tells events of one kind at one step apart: a status, an inject."""
    return str(data.get("status") or data.get("inject") or "")


def _day(at: datetime) -> str:
    """A day: 2026-10-12."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d")


def _stamp(at: datetime) -> str:
    """An instant short enough for a cell: 10-12 09:15."""
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


# --- words ----------------------------------------------------------------------------------------


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    loaded: Mapping[str, Mapping[str, str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return loaded


def _say(reader: Reader) -> Any:
    def say(key: str, **blanks: object) -> str:
        pair = _words()[key]
        return reader.pick(pair["zh"], pair["en"]).format(**blanks)

    return say


def _plan(reader: Reader, page: EvaluationPage) -> str:
    return reader.procedure_names.get(page.row.procedure, page.row.procedure)


def _text(lines: Iterable[str]) -> str:
    """Lines as one text, without the empty ones."""
    return "\n".join(line for line in lines if line)


class _Report:
    """Says one evaluation as the values of the report, see `forms/reports/R25.yaml`."""

    def __init__(self, reader: Reader, page: EvaluationPage, facts: Facts) -> None:
        self.reader, self.page, self.facts = reader, page, facts
        self.say = _say(reader)

    # --- layouts ------------------------------------------------------------------------------

    def by_objectives(self) -> dict[str, Any]:
        """Objective by objective, with findings, times and what evaluators say."""
        expectations = self._expectations()
        return {
            **self._overview(),
            "results": _text(self._effect()) if expectations else "",
            "expectations": expectations,
            "findings": self._findings(),
            "timings": self._timings(),
            "deviations": self._deviations(),
            "course": _text((*self._written("course"), *self.facts.course)),
            **{key: self.facts.written[key] for key in REVIEWED},
            "questionnaire": _text(self._asked()),
            "actions": self._improvements(self.facts.actions),
            "followed": self._improvements(self.facts.followed),
        }

    def as_record(self) -> dict[str, Any]:
        """The form schools keep of a drill, one table."""
        return {
            **self._overview(),
            "course": _text((*self._written("course"), *self.facts.course)),
            "suitability": self.facts.written["suitability"],
            "sufficiency": self.facts.written["sufficiency"],
            "effect": _text((*self._effect(), *self._written("effect"))),
            "problems": _text((*self._problems(), *self._written("problems"))),
            "improvements": _text((*self._planned(), *self._written("improvements"))),
            "questionnaire": _text(self._asked()),
        }

    # --- facts --------------------------------------------------------------------------------

    def _overview(self) -> dict[str, Any]:
        page, reader, facts = self.page, self.reader, self.facts
        end = page.over_at or page.now
        time = self.say(
            "span", begin=self._dated(page.started_at), end=self._dated(end),
            length=span(end - page.started_at, reader.locale),
        )  # fmt: skip
        people = list(facts.participants)
        if facts.simulated:
            people.append(self.say("simulated", roles=self._joined(facts.simulated)))
        return {
            "plan": self.say("plan", name=_plan(reader, page), version=page.row.version),
            "place": page.row.place,
            "time": time if page.over_at else _text((time, self.say("running"))),
            "commander": _text(self._written("commander")) or facts.trainer,
            "participants": _text(people),
            "type": self.say("scenario" if facts.scenario else "free_play", title=facts.scenario),
            **facts.assessed,
        }

    def _dated(self, at: datetime) -> str:
        return moment(at, self.reader.locale)

    def _at(self, at: datetime | None, missing: str) -> str:
        return self._dated(at) if at else str(self.say(missing))

    def _joined(self, parts: Sequence[str]) -> str:
        return self.reader.pick("、", ", ").join(parts)

    def _expectations(self) -> list[dict[str, str]]:
        return [
            {
                "expectation": each.text, "result": each.state_label, "limit": self._short(each.limit),
                "actual": self._short(each.actual), "explanation": _text((each.detail, self._late(each.over_by))),
            }
            for objective in self.page.objectives for each in objective.expectations
        ]  # fmt: skip

    def _short(self, at: datetime | None, missing: str = "") -> str:
        """An instant in a cell, or the word for none."""
        if at is None:
            return str(self.say(missing)) if missing else ""
        return _stamp(at)

    def _late(self, length: Any) -> str:
        return str(self.say("late", length=span(length, self.reader.locale))) if length else ""

    def _findings(self) -> list[dict[str, str]]:
        return [
            {
                "finding": self._finding(each), "limit": self._short(each.limit, "none"),
                "actual": _text((self._short(each.actual, "not_done"), self._late(each.over_by))),
                "advice": each.advice,
            }
            for each in self.page.findings
        ]  # fmt: skip

    def _finding(self, each: ShownFinding) -> str:
        """What it is, under which rule, how it came, and whether it was there before: a line each."""
        colon = ": " if is_english(self.reader.locale) else "："
        again = self.say("recurred") if each.recurred else ""
        return _text((each.kind_label + colon + each.label, each.rule_label, each.text, again))

    def _timings(self) -> list[dict[str, str]]:
        """Steps and deadlines that had a limit; of what came again and again the first, and what was late."""
        first = {(each.rule_label, each.label): each for each in reversed(self.page.timings) if each.limit is not None}
        return [
            {
                "step": self._joined([each.rule_label, each.label] if each.kind == "deadline" else [each.label]),
                "limit": self._short(each.limit), "actual": self._short(each.done_at, "not_done"),
                "slack": self._slack(each.slack),
            }
            for each in self.page.timings
            if each.limit is not None and (each.is_late or each is first[each.rule_label, each.label])
        ]  # fmt: skip

    def _slack(self, slack: Any) -> str:
        if slack is None:
            return ""
        text = span(abs(slack), self.reader.locale)
        return f"−{text}" if slack.total_seconds() < 0 else text

    def _deviations(self) -> list[dict[str, str]]:
        return [
            {"step": each.label, "deviation": each.kind_label, "explanation": each.text}
            for each in self.page.deviations
        ]

    # --- what people say ----------------------------------------------------------------------

    def _written(self, part: str) -> tuple[str, ...]:
        return tuple(self.facts.written[part].splitlines())

    def _effect(self) -> tuple[str, ...]:
        page = self.page
        lines = []
        total = sum(page.counts[state] for state in ("met", "not_met", "open"))
        if total:
            states = {state: page.counts[state] for state in ("met", "not_met", "open")}
            lines.append(self.say("counted", all=total, **states))
        lines.append(self.say("deviated", count=len(page.deviations)))
        for objective in (*page.objectives, page.overall):
            lines += self._ratings(objective)
        return tuple(lines)

    def _ratings(self, objective: ShownObjective) -> list[str]:
        return [
            self.say(
                "rated", objective=objective.title, rating=each.rating, label=each.label, name=each.name,
                note=each.note,
            ).strip()
            for each in objective.ratings if each.stands
        ]  # fmt: skip

    def _problems(self) -> tuple[str, ...]:
        return tuple(self._problem(each) for each in self.page.findings) or (self.say("none"),)

    def _problem(self, each: ShownFinding) -> str:
        return str(
            self.say(
                "finding", kind=each.kind_label, label=each.label, limit=self._at(each.limit, "none"),
                actual=self._at(each.actual, "not_done"), text=each.text,
            )
        )  # fmt: skip

    def _proposals(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.advice for each in self.page.findings))

    # --- what follows -------------------------------------------------------------------------

    def _improvements(self, rows: Sequence[ImprovementRow]) -> list[dict[str, str]]:
        return [
            {"text": each.text, "owner": each.owner_name, "due": _day(each.due_at), "state": self._ended(each)}
            for each in rows
        ]

    def _ended(self, each: ImprovementRow) -> str:
        came = self.say("came_again") if each.recurred and each.drill != self.page.row.id else ""
        return _text((each.state_label, came))

    def _planned(self) -> tuple[str, ...]:
        """What was planned, by whom until when; before anything was, what is proposed."""
        planned = tuple(
            self.say("planned", text=each.text, owner=each.owner_name, due=_day(each.due_at))
            for each in self.facts.actions
        )
        return planned or self._proposals()

    def _asked(self) -> tuple[str, ...]:
        asked = self.facts.asked
        if not asked.count:
            return ()
        lines = [self.say("asked", count=asked.count, anonymous=asked.anonymous)]
        lines += [self.say("score", text=each.text, mean=f"{each.mean or 0:.1f}") for each in asked.questions]
        return (*lines, *asked.comments)
