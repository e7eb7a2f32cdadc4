"""Every table, as SQLModel classes. Only `projections` writes the read tables.

Groups: accounts and organisations; definitions; the log (`EventRow` and its heads); engine state
(`InstanceState`); read tables (rebuilt from the log); working rows (queue, inbox, drafts).
Text columns with sealed values hold JSON {subject id: token}; see `sealing`.
"""

from service.persistence.tables.accounts import (
    Account,
    DirectoryState,
    IdempotencyKey,
    LoginAttempt,
    Member,
    Membership,
    Organisation,
    Place,
    PolicyOverride,
    Session,
)
from service.persistence.tables.base import metadata, table_of
from service.persistence.tables.facts import (
    Attachment,
    Contact,
    DecisionRow,
    Delivery,
    Draft,
    Message,
    Notice,
    Person,
    Record,
    Report,
)
from service.persistence.tables.incidents import (
    Deadline,
    ElementVisit,
    EngineIncident,
    Incident,
    Instance,
    StatusChange,
    Task,
    TaskRole,
    Wait,
)
from service.persistence.tables.log import (
    ChainSeal,
    Definition,
    DueRow,
    EventRow,
    InboxRow,
    InstanceState,
    StreamHead,
    SubjectKey,
    UpgradeItem,
    UpgradeRun,
)
from service.persistence.tables.proof import ChainCheck, ErasureItem, ErasureRun, LegalHold

__all__ = [
    "Account",
    "Attachment",
    "ChainCheck",
    "ChainSeal",
    "Contact",
    "Deadline",
    "DecisionRow",
    "Definition",
    "Delivery",
    "DirectoryState",
    "Draft",
    "DueRow",
    "ElementVisit",
    "EngineIncident",
    "ErasureItem",
    "ErasureRun",
    "EventRow",
    "IdempotencyKey",
    "InboxRow",
    "Incident",
    "Instance",
    "InstanceState",
    "LegalHold",
    "LoginAttempt",
    "Member",
    "Membership",
    "Message",
    "Notice",
    "Organisation",
    "Person",
    "Place",
    "PolicyOverride",
    "Record",
    "Report",
    "Session",
    "StatusChange",
    "StreamHead",
    "SubjectKey",
    "Task",
    "TaskRole",
    "UpgradeItem",
    "UpgradeRun",
    "Wait",
    "metadata",
    "table_of",
]
