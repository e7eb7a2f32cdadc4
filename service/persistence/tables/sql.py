"""Every table as a Core table: statements are made of these, the classes only declare them."""

from service.persistence.tables.accounts import (
    Account,
    IdempotencyKey,
    Member,
    Membership,
    Organisation,
    Place,
    PolicyOverride,
    Session,
)
from service.persistence.tables.base import table_of
from service.persistence.tables.directory import DirectoryImport, GroupMember, Invitation, WorkingGroup
from service.persistence.tables.drills import Drill, DrillInject, DrillWatch, OwnScenario
from service.persistence.tables.duty import (
    Absence,
    Assignment,
    Channel,
    DutyGap,
    QuietHours,
    Shift,
    ShiftPerson,
    ShiftSwap,
    ShiftTemplate,
    StandIn,
)
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
from service.persistence.tables.privacy import BreakGlass, ExportRequest, KeyRotation, PersonIndex, PersonReveal
from service.persistence.tables.proof import ChainCheck, ErasureItem, ErasureRun, LegalHold
from service.persistence.tables.reviews import DrillTraining, Improvement, QuestionnaireToken
from service.persistence.tables.sign_in import (
    AccessToken,
    EmergencyPass,
    KeptForm,
    RecoveryCode,
    SecondFactor,
    SignInAttempt,
    SignInStep,
)

absences = table_of(Absence)
access_tokens = table_of(AccessToken)
accounts = table_of(Account)
assignments = table_of(Assignment)
attachments = table_of(Attachment)
break_glass = table_of(BreakGlass)
chain_checks = table_of(ChainCheck)
chain_seals = table_of(ChainSeal)
channels = table_of(Channel)
contacts = table_of(Contact)
deadlines = table_of(Deadline)
decision_results = table_of(DecisionRow)
definitions = table_of(Definition)
deliveries = table_of(Delivery)
directory_imports = table_of(DirectoryImport)
drafts = table_of(Draft)
drill_injects = table_of(DrillInject)
drill_watches = table_of(DrillWatch)
drills = table_of(Drill)
drill_trainings = table_of(DrillTraining)
improvements = table_of(Improvement)
questionnaire_tokens = table_of(QuestionnaireToken)
due_rows = table_of(DueRow)
duty_gaps = table_of(DutyGap)
element_visits = table_of(ElementVisit)
emergency_passes = table_of(EmergencyPass)
engine_incidents = table_of(EngineIncident)
erasure_items = table_of(ErasureItem)
erasure_runs = table_of(ErasureRun)
events = table_of(EventRow)
export_requests = table_of(ExportRequest)
group_members = table_of(GroupMember)
idempotency_keys = table_of(IdempotencyKey)
inbox = table_of(InboxRow)
incidents = table_of(Incident)
instance_states = table_of(InstanceState)
instances = table_of(Instance)
key_rotations = table_of(KeyRotation)
legal_holds = table_of(LegalHold)
kept_forms = table_of(KeptForm)
invitations = table_of(Invitation)
members = table_of(Member)
memberships = table_of(Membership)
messages = table_of(Message)
notices = table_of(Notice)
organisations = table_of(Organisation)
own_scenarios = table_of(OwnScenario)
person_index = table_of(PersonIndex)
person_reveals = table_of(PersonReveal)
persons = table_of(Person)
places = table_of(Place)
policy_overrides = table_of(PolicyOverride)
quiet_hours = table_of(QuietHours)
recovery_codes = table_of(RecoveryCode)
records = table_of(Record)
reports = table_of(Report)
second_factors = table_of(SecondFactor)
sessions = table_of(Session)
shift_people = table_of(ShiftPerson)
shift_swaps = table_of(ShiftSwap)
shift_templates = table_of(ShiftTemplate)
shifts = table_of(Shift)
stand_ins = table_of(StandIn)
sign_in_attempts = table_of(SignInAttempt)
sign_in_steps = table_of(SignInStep)
status_changes = table_of(StatusChange)
stream_heads = table_of(StreamHead)
subject_keys = table_of(SubjectKey)
task_roles = table_of(TaskRole)
tasks = table_of(Task)
upgrade_items = table_of(UpgradeItem)
upgrade_runs = table_of(UpgradeRun)
waits = table_of(Wait)
working_groups = table_of(WorkingGroup)
