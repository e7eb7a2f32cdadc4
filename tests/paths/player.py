"""Somebody who answers whatever task is open, so that SC01 runs by itself from any stored state.

The proofs need it: a process that was killed and starts again knows nothing but its files.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from service.persistence import queue
from service.persistence import tables as t
from service.persistence.tables import sql
from tests.paths import school, variants
from tests.paths.world import MINUTE, World

WEEK = timedelta(days=8)  # cases of two incidents further apart are no cluster
CALLED = {"send_channel": "电话", "outcome": "已接通"}


def _hours_ago(w: World, hours: int) -> str:
    return school.iso(w.clock.now() - timedelta(hours=hours))


ANSWERS: Mapping[str, Callable[[World], Any]] = {
    "t_mask_escort": lambda w: w.do("teacher", "t_mask_escort", variants.ESCORTED),
    "t_remind_protection": lambda w: w.do("teacher", "t_remind_protection"),
    "t_office_accept": lambda w: w.do("coordinator", "t_office_accept"),
    "s_call_120": school.call_120,
    "t_isolation_room": lambda w: w.do("nurse", "t_isolation_room"),
    "t_observe_neighbours": school.observe_neighbours,
    "t_draft_initial": school.draft,
    "t_sign_report": lambda w: w.do("principal", "t_sign_report", school.SIGN, late_reason="处置在先"),
    "t_approve_parent_notice": school.approve_notice,
    "t_evacuate_class": lambda w: w.do("cleaner", "t_evacuate_class", {"head_count": 29}),
    "t_inform_parents": lambda w: school.tell_parents(w, "理解配合", 1),
    "t_mark_places": lambda w: w.do("coordinator", "t_mark_places", {"place_list": ["教室", "楼梯"]}),
    "t_seal_aircon": lambda w: w.do("cleaner", "t_seal_aircon", {"cleared_people": True, "aircon_off": True}),
    "t_disinfect": lambda w: w.do(
        "cleaner", "t_disinfect",
        {"agent": "84消毒液", "start_at": school.iso(w.clock.now() - 5 * MINUTE), "end_at": school.now(w),
         "ppe": ["N95口罩", "手套"]},
    ),
    "t_clear_residue": school.end_disinfection,
    "r_120_arrived": school.arrived,
    "r_recheck": school.recheck,
    "t_start_plan": school.start_plan,
    "s_notify_hospital": lambda w: w.do("coordinator", "s_notify_hospital", {**CALLED, "answered_by": "分诊台"}),
    "t_parent_transfer": lambda w: school.tell_parents(w, "理解配合", 1, "t_parent_transfer"),
    "t_ppe_escort": lambda w: w.do("nurse", "t_ppe_escort", {"ppe": ["N95口罩", "手套", "工作服"]}),
    "t_hand_over": school.transfer,
    "r_received": school.received,
    "t_clean_vehicle": school.clean_vehicle,
    "t_written_report_2h": school.written_report,
    "t_sign_written_report": lambda w: w.do(
        "principal", "t_sign_written_report", school.SIGN, late_reason="处置在先"
    ),
    "r_diagnosis": lambda w: school.diagnosis(w, "excluded"),
    "t_file_certificate": lambda w: w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE}),
    "t_draft_closing": lambda w: school.draft(
        w, "t_draft_closing", nature="排除", cause="普通感冒", result="医院排除", control="已落实", accountability="无",
        closed_at=school.now(w),
    ),
    "t_apply_return": lambda w: w.do(
        "teacher", "t_apply_return",
        {"situation": "排除发热", "recovered": True, "symptom_end_at": _hours_ago(w, 1)},
    ),
    "t_review_return": lambda w: w.do("coordinator", "t_review_return", {"decision": "准予返校", "reviewer": True}),
    "t_entry_check": lambda w: w.do(
        "coordinator", "t_entry_check",
        {"time": school.now(w), "temperature": 36.6, "mask_worn": True, "action": "pass"},
    ),
}  # fmt: skip


class Player(World):
    """A world that plays SC01 by itself; `patient` overrides what F01 says of the pupil."""

    patient: Mapping[str, Any] = {"name": "学生甲", "temperature": 38.1}

    def close(self) -> None:
        """End it. Whoever answers whatever is open demands nothing by name: the matrix does not count it."""
        self.demands.test = ""
        super().close()

    def play(self) -> bool:
        """Open the incident, answer one open task, or let time pass to the next timer; False at the end."""
        if not self.incident:
            self.begin()
            return True
        self.wait(MINUTE)
        for element in self.open_tasks():
            if element in ANSWERS:
                ANSWERS[element](self)
                return True
        return self.wait_for_timer()

    def begin(self) -> None:
        """The teacher reports the pupil."""
        data = school.quick()
        identity = {key: value for key, value in self.patient.items() if key != "temperature"}
        data["person"] = {**data["person"], **identity}
        self.open("teacher", {**data, "temperature": self.patient["temperature"]})

    def wait(self, duration: timedelta) -> None:
        """Let time pass, stopping at each due row on the way."""
        target = self.clock.now() + duration
        while (due := self._next_due()) is not None and due <= target:
            self.clock.set(max(due, self.clock.now()))
            self.app.worker.tick()
        self.clock.set(max(target, self.clock.now()))
        self.app.worker.tick()

    def wait_for_timer(self) -> bool:
        """Let time pass to the next due row; False if there is none."""
        due = self._next_due()
        if due is not None:
            self.wait(due - self.clock.now())
        return due is not None

    def _next_due(self) -> Any:
        with self.app.read() as connection:
            return queue.next_due(connection)

    def resume(self) -> None:
        """Take up the incident that is not over, at the time of the last event; if none is, a week has passed."""
        with self.app.read() as connection:
            last = connection.execute(select(func.max(sql.events.c.real_at))).scalar()
            active = select(sql.instances.c.incident_id).where(sql.instances.c.status == "active")
            running = connection.execute(active.order_by(sql.instances.c.started_at)).scalars().first()
        self.incident = running or ""
        if last is not None:
            self.clock.set(max(last if running else last + WEEK, self.clock.now()))

    def is_over(self) -> bool:
        """The incident is closed and the pupil is back."""
        return not self.rows(t.Instance, status="active")
