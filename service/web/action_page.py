"""Forms beside the tasks: entries of the Actions menu, and the desk on which one plays the outside party."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import actions, messages
from service.application.queries import form_contexts, incident_pages, waiting
from service.application.queries.incident_pages import IncidentPage
from service.application.queries.reader import Reader
from service.application.queries.waiting import PartnerWait
from service.domain import commands as cmd
from service.domain.errors import FieldError, FormRefused, NothingWaits
from service.web import form_rows
from service.web.errors import PageRoute
from service.web.form_choices import directory_of
from service.web.form_models import Filled, FormModel
from service.web.form_pages import FormWriter, defaults_of
from service.web.form_values import Flat, flatten_view, gather
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go
from service.web.uploads import stored_files

router = APIRouter(route_class=PageRoute, include_in_schema=False)

OWN_FIELDS = frozenset({"csrf", "do", "_message_id"})


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form with the incident it belongs to; `back` is where cancelling leads."""

    heading: str
    lead: str
    incident: IncidentPage
    form: FormModel
    address: str
    back: str
    message_id: str
    button: str


@dataclass(frozen=True, slots=True)
class PartnerDesk:
    """What waits for outside parties, by incident."""

    groups: tuple[tuple[str, str, tuple[PartnerWait, ...]], ...]  # incident id, its number and place, waits
    count: int


@router.get("/incidents/{incident}/actions/{message}")
def action_page(visit: Visiting, incident: str, message: str, instance: str = "") -> Response:
    """The form of an entry of the menu."""
    with visit.reader() as reader:
        return visit.page(reader, "incidents/form.html", _action(visit, reader, (incident, message, instance), None))


@router.post("/incidents/{incident}/actions/{message}")
def act(visit: Visiting, incident: str, message: str, posted: Form, instance: str = "") -> Response:
    """Answer the waiting event."""
    wanted, flat = (incident, message, instance), flat_of(posted)
    with visit.reader() as reader:
        entry = _menu_entry(reader, wanted)
        view = reader.services.forms.view(entry.form.key)
        if posted.get("do").startswith(form_rows.CHANGES):
            kept = form_rows.known_rows(view, entry.form.values)
            page = _action(visit, reader, wanted, form_rows.with_rows(posted.get("do"), flat, kept))
            return visit.page(reader, "incidents/form.html", page)
    flat = form_rows.renumbered(view, flat)
    data = gather(view, flat, stored_files(visit, posted))
    try:
        form_rows.require_reasons(view, flat)
        visit.run(actions.trigger, cmd.TriggerAction(incident, message, data, instance))
    except FormRefused as refused:
        with visit.reader() as reader:
            page = _action(visit, reader, wanted, Filled(flat, tuple(refused.errors)))
            return visit.page(reader, "incidents/form.html", page, status=422)
    return go(f"/incidents/{incident}", said="acted")


@router.get("/partner")
def partner_desk(visit: Visiting) -> Response:
    """Who waits for what outside party now."""
    with visit.reader() as reader:
        waits = waiting.partner_desk(reader)
        incidents = {each.incident: each for each in waits}
        groups = tuple(
            (key, f"{each.incident_number} · {each.organisation_name}", tuple(w for w in waits if w.incident == key))
            for key, each in incidents.items()
        )
        page = PartnerDesk(groups, len(waits))
        if visit.is_fragment:
            return visit.fragment("partner/_desk.html", page, shell=visit.shell(reader))
        return visit.page(reader, "partner/desk.html", page)


@router.get("/partner/{wait}")
def partner_page(visit: Visiting, wait: str) -> Response:
    """The form of what a party says."""
    with visit.reader() as reader:
        return visit.page(reader, "incidents/form.html", _partner(visit, reader, wait, None, reader_id(visit)))


@router.post("/partner/{wait}")
def speak(visit: Visiting, wait: str, posted: Form) -> Response:
    """Say it as the party."""
    flat, message_id = flat_of(posted), posted.get("_message_id")
    with visit.reader() as reader:
        found = _wait(reader, wait)
        view = reader.services.forms.view(found.form_key)
        if posted.get("do").startswith(form_rows.CHANGES):
            kept = form_rows.known_rows(view, form_contexts.of_wait(reader, found.incident, _found(found)).defaults)
            page = _partner(visit, reader, wait, form_rows.with_rows(posted.get("do"), flat, kept), message_id)
            return visit.page(reader, "incidents/form.html", page)
    flat = form_rows.renumbered(view, flat)
    keys = {"instance": found.instance} | ({"person": found.person} if found.person else {})
    data = gather(view, flat, stored_files(visit, posted))
    command = cmd.ReceiveMessage(found.incident, found.message, keys, data, message_id or reader_id(visit))
    try:
        form_rows.require_reasons(view, flat)
        said = visit.run(messages.receive, command)
    except FormRefused as refused:
        return _again(visit, wait, flat, message_id, tuple(refused.errors))
    return go("/partner", said=said)


# --- inside -----------------------------------------------------------------------------------


def flat_of(posted: Posted) -> Flat:
    """The fields of the form itself."""
    names = [name for name in posted.names if name not in OWN_FIELDS]
    return {name: [value for key, value in posted.fields if key == name] for name in names}


def reader_id(visit: Visit) -> str:
    """A message id that is new for each page shown, so that sending twice counts once."""
    return f"desk-{visit.principal.account_id}-{int(visit.now.timestamp() * 1000)}"


def _menu_entry(reader: Reader, wanted: tuple[str, str, str]) -> waiting.ActionRow:
    incident, message, instance = wanted
    for entry in waiting.action_menu(reader, incident):
        if entry.message == message and instance in ("", entry.instance):
            return entry
    raise NothingWaits(reader.label("message", message))


def _action(visit: Visit, reader: Reader, wanted: tuple[str, str, str], filled: Filled | None) -> FormPage:
    incident, message, instance = wanted
    entry = _menu_entry(reader, wanted)
    found = {"instance": entry.instance, "element": entry.element, "form_key": entry.form.key, "person": entry.person}
    return FormPage(
        heading=entry.name,
        lead=entry.person_code,
        incident=incident_pages.head(reader, incident),
        form=_form(visit, reader, incident, found, filled),
        address=f"/incidents/{incident}/actions/{message}?instance={instance or entry.instance}",
        back=f"/incidents/{incident}",
        message_id="",
        button=visit.words.gettext("提交"),
    )


def _wait(reader: Reader, wait: str) -> PartnerWait:
    found = next((each for each in waiting.partner_desk(reader) if each.wait == wait), None)
    if found is None:
        raise NothingWaits("")
    return found


def _found(entry: PartnerWait) -> dict[str, str]:
    return {"instance": entry.instance, "element": entry.element, "form_key": entry.form_key, "person": entry.person}


def _partner(visit: Visit, reader: Reader, wait: str, filled: Filled | None, message_id: str) -> FormPage:
    entry = _wait(reader, wait)
    speaker = visit.words.gettext("以“%(party)s”的身份答复") % {"party": " / ".join(entry.party_labels)}
    return FormPage(
        heading=entry.message_label or entry.name,
        lead=" · ".join(part for part in (speaker, entry.person_code) if part),
        incident=incident_pages.head(reader, entry.incident),
        form=_form(visit, reader, entry.incident, _found(entry), filled),
        address=f"/partner/{wait}",
        back="/partner",
        message_id=message_id,
        button=visit.words.gettext("发送"),
    )


def _again(visit: Visit, wait: str, flat: Flat, message_id: str, errors: tuple[FieldError, ...]) -> Response:
    with visit.reader() as reader:
        page = _partner(visit, reader, wait, Filled(flat, errors), message_id)
        return visit.page(reader, "incidents/form.html", page, status=422)


def _form(
    visit: Visit, reader: Reader, incident: str, found: dict[str, str], filled: Filled | None
) -> FormModel:  # fmt: skip
    view = reader.services.forms.view(found["form_key"])
    context = form_contexts.of_wait(reader, incident, found)
    organisation = reader.incident(incident)["organisation_id"]
    directory = directory_of(form_contexts.choices(reader, incident, organisation))
    beginning = flatten_view(view, defaults_of(view, context))
    return FormWriter(view, context, directory, visit.locale).write(filled or Filled(beginning))
