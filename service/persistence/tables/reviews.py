"""What follows a drill: improvement actions of an organisation, and who has answered the questionnaire."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class Improvement(SQLModel, table=True):
    """A read table of the organisation's stream: something to be changed after a drill. It is real, not a drill.

    `finding` is the key of the finding it answers, "" for none; `target` and `target_id` say which policy, element
    or form would change. `sealed` holds the text, `note` what was done.
    """

    __tablename__ = "improvements"
    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True)
    drill_id: str = Field(index=True)
    procedure: str
    finding: str = ""
    target: str = ""
    target_id: str = ""
    owner: str = Field(index=True)
    due_at: datetime
    state: str = "open"  # open | done | dropped
    sealed: str = "{}"
    note: str = "{}"
    planned_by: str
    planned_at: datetime
    ended_by: str = ""
    ended_at: datetime | None = None


class DrillTraining(SQLModel, table=True):
    """A read table: the drill a training (P26) began and waits for; `incident_id` is the training."""

    __tablename__ = "drill_trainings"
    id: str = Field(primary_key=True)  # of the drill
    incident_id: str = Field(index=True)


class QuestionnaireToken(SQLModel, table=True):
    """That somebody has answered the questionnaire of a drill: a keyed digest, with no account and no time.

    No read table: it is not made from the log, and nothing in the log leads to it.
    """

    __tablename__ = "questionnaire_tokens"
    id: str = Field(primary_key=True)
