"""What else an organisation of the matrix has to ask about: its directory, its roster, its channels, a drill."""

from datetime import timedelta
from typing import Any

from service.application import (
    channels,
    directory_import,
    drills,
    duty,
    duty_service,
    emergency_pass,
    organisation_changes,
    place_changes,
    roster_changes,
    staff_changes,
)
from service.domain import commands as cmd
from service.domain.access import Principal
from service.domain.alerts import to_organisation
from service.domain.calendar import local
from service.domain.duty import Template, monday_of
from service.persistence.tables import sql
from tests.contract.matrix_planted import PLANTED
from tests.contract.product import QUICK
from tests.contract.test_directory_import import a_workbook
from tests.paths.world import World

HEADS = {"demo-school": "principal", "demo-school-2": "principal2", "demo-county": "manager"}
ROLE = "logistics"  # of the one invited: any organisation may have it


def kept(world: World, organisation: str, task: str) -> dict[str, str]:
    """Its objects by the names the routes give them. Whoever leads the organisation made all of them."""
    keeping = Keeping(world, organisation)
    made = keeping.directory()
    return {**made, **keeping.roster(), **keeping.others(task, made["place"])}


class Keeping:
    """The leader of an organisation at work."""

    def __init__(self, world: World, organisation: str) -> None:
        self.world, self.organisation = world, organisation
        self.head = world.who(HEADS[organisation])

    def run(self, use_case: Any, command: object, *, who: Principal | None = None) -> Any:
        """A use case of the leader, or of somebody else."""
        app = self.world.app
        return app.run(lambda uow: use_case(uow, app.services, who or self.head, command))

    def directory(self) -> dict[str, str]:
        """Somebody invited, a place with somebody on its roster, a working group, a change, a workbook."""
        here = self.organisation
        invited = self.run(
            staff_changes.invite,
            staff_changes.InvitePerson(here, f"worker-{here}", "门卫某", (ROLE,)),
        )
        place = self.run(place_changes.save_place, place_changes.SavePlace(here, "矩阵用房", "room"))
        member = self.run(
            roster_changes.save,
            roster_changes.SaveMember(here, "resident", {"name": PLANTED[here].on_roster}, place=place),
        )
        members = {self.head.account_id: True}
        group = self.run(place_changes.save_group, place_changes.SaveGroup(here, "矩阵工作组", members=members))
        self.run(organisation_changes.change, organisation_changes.ChangeOrganisation(here, contact="值班室"))
        return {
            "account": invited.account, "code": invited.code, "place": place, "member": member, "group": group,
            "role": ROLE, "seq": self._last_change(), "import_id": self._workbook(),
        }  # fmt: skip

    def _last_change(self) -> str:
        with self.world.app.read() as connection:
            heads = sql.stream_heads
            statement = heads.select().where(heads.c.stream == f"org:{self.organisation}")
            return str(connection.execute(statement).one().seq)

    def _workbook(self) -> str:
        app = self.world.app
        content = a_workbook(classes=[(self.organisation, "矩阵教室", "班级", "否")])
        made = self.run(directory_import.start, directory_import.StartImport(self.organisation, "单位.xlsx", content))
        directory_import.check(app.database, app.run, app.services, app.sealer, made, by=self.head)
        return str(made)

    def roster(self) -> dict[str, str]:
        """A published shift of next week with the leader and the one invited, who asks him to swap; an absence."""
        here, now = self.organisation, self.world.clock.now()
        monday = monday_of(local(now).date()) + timedelta(days=7)
        nights = Template("夜班", local(now).time().replace(hour=20, minute=0), 12, (1,))
        worker = self.world.who(f"worker-{here}")
        self.run(duty.set_templates, duty.SetTemplates(here, (nights,)))
        self.run(duty.plan_week, duty.PlanWeek(here, monday))
        with self.world.app.read() as connection:
            mine = sql.shifts.c.organisation_id == here
            shift = connection.execute(sql.shifts.select().where(mine)).one().id
        self.run(duty.staff_shift, duty.StaffShift(shift, (), (worker.account_id,)))
        swap = self.run(duty_service.ask_swap, duty_service.AskSwap(shift, self.head.account_id, "有事"), who=worker)
        self.run(duty.staff_shift, duty.StaffShift(shift, (self.head.account_id,), (worker.account_id,)))
        self.run(duty.publish_week, duty.PublishWeek(here, monday))
        absence = self.run(
            duty_service.report_absence,
            duty_service.ReportAbsence(here, now + timedelta(days=20), now + timedelta(days=21), "", "开会"),
        )
        return {"shift": shift, "swap": swap, "absence": absence, "week": monday.isoformat()}

    def others(self, task: str, place: str) -> dict[str, str]:
        """A channel of the organisation, an emergency code of the task, a drill of the trainer."""
        here = self.organisation
        channel = self.run(
            channels.add, channels.AddChannel(to_organisation(here), "值班群", "mailto://duty:secret@mail.example.cn")
        )
        secret = self.run(emergency_pass.issue, cmd.IssuePass(task, "人手不够"))
        with self.world.app.read() as connection:
            passes = sql.emergency_passes
            found = connection.execute(passes.select().where(passes.c.task_id == task)).one().id
        trainer = self.world.who("trainer")
        person = {**QUICK["person"], "org_unit": {"id": place}}
        data = {**QUICK, "found_at": self.world.clock.now().isoformat(), "place": place, "person": person}
        drill = self.run(drills.create, cmd.CreateDrill("small_alarm", here, data, 0.0), who=trainer)
        return {"channel": channel, "secret": secret, "pass_id": found, "drill": drill}
