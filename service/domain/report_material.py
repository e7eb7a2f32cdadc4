"""The facts a report is drafted from: counts, classes and codes, never names.

The application reads these from the rows of an incident; everything may be empty. Instants are
aware; codes are those of the form code lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """How a patient was at a time: `severity` a code, `change` 稳定|好转|加重|出院|死亡; either may be ""."""

    at: datetime
    severity: str = ""
    change: str = ""


@dataclass(frozen=True, slots=True)
class Disinfection:
    """Places whose terminal disinfection was accepted."""

    at: datetime
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Classes suspended or closed from `at` on by `kind`, a class_adjust code; `resumed_at` once they are back."""

    at: datetime
    kind: str
    classes: tuple[str, ...]
    resumed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseMaterial:
    """What reports say about one person.

    `code` is the person's code in the incident. `course` is in time order, the first point the state at
    the diagnosis. `status` is the case class, `diagnosis` the hospital's latest result.
    """

    code: str
    class_name: str
    person_type: str = "student"
    registered_at: datetime | None = None
    temperature: Decimal | None = None
    thermometer: str = "ir_forehead"
    axillary_temp: Decimal | None = None
    rechecked_at: datetime | None = None
    symptoms: tuple[str, ...] = ()
    onset_at: datetime | None = None
    epi_history: bool | None = None
    status: str = ""
    diagnosis: str = ""
    diagnosed_at: datetime | None = None
    hospital: str = ""
    severity: str = ""
    treatment: str = ""
    treated_at: datetime | None = None
    course: tuple[CoursePoint, ...] = ()
    is_certificate_missing: bool = False


@dataclass(frozen=True, slots=True)
class TransferMaterial:
    """One transfer of a person, by the person's code."""

    code: str
    vehicle: str = ""
    departed_at: datetime | None = None
    destination: str = ""
    arrived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SentReport:
    """A report that went out: its id, document (R01 …), name, letterhead number and time.

    `until` is the end of the period it covered, `person_count` the number it stated.
    """

    id: str
    document: str
    name: str
    number: str = ""
    sent_at: datetime | None = None
    until: datetime | None = None
    person_count: int = 0


@dataclass(frozen=True, slots=True)
class ReportMaterial:
    """Everything a draft of any kind may use.

    `kind` is a report_kind (or `exclusion` for the notice R18), `event` the event code of the
    reporting call, `subject` the code of the case the call is about. `contacts` counts by 初步 最终 到位
    隔离中 解除 转阳, `contact_classes` those of the list that counts by class. `measures_done` are
    (when, label) of completed tasks in time order. `refusal` is the parents' answer as said
    without names. `reported_count` is the number the last direct report stated, `withdrawn` how many
    persons were withdrawn since they were registered. `nature` and `recipients` come from the call
    and its routing decision. `cluster_n` is the number from which cases are a cluster.
    """

    kind: str
    event: str
    organisation_name: str
    place: str
    found_at: datetime
    now: datetime
    cases: tuple[CaseMaterial, ...] = ()
    measures_done: tuple[tuple[datetime, str], ...] = ()
    subject: str = ""
    contacts: Mapping[str, int] = field(default_factory=dict)
    contact_classes: tuple[tuple[str, int], ...] = ()
    refusal: str | None = None
    transfers: tuple[TransferMaterial, ...] = ()
    corrected: tuple[SentReport, ...] = ()
    previous_report: SentReport | None = None
    recipients: tuple[str, ...] = ()
    suspected_count: int | None = None
    reported_count: int | None = None
    withdrawn: int = 0
    cluster_n: int = 3
    nature: str = ""
    finding: str = ""  # source of the infection as the investigation found it
    disinfections: tuple[Disinfection, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    accountability: str = ""
    rectification: str = ""
    returns_granted: int = 0
