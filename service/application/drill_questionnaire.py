"""The questionnaire for those who took part in a drill: once each, with one's name or without.

Of an anonymous answer no account is stored anywhere: its event has no actor, no role and no request. That each answers
once is held by a digest of account and drill under the key of the index, which stands apart from the answers, in no
order and without a time; whoever has the key can tell that somebody has answered, and nobody can tell what.
"""

from sqlalchemy import insert, select

from service.application.incidents import incident_subject
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import AlreadyExists, NotADrill, ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

QUESTIONS = ("clear", "time", "tools", "told", "useful")
SCORES = range(1, 6)
LONGEST = 1000


def answer(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.AnswerQuestionnaire, *,
    request_id: str = "",
) -> None:  # fmt: skip
    """Answer it. Raises NotADrill, NotAllowed, ValueRefused, AlreadyExists for a second answer."""
    token = token_of(services, command.drill, principal)
    uow.alone(f"questionnaire:{token}")

    def work(on: Advance) -> None:
        subject = incident_subject(on.uow, on.incident)
        require(principal, Action.INCIDENT_READ, subject)
        if on.incident["kind"] != "drill":
            raise NotADrill(on.incident["number"])
        require(principal, Action.DRILL_ANSWER, subject)
        comment = _checked(command)
        if has_answered(on.uow, token):
            raise AlreadyExists("您的问卷")
        on.uow.connection.execute(insert(sql.questionnaire_tokens).values(id=token))
        scores = {question: int(command.scores[question]) for question in QUESTIONS}
        event = ev.QuestionnaireAnswered(command.is_anonymous, scores)
        on.record(event, sealed={on.incident_id: {"comment": comment}} if comment else None)

    origin = Origin() if command.is_anonymous else Origin(principal.account_id, "", "", request_id, request_id)
    advance(uow, services, command.drill, origin, work)


def _checked(command: cmd.AnswerQuestionnaire) -> str:
    """The comment, once everything is in order."""
    for question in QUESTIONS:
        if command.scores.get(question) not in SCORES:
            raise ValueRefused(question, "请选 1 至 5", "choose from 1 to 5")
    comment = command.comment.strip()
    if len(comment) > LONGEST:
        raise ValueRefused("comment", f"最多 {LONGEST} 字", f"at most {LONGEST} characters")
    return comment


def token_of(services: Services, drill: str, principal: Principal) -> str:
    """The digest by which a second answer is known."""
    return services.index.digest("questionnaire", f"{drill}:{principal.account_id}")


def has_answered(uow: UnitOfWork, token: str) -> bool:
    """Whether somebody has."""
    table = sql.questionnaire_tokens
    return uow.connection.execute(select(table.c.id).where(table.c.id == token)).first() is not None
