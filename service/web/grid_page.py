"""The grid of an observation: a round filled in on a phone, the days behind it, a sheet out and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from service.application import rounds, workbooks
from service.application.queries import grid as grids
from service.application.queries import reading_sheets
from service.application.queries.grid import SHOWN, Entry, Grid, Round
from service.application.queries.reader import Reader
from service.application.queries.reading_sheets import CellError, ReadingSheet
from service.domain import commands as cmd
from service.domain.calendar import SHANGHAI, local
from service.domain.errors import FieldError, FormRefused, TooLarge, ValueRefused
from service.domain.form_messages import field_error
from service.web.errors import PageRoute
from service.web.export_page import to_export
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

NORMAL = "36.5"
MOST = 5_000
COMMON = ("measured_at", "measured_by", "window_reason", "entry_reason")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address asks for: part of the people, a round, whom to correct."""

    place: str = ""
    case: str = ""
    day: str = ""
    session: str = ""
    correct: str = ""
    all: str = ""
    saved: int = 0
    odd: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that shows another part or another round."""

    label: str
    address: str
    is_current: bool
    count: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, given back when it was refused."""

    common: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rest: bool = True
    rest_temperature: str = NORMAL


@dataclass(frozen=True, slots=True)
class GridPage:
    """The page; `errors` by person, `general` those of the round or of a sheet."""

    incident: str
    grid: Grid
    entry: Entry | None
    round_name: str
    correcting: str
    typed: Typed
    errors: Mapping[str, Sequence[str]]
    general: Sequence[str]
    sheet_errors: Sequence[CellError]
    places: tuple[Choice, ...]
    rounds: tuple[Choice, ...]
    letters: Mapping[str, str]
    symptoms: tuple[tuple[str, str], ...]
    measurers: tuple[tuple[str, str], ...]
    base: str
    here: str
    query: str
    more: str
    saved: int
    odd: tuple[str, ...]


@router.get("/incidents/{incident}/readings")
def grid_page(visit: Visiting, incident: str, wish: Annotated[Wish, Depends()]) -> Response:
    """The readings of an incident, and the round that is due."""
    with visit.reader() as reader:
        return visit.page(reader, "incidents/readings.html", _page(visit, reader, incident, wish))


@router.post("/incidents/{incident}/readings")
def record(visit: Visiting, incident: str, wish: Annotated[Wish, Depends()], posted: Form) -> Response:
    """Store a round; with an error in it nothing is stored, and everything typed stays."""
    persons = posted.all("person")
    typed = _typed(posted, persons)
    command = _command(incident, posted, typed)
    named = [str(row["person"]["id"]) for row in command.rows]
    try:
        outcome = visit.run(rounds.record_round, command)
    except FormRefused as refused:
        wish = Wish(wish.place, wish.case, posted.get("day"), posted.get("session"), posted.get("correct"), wish.all)
        with visit.reader() as reader:
            page = _page(visit, reader, incident, wish, typed=typed, refused=refused.errors, named=named)
            return visit.page(reader, "incidents/readings.html", page, status=422)
    return _done(incident, wish, outcome)


@router.get("/incidents/{incident}/readings/sheet.xlsx")
def download(visit: Visiting, incident: str, wish: Annotated[Wish, Depends()]) -> Response:
    """The round as a sheet: first why."""
    with visit.reader() as reader:
        entry = grids.entry(reader, incident, _day(wish.day), wish.session, place=wish.place, case=wish.case)
    key = "/".join((entry.round.day.isoformat(), entry.round.session, wish.place, wish.case))
    return to_export(incident, "readings", key)


@router.post("/incidents/{incident}/readings/sheet")
def bring_back(visit: Visiting, incident: str, wish: Annotated[Wish, Depends()], posted: Form) -> Response:
    """Store what a sheet or pasted lines say; with an error in it nothing is stored."""
    upload = posted.files.get("sheet")
    with visit.reader() as reader:
        try:
            cells = workbooks.read(upload.content) if upload else reading_sheets.pasted(posted.get("lines"))
            sheet = reading_sheets.read(reader, incident, cells)
        except (TooLarge, ValueRefused) as refused:
            return _refused(visit, reader, incident, wish, (CellError(0, "", refused.text(visit.locale)),))
        if sheet.errors or sheet.day is None:
            empty = CellError(0, "", visit.words.gettext("没有填写体温的行"))
            return _refused(visit, reader, incident, wish, sheet.errors or (empty,))
    common = {"measured_at": _instant(posted.get("measured_at")), "entry_reason": posted.get("entry_reason")}
    command = cmd.RecordRound(incident, sheet.day, sheet.session, sheet.rows, common=_given(common))
    try:
        outcome = visit.run(rounds.record_round, command)
    except FormRefused as refused:
        with visit.reader() as reader:
            return _refused(visit, reader, incident, wish, _of_cells(reader, sheet, refused.errors))
    return _done(incident, wish, outcome)


# --- what was sent ------------------------------------------------------------------------------


def _typed(posted: Posted, persons: Sequence[str]) -> Typed:
    rows = {}
    for person in persons:
        row = {
            "temperature": posted.get(f"t.{person}"), "symptoms": posted.all(f"s.{person}"),
            "absent": posted.has(f"a.{person}"), "correction_reason": posted.get(f"r.{person}"),
        }  # fmt: skip
        if any(row.values()):
            rows[person] = row
    common = {key: posted.get(key) for key in COMMON}
    return Typed(common, rows, posted.has("rest"), posted.get("rest_temperature") or NORMAL)


def _command(incident: str, posted: Posted, typed: Typed) -> cmd.RecordRound:
    rows = [
        {
            "person": {"id": person}, "temperature": _number(row["temperature"]),
            "symptoms": row["symptoms"] or ["none"], "in_place": not row["absent"],
            "correction_reason": row["correction_reason"],
        }
        for person, row in typed.rows.items()
    ]  # fmt: skip
    rest = {"temperature": _number(typed.rest_temperature), "symptoms": ["none"], "in_place": True}
    common = _given({**typed.common, "measured_at": _instant(typed.common["measured_at"])})
    return cmd.RecordRound(
        incident, _day(posted.get("day")), posted.get("session"), rows, others=rest if typed.rest else None,
        others_of=tuple(posted.all("person")), common=common,
    )  # fmt: skip


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _instant(text: str) -> str:
    """A local time as a form of ours sends it, with its offset; other text stays, and is refused by the form."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (found if found.tzinfo else found.replace(tzinfo=SHANGHAI)).isoformat()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueRefused("日期", "应为日期，如 2026-03-09", "expected a date, such as 2026-03-09") from error


# --- what is shown ------------------------------------------------------------------------------


def _done(incident: str, wish: Wish, outcome: rounds.RoundOutcome) -> Response:
    odd = ",".join(each.code for each in outcome.warnings if each.path == "rows")
    return go(f"/incidents/{incident}/readings", place=wish.place, case=wish.case, saved=str(outcome.saved), odd=odd)


def _refused(visit: Visit, reader: Reader, incident: str, wish: Wish, errors: Sequence[CellError]) -> Response:
    page = _page(visit, reader, incident, wish, sheet_errors=errors)
    return visit.page(reader, "incidents/readings.html", page, status=422)


def _of_cells(reader: Reader, sheet: ReadingSheet, errors: Sequence[FieldError]) -> list[CellError]:
    found = []
    for error in errors:
        _, _, rest = error.path.partition(".")
        place, _, column = rest.partition(".")
        number = sheet.numbers[int(place)] if place.isdigit() else 0
        found.append(CellError(number, reading_sheets.labelled(reader, column), error.text(reader.locale)))
    return found


def _page(
    visit: Visit, reader: Reader, incident: str, wish: Wish, *, typed: Typed | None = None,
    refused: Sequence[FieldError] = (), named: Sequence[str] = (), sheet_errors: Sequence[CellError] = (),
) -> GridPage:  # fmt: skip
    found = grids.grid(reader, incident, place=wish.place, case=wish.case, most=MOST if wish.all else SHOWN)
    chosen = _chosen_round(found, wish)
    entry = None
    if chosen is not None and found.may_record:
        entry = grids.entry(reader, incident, chosen.day, chosen.session, place=wish.place, case=wish.case)
    base = f"/incidents/{incident}/readings"
    part = {"place": wish.place, "case": wish.case}
    errors, general = _by_person(refused, named, visit.locale)
    day, session = (chosen.day.isoformat(), chosen.session) if chosen else ("", "")
    return GridPage(
        incident=incident, grid=found, entry=entry, correcting=wish.correct,
        round_name=reader.pick(*reading_sheets.SESSIONS[session]) if session else "",
        typed=typed or Typed(common=_first_common(found, entry)), errors=errors, general=general,
        sheet_errors=tuple(sheet_errors), places=_places(visit, found, base, wish),
        rounds=_rounds(visit, found, _address(base, **part), chosen),
        letters={state: reader.pick(*both) for state, both in grids.LETTERS.items()},
        symptoms=_options(reader, "symptoms"), measurers=_options(reader, "measured_by"), base=base,
        here=_address(base, **part, day=day, session=session),
        query=urlencode({**part, "day": day, "session": session}),
        more="" if wish.all or found.people <= SHOWN else _address(base, **part, all="1"),
        saved=wish.saved, odd=_odd(visit, wish.odd),
    )  # fmt: skip


def _address(base: str, **query: str) -> str:
    asked = {name: value for name, value in query.items() if value}
    return f"{base}?{urlencode(asked)}" if asked else base


def _chosen_round(found: Grid, wish: Wish) -> Round | None:
    """The round that is asked for, or the last that began."""
    asked = [each for each in found.rounds if (each.day.isoformat(), each.session) == (wish.day, wish.session)]
    return next(iter(asked), found.rounds[-1] if found.rounds else None)


def _first_common(found: Grid, entry: Entry | None) -> dict[str, str]:
    """A round that runs is measured now; of an earlier one somebody has to say when."""
    if entry is None:
        return {}
    now = local(found.now)
    at = "" if entry.round.is_over else now.strftime("%Y-%m-%dT%H:%M")
    return {"measured_at": at, "measured_by": entry.measured_by}


def _by_person(
    refused: Sequence[FieldError], named: Sequence[str], locale: str
) -> tuple[dict[str, list[str]], list[str]]:
    """Errors beside the person; those of the whole round, or that every row has, once at the top."""
    errors: dict[str, list[str]] = {}
    general: list[str] = []
    for error in refused:
        head, _, rest = error.path.partition(".")
        place, _, key = rest.partition(".")
        is_common = head == "others" or not place.isdigit() or key in COMMON
        target = general if is_common else errors.setdefault(named[int(place)], [])
        if error.text(locale) not in target:
            target.append(error.text(locale))
    return errors, general


def _places(visit: Visit, found: Grid, base: str, wish: Wish) -> tuple[Choice, ...]:
    if len(found.places) < 2:
        return ()
    people = sum(place.people for place in found.places)
    every = Choice(visit.words.gettext("全部"), _address(base, case=wish.case), not wish.place, str(people))
    return (
        every,
        *(
            Choice(each.name, _address(base, place=each.id, case=wish.case), each.id == wish.place, str(each.people))
            for each in found.places
        ),
    )


def _rounds(visit: Visit, found: Grid, part: str, chosen: Round | None) -> tuple[Choice, ...]:
    words = visit.words
    names = {
        (True, "早"): words.gettext("今早"), (True, "晚"): words.gettext("今晚"), (False, "早"): words.gettext("昨早"),
        (False, "晚"): words.gettext("昨晚"),
    }  # fmt: skip
    today = local(found.now).date()
    mark = "&" if "?" in part else "?"
    return tuple(
        Choice(
            label=names[each.day == today, each.session],
            is_current=each == chosen,
            count=f"{each.measured}/{each.due}",
            address=f"{part}{mark}{urlencode({'day': each.day.isoformat(), 'session': each.session})}",
        )
        for each in found.rounds
    )  # fmt: skip


def _options(reader: Reader, key: str) -> tuple[tuple[str, str], ...]:
    options = reader.services.forms.form("F14").fields[key].options
    return tuple((option.value, option.label.of(reader.locale)) for option in options if option.value != "none")


def _odd(visit: Visit, codes: str) -> tuple[str, ...]:
    known = {"all_alike": {"value": "—"}, "measured_in_no_time": {"count": "—"}}
    return tuple(
        field_error("rows", code, **known[code]).text(visit.locale) for code in codes.split(",") if code in known
    )
