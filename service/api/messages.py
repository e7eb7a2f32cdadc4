"""What happens beside the tasks: messages of outside parties, and the Actions menu."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import FormAnswer, Page, form_answer, page_of
from service.application import actions as action_cases
from service.application import messages as message_cases
from service.application.queries import Reader, waiting
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/incidents/{incident}", tags=["messages"])


class MessageBody(Body):
    """A message of the catalogue; `keys` narrow which waiting event it is for (person, instance)."""

    name: str = Field(min_length=1, max_length=200)
    keys: dict[str, str] = Field(default_factory=dict)
    payload: dict[str, Any] = Field(default_factory=dict)
    message_id: str = Field(min_length=1, max_length=200)


class MessageAnswer(Answer):
    """What became of a message: delivered, buffered or duplicate."""

    state: str
    message_id: str


class ActionBody(Body):
    """The answer to an entry of the Actions menu."""

    data: dict[str, Any] = Field(default_factory=dict)
    instance: str = ""


class ActionAnswer(FormAnswer):
    """An entry of the Actions menu with its form."""

    message: str
    name: str
    element: str
    instance: str
    person: str


class Performed(Answer):
    """The action was taken."""

    incident: str
    message: str


@router.post("/messages", status_code=202, response_model=MessageAnswer)
def receive(incident: str, body: MessageBody, door: Annotated[Door, permit(Action.MESSAGE_SEND)]) -> Response:
    """Deliver or buffer a message; in a drill or the demo this is how an outside party is played."""

    def taken(_reader: Reader, state: str) -> MessageAnswer:
        return MessageAnswer(state=state, message_id=body.message_id)

    command = cmd.ReceiveMessage(incident, body.name, body.keys, body.payload, body.message_id)
    return door.change(message_cases.receive, command, taken, status=202)


@router.get("/actions")
def actions(incident: str, door: Annotated[Door, permit(Action.INCIDENT_READ)]) -> Page[ActionAnswer]:
    """What the caller may do beside the tasks now."""
    found = door.read(lambda reader: waiting.action_menu(reader, incident))
    return page_of([_action(each) for each in found])


@router.post("/actions/{message}", response_model=Performed)
def perform(
    incident: str, message: str, body: ActionBody, door: Annotated[Door, permit(Action.ACTION_PERFORM)]
) -> Response:
    """Answer a waiting message event by hand; `instance` where more than one waits."""

    def done(_reader: Reader, _: None) -> Performed:
        return Performed(incident=incident, message=message)

    return door.change(action_cases.trigger, cmd.TriggerAction(incident, message, body.data, body.instance), done)


def _action(row: waiting.ActionRow) -> ActionAnswer:
    form = form_answer(row.form)
    return ActionAnswer(
        **{name: getattr(form, name) for name in FormAnswer.model_fields},
        message=row.message,
        name=row.name,
        element=row.element,
        instance=row.instance,
        person=row.person,
    )
