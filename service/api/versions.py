"""Versions of a procedure: which one new incidents begin with, and what became of each."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import definition_versions
from service.application.queries import Reader, procedures, versions
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/procedures/{procedure}", tags=["procedures"])

Reading = Annotated[Door, permit(Action.DEFINITION_READ)]
Deploying = Annotated[Door, permit(Action.DEFINITION_DEPLOY)]


class VersionAnswer(Answer):
    """A version; new incidents begin with the active one, `running` counts those that go on by this one."""

    version: int
    is_active: bool
    deployed_at: datetime
    deployed_by_name: str
    retired_at: datetime | None
    running: int


class VersionEventAnswer(Answer):
    """What was done with a version: deployed, activated or retired."""

    version: int
    how: str
    at: datetime
    by: str
    reason: str


class SwitchedAnswer(Answer):
    """The version and whether it is in use; `changed` false: it was so already."""

    version: int
    is_active: bool
    changed: bool


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=500)


@router.get("/versions")
def listed(procedure: str, door: Reading) -> Page[VersionAnswer]:
    """Every version, newest first."""
    found = door.read(lambda reader: procedures.page(reader, procedure)).versions
    return page_of([VersionAnswer.model_validate(each) for each in found])


@router.get("/history")
def history(procedure: str, door: Reading) -> Page[VersionEventAnswer]:
    """Who put which version into use or out of it, newest first."""
    found = door.read(lambda reader: versions.history(reader, procedure))
    return page_of([VersionEventAnswer.model_validate(each) for each in found])


@router.post("/versions/{version}/activate", response_model=SwitchedAnswer)
def activate(procedure: str, version: int, body: ReasonBody, door: Deploying) -> Response:
    """Let new incidents begin with this version; running ones stay on theirs."""

    def shown(_reader: Reader, changed: bool) -> SwitchedAnswer:
        return SwitchedAnswer(version=version, is_active=True, changed=changed)

    return door.change(definition_versions.activate, cmd.ActivateVersion(procedure, version, body.reason), shown)


@router.post("/versions/{version}/retire", response_model=SwitchedAnswer)
def retire(procedure: str, version: int, body: ReasonBody, door: Deploying) -> Response:
    """Let no new incident begin with this version; running ones go on."""

    def shown(_reader: Reader, changed: bool) -> SwitchedAnswer:
        return SwitchedAnswer(version=version, is_active=False, changed=changed)

    return door.change(definition_versions.retire, cmd.RetireVersion(procedure, version, body.reason), shown)
