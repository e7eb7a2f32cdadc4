"""What people enter when contacts are traced (P05), and what the CDC says about them (P36)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.persistence import tables as t
from tests.paths import school
from tests.paths.world import World

NEIGHBOURS = ("学生子", "学生亥", "学生巳", "学生午")  # around 学生甲 of class 七2
SIGN = {"sign_decision": "签发", "signer": True}


def contact(
    w: World, name: str, *, unit: str = school.CLASS, scene: str = "前后左右", group: str = "close",
    person_type: str = "student", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """A row of the initial list."""
    return {
        "person": {"name": name, "person_type": person_type, "org_unit": {"id": unit}},
        "contact_place": "教室", "contact_scene": scene, "last_contact": school.now(w), "contact_class": group, **more,
    }  # fmt: skip


def judged(name: str, *, unit: str = school.CLASS, group: str = "close", **more: Any) -> dict[str, Any]:
    """A row of the CDC's list."""
    person = {"name": name, "person_type": "student", "org_unit": {"id": unit}}
    return {"person": person, "contact_class": group, "info_source": "party", **more}


def removed(name: str, reason: str = "未近距离接触", *, unit: str = school.CLASS) -> dict[str, Any]:
    """A row that takes somebody of the initial list off it."""
    person = {"name": name, "person_type": "student", "org_unit": {"id": unit}}
    return {"person": person, "removed_reason": reason, "info_source": "party"}


def task_of(w: World, element: str, person: str = "") -> dict[str, str]:
    """Which of several open tasks of an element is meant: that of a person."""
    if not person:
        return {}
    rows = [row for row in w.rows(t.Task, element=element) if row["state"] in {"open", "claimed"}]
    return {"task": next(row["id"] for row in rows if row["person_id"] == person)}


def history(w: World, person: str = "") -> None:
    """P05.1."""
    trail = [{"at": school.now(w), "place": "七年级2班教室", "companions": "同班同学"}]
    answer = {"activity_trail": trail, "travel": "无"}
    w.do("coordinator", "t_case_history", answer, **task_of(w, "t_case_history", person))


def initial(w: World, rows: Sequence[Mapping[str, Any]], person: str = "") -> None:
    """P05.2."""
    w.do("coordinator", "t_list_contacts", {"rows": list(rows)}, **task_of(w, "t_list_contacts", person))


def screening(w: World, person: str = "") -> None:
    """P05.3: drafted as prefilled, signed, published."""
    answer = {"scope": ["班级"], "no_identity_ok": True}
    w.do("coordinator", "t_draft_screening", answer, **task_of(w, "t_draft_screening", person))
    w.do("principal", "t_sign_screening", SIGN, **task_of(w, "t_sign_screening", person))


def investigated(w: World, person: str = "") -> None:
    """P36.1 to P36.4, keyed in by the office."""
    keyed = {"info_source": "visit"}
    w.do("coordinator", "r_epi_request", {"started_at": school.now(w), **keyed}, **task_of(w, "r_epi_request", person))
    w.do(
        "coordinator", "t_epi_material",
        {
            "roster": "七年级2班名册", "travel": "无",
            "family": [{"name": "家长甲", "person_type": "resident", "org_unit": {"id": "demo-village"}}],
        },
        **task_of(w, "t_epi_material", person),
    )  # fmt: skip
    trail = [{"at": school.now(w), "place": "七年级2班教室"}]
    investigator = {"name": "疾控甲", "at": school.now(w), "info_source": "visit"}
    w.do(
        "coordinator", "r_site_epi", {"activity_trail": trail, "investigator": investigator, **keyed},
        **task_of(w, "r_site_epi", person),
    )  # fmt: skip
    w.do(
        "coordinator", "r_epi_source", {"suspected_source": "待查", "finished_at": school.now(w), **keyed},
        **task_of(w, "r_epi_source", person),
    )  # fmt: skip


def final(w: World, rows: Sequence[Mapping[str, Any]], person: str = "") -> None:
    """P36.5: the list of the CDC, keyed in by the office."""
    w.do("coordinator", "r_contact_list", {"rows": list(rows)}, **task_of(w, "r_contact_list", person))


def contacts(w: World, **where: Any) -> dict[str, dict[str, Any]]:
    """Contact rows by the person's name."""
    names = {row["id"]: row["name"] for row in people(w)}
    return {names[row["person_id"]]: row for row in w.rows(t.Contact, **where)}


def people(w: World) -> Iterable[dict[str, Any]]:
    """Persons of the incident with their names."""
    with w.app.read() as connection:
        for row in w.rows(t.Person):
            values = w.app.sealer.open_text(connection, row["sealed"]).get(row["id"], {})
            yield {**row, "name": values.get("name", "")}


def person(w: World, name: str) -> str:
    """The id of a person by name."""
    return next(str(row["id"]) for row in people(w) if row["name"] == name)


def status(w: World) -> dict[str, str]:
    """Name -> stage and status."""
    return {name: f"{row['stage']} {row['status']}".strip() for name, row in contacts(w).items()}
