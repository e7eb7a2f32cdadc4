"""The after-action report of a drill: drafted from its log, in two layouts, with the parts that people write.

Facts are never typed: they are read from the log each time. What people write (`PARTS` of `drill_reviews`) is
an event each, and stands where its layout has room for it; a part nobody wrote says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service.application.document_values import Grid, numeral
from service.application.documents import Document, DocumentLibrary, DocumentMeta, Section
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

DOCUMENT = "R25"
LAYOUTS = ("objectives", "record")
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
    actions: tuple[ImprovementRow, ...]
    followed: tuple[ImprovementRow, ...]
    asked: Questionnaire


def draft(reader: Reader, library: DocumentLibrary, drill: str, layout: str) -> Document:
    """The report as it stands now. Raises NoSuch, NotADrill, KeyError for an unknown layout."""
    page = evaluation_pages.page(reader, drill)
    made = _Report(reader, page, _facts(reader, drill, {each.key for each in page.findings}))
    sections = {"objectives": made.by_objectives, "record": made.as_record}[layout]()
    meta = DocumentMeta(
        organisation=reader.organisation_names.get(page.row.organisation, ""), now=reader.now, is_drill=True,
        incident_number=page.row.number,
    )  # fmt: skip
    title = made.say("titles", layout, procedure=reader.procedure_names.get(page.row.procedure, page.row.procedure))
    return library.plain(DOCUMENT, title, meta=meta, sections=sections, locale=reader.locale)


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
        say("sentences", "acted", name=names.get(actor, actor), roles=_roles(reader, [each for each in held if each]))
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
        actions=improvements.of_drill(reader, drill, found),
        followed=improvements.followed(reader, drill, found),
        asked=improvements.questionnaire(reader, drill),
    )


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
def _words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    loaded: Mapping[str, Mapping[str, Mapping[str, str]]] = yaml.safe_load(
        Path(__file__).with_suffix(".yaml").read_text("utf-8")
    )
    return loaded


def _say(reader: Reader) -> Any:
    def say(group: str, key: str, **blanks: object) -> str:
        pair = _words()[group][key]
        return reader.pick(pair["zh"], pair["en"]).format(**blanks)

    return say


class _Report:
    """Lays one evaluation out."""

    def __init__(self, reader: Reader, page: EvaluationPage, facts: Facts) -> None:
        self.reader, self.page, self.facts = reader, page, facts
        self.say = _say(reader)

    # --- layouts ------------------------------------------------------------------------------

    def by_objectives(self) -> list[Section]:
        """Objective by objective, with findings, times and what evaluators say."""
        page = self.page
        found = [
            Section(self._heading("overview"), table=self._overview()),
            *self._objectives(),
            Section(self._heading("findings"), (() if page.findings else (self.say("sentences", "none"),)),
                    grid=self._findings()),
            Section(self._heading("timeliness"), grid=self._timeliness()),
            Section(self._heading("conformance"), (() if page.deviations else (self.say("sentences", "none"),)),
                    grid=self._conformance()),
            Section(self._heading("course"), (*self._written("course"), *self.facts.course)),
            Section(self._heading("review"), table=self._reviewed()),
            *self._actions(),
        ]  # fmt: skip
        return [self._numbered(index, section) for index, section in enumerate(found, 1)]

    def as_record(self) -> list[Section]:
        """The form schools keep of a drill, one table."""
        rows = {
            **dict(self._overview()),
            self.say("rows", "course"): "\n".join((*self._written("course"), *self.facts.course)),
            self.say("rows", "suitability"): self._written_or_asked("suitability"),
            self.say("rows", "sufficiency"): self._written_or_asked("sufficiency"),
            self.say("rows", "effect"): "\n".join((*self._effect(), *self._written("effect"))),
            self.say("rows", "problems"): "\n".join((*self._problems(), *self._written("problems"))),
            self.say("rows", "improvements"): "\n".join((*self._planned(), *self._written("improvements"))),
        }
        asked = self._asked()
        if asked:
            rows[self.say("rows", "questionnaire")] = "\n".join(asked)
        return [Section("", table=tuple(rows.items()))]

    def _numbered(self, index: int, section: Section) -> Section:
        heading = numeral(index, self.reader.locale) + section.heading
        return Section(heading, section.paragraphs, section.table, section.grid, section.sources)

    def _heading(self, key: str) -> str:
        return str(self.say("headings", key))

    # --- facts --------------------------------------------------------------------------------

    def _overview(self) -> tuple[tuple[str, str], ...]:
        page, reader, facts = self.page, self.reader, self.facts
        name = reader.procedure_names.get(page.row.procedure, page.row.procedure)
        end = page.over_at or page.now
        time = self.say(
            "sentences", "span", begin=self._dated(page.started_at), end=self._dated(end),
            length=span(end - page.started_at, reader.locale),
        )  # fmt: skip
        people = list(facts.participants)
        if facts.simulated:
            people.append(self.say("sentences", "simulated", roles=self._joined(facts.simulated)))
        kind = "scenario" if facts.scenario else "free_play"
        rows = {
            "plan": self.say("sentences", "plan", name=name, version=page.row.version),
            "place": page.row.place,
            "time": time if page.over_at else f"{time}\n{self.say('sentences', 'running')}",
            "commander": "\n".join(self._written("commander")) or facts.trainer,
            "participants": "\n".join(people),
            "type": self.say("sentences", kind, title=facts.scenario),
        }
        return tuple((self.say("rows", key), value) for key, value in rows.items() if value)

    def _dated(self, at: datetime) -> str:
        return moment(at, self.reader.locale)

    def _at(self, at: datetime | None, missing: str) -> str:
        return self._dated(at) if at else str(self.say("sentences", missing))

    def _joined(self, parts: Sequence[str]) -> str:
        return self.reader.pick("、", ", ").join(parts)

    def _objectives(self) -> list[Section]:
        head = self._head("expectation", "result", "limit", "actual", "explanation")
        rows = [
            (each.text, each.state_label, self._short(each.limit), self._short(each.actual),
             "\n".join(part for part in (each.detail, self._late(each.over_by)) if part))
            for objective in self.page.objectives for each in objective.expectations
        ]  # fmt: skip
        if not rows:
            return []
        return [Section(self._heading("objectives"), self._effect(), grid=Grid(head, tuple(rows), (4, 2, 3, 3, 3)))]

    def _short(self, at: datetime | None, missing: str = "") -> str:
        """An instant in a cell, or the word for none."""
        if at is None:
            return str(self.say("sentences", missing)) if missing else ""
        return _stamp(at)

    def _late(self, length: Any) -> str:
        return str(self.say("sentences", "late", length=span(length, self.reader.locale))) if length else ""

    def _findings(self) -> Grid | None:
        head = self._head("finding", "limit", "actual", "advice")
        rows = [
            (
                self._finding(each),
                self._short(each.limit, "none"),
                "\n".join(part for part in (self._short(each.actual, "not_done"), self._late(each.over_by)) if part),
                each.advice,
            )
            for each in self.page.findings
        ]  # fmt: skip
        return Grid(head, tuple(rows), (5, 3, 3, 5)) if rows else None

    def _finding(self, each: ShownFinding) -> str:
        """What it is, under which rule, how it came, and whether it was there before: a line each."""
        colon = ": " if is_english(self.reader.locale) else "："
        again = self.say("sentences", "recurred") if each.recurred else ""
        return "\n".join(
            part for part in (each.kind_label + colon + each.label, each.rule_label, each.text, again) if part
        )

    def _timeliness(self) -> Grid:
        """Steps and deadlines that had a limit; of what came again and again the first, and what was late."""
        head = self._head("step", "limit", "actual", "slack")
        first = {(each.rule_label, each.label): each for each in reversed(self.page.timings) if each.limit is not None}
        rows = [
            (
                self._joined([each.rule_label, each.label] if each.kind == "deadline" else [each.label]),
                self._short(each.limit), self._short(each.done_at, "not_done"), self._slack(each.slack),
            )
            for each in self.page.timings
            if each.limit is not None and (each.is_late or each is first[each.rule_label, each.label])
        ]  # fmt: skip
        return Grid(head, tuple(rows), (6, 3, 3, 2))

    def _slack(self, slack: Any) -> str:
        if slack is None:
            return ""
        text = span(abs(slack), self.reader.locale)
        return f"−{text}" if slack.total_seconds() < 0 else text

    def _conformance(self) -> Grid | None:
        head = self._head("step", "deviation", "explanation")
        rows = [(each.label, each.kind_label, each.text) for each in self.page.deviations]
        return Grid(head, tuple(rows), (4, 2, 6)) if rows else None

    def _head(self, *keys: str) -> tuple[str, ...]:
        return tuple(self.say("columns", key) for key in keys)

    # --- what people say ----------------------------------------------------------------------

    def _written(self, part: str) -> tuple[str, ...]:
        return tuple(self.facts.written[part].splitlines())

    def _written_or_asked(self, part: str) -> str:
        return self.facts.written[part] or str(self.say("sentences", "to_write"))

    def _effect(self) -> tuple[str, ...]:
        page = self.page
        lines = []
        total = sum(page.counts[state] for state in ("met", "not_met", "open"))
        if total:
            states = {state: page.counts[state] for state in ("met", "not_met", "open")}
            lines.append(self.say("sentences", "counted", all=total, **states))
        lines.append(self.say("sentences", "deviated", count=len(page.deviations)))
        for objective in (*page.objectives, page.overall):
            lines += self._ratings(objective)
        return tuple(lines)

    def _ratings(self, objective: ShownObjective) -> list[str]:
        return [
            self.say(
                "sentences", "rated", objective=objective.title, rating=each.rating, label=each.label, name=each.name,
                note=each.note,
            ).strip()
            for each in objective.ratings if each.stands
        ]  # fmt: skip

    def _problems(self) -> tuple[str, ...]:
        return tuple(self._problem(each) for each in self.page.findings) or (self.say("sentences", "none"),)

    def _problem(self, each: ShownFinding) -> str:
        return str(
            self.say(
                "sentences", "finding", kind=each.kind_label, label=each.label, limit=self._at(each.limit, "none"),
                actual=self._at(each.actual, "not_done"), text=each.text,
            )
        )  # fmt: skip

    def _proposals(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.advice for each in self.page.findings))

    def _reviewed(self) -> tuple[tuple[str, str], ...]:
        keys = ("suitability", "sufficiency", "effect", "problems", "improvements")
        rows = [(self.say("rows", key), self._written_or_asked(key)) for key in keys]
        asked = self._asked()
        return (*rows, (self.say("rows", "questionnaire"), "\n".join(asked))) if asked else tuple(rows)

    # --- what follows -------------------------------------------------------------------------

    def _actions(self) -> list[Section]:
        """Improvement actions of this drill, and how those of earlier ones went."""
        found = []
        head = self._head("improvement", "owner", "due", "state")
        for key, rows in (("actions", self.facts.actions), ("followed", self.facts.followed)):
            cells = tuple((each.text, each.owner_name, _day(each.due_at), self._ended(each)) for each in rows)
            if cells:
                found.append(Section(self._heading(key), grid=Grid(head, cells, (6, 2, 3, 3))))
        return found

    def _ended(self, each: ImprovementRow) -> str:
        came = self.say("sentences", "came_again") if each.recurred and each.drill != self.page.row.id else ""
        return "\n".join(part for part in (each.state_label, came) if part)

    def _planned(self) -> tuple[str, ...]:
        """What was planned, by whom until when; before anything was, what is proposed."""
        planned = tuple(
            self.say("sentences", "planned", text=each.text, owner=each.owner_name, due=_day(each.due_at))
            for each in self.facts.actions
        )
        return planned or self._proposals()

    def _asked(self) -> tuple[str, ...]:
        asked = self.facts.asked
        if not asked.count:
            return ()
        lines = [self.say("sentences", "asked", count=asked.count, anonymous=asked.anonymous)]
        lines += [
            self.say("sentences", "score", text=each.text, mean=f"{each.mean or 0:.1f}") for each in asked.questions
        ]
        return (*lines, *asked.comments)
