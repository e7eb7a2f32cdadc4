"""A drill with two failures in it, and what its evaluation says."""

from functools import partial

from service.application import drills
from service.application.queries import Reader
from service.application.queries import evaluation as queries
from service.domain import commands as cmd
from service.domain.evaluation import Comparison, Evaluation
from tests.paths import drilling, school
from tests.paths.world import World

FORGETFUL = ("observation_lead", "school_doctor")  # nobody answers for them
LATE = ("school_leader", "duty_principal")


def two_failures(w: World, **more: object) -> str:
    """P01 by simulated roles: the written report is signed half an hour late, the neighbours are never looked at."""
    drill = drilling.begin(w, "school_suspected_case", speed=0, roles=("*",), **more)
    _take(w, *FORGETFUL, *LATE)
    drilling.clock(w, "advance", by="PT10M")
    w.do("trainer", "t_sign_report", school.SIGN)
    told = {"condition_told": "发热待查", "measures_told": "等待120复测", "approved_by": True}
    w.do("trainer", "t_approve_parent_notice", told)
    drilling.clock(w, "advance", by="PT10M")
    w.do("trainer", "t_start_plan", {"case_class": "observed", "basis": ["体温"], "approver": True})
    w.do("trainer", "s_notify_hospital", {"send_channel": "电话", "outcome": "已接通", "answered_by": "预检分诊台"})
    _take(w, "epi_office")  # who keys in the diagnosis; without it nothing else comes up
    drilling.clock(w, "advance", by="PT2H10M")
    w.do("trainer", "t_sign_written_report", school.SIGN, late_reason="校长外出")
    drilling.clock(w, "advance", by="PT30M")
    w.app.run(lambda uow: drills.end(uow, w.app.services, w.who("trainer"), cmd.EndDrill(drill)))
    return drill


def _take(w: World, *roles: str) -> None:
    """Let people play some roles from now on."""
    for role in roles:
        command = cmd.CastRole(w.incident, role, "human")
        w.app.run(partial(drills.cast, services=w.app.services, principal=w.who("trainer"), command=command))


def evaluation(w: World, drill: str = "", who: str = "trainer") -> Evaluation:
    """What came out of a drill, as somebody reads it."""
    with w.app.read() as connection:
        return queries.evaluate(reader(w, connection, who), drill or w.incident)


def comparison(w: World, drill: str = "") -> Comparison:
    """Beside the drills before it."""
    with w.app.read() as connection:
        reading = reader(w, connection, "trainer")
        return queries.comparison(reading, drill or w.incident, queries.evaluate(reading, drill or w.incident))


def reader(w: World, connection: object, who: str) -> Reader:
    """Somebody who reads now."""
    return Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now())  # type: ignore[arg-type]  # a connection
