"""The catalogue of organisations and roles: it holds what is said elsewhere, and who may start and close what."""

import re
from pathlib import Path

import pytest
import yaml

from service.application.queries.words import labels, senders
from service.domain.access import Action, OrganisationSubject, Principal, may
from service.domain.organisation_catalogue import OrganisationCatalogue, Role
from service.domain.standing import LEADERS, OUTSIDE_PARTIES, OVERSEERS
from service.settings import ROOT

FILE = ROOT / "workflows" / "organisations.yaml"
CATALOGUE = OrganisationCatalogue.load(FILE)
NOT_DRAWN = {"township_response", "traffic_control", "level_one", "approve_event", "approve_reopening"}


def entitled_by_diagrams() -> dict[str, set[str]]:
    """Each human step of the shipped diagrams with the roles it is offered to, of all files together."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "workflows").glob("*/*.bpmn")):
        for tag in re.findall(r"<bpmn:(?:user|send|receive)Task\s[^>]*>", file.read_text("utf-8")):
            said = dict(re.findall(r'([\w:]+)="([^"]*)"', tag))
            roles = {said.get("tocsin:role", ""), *said.get("tocsin:also", "").split()} - {""}
            found.setdefault(said["id"], set()).update(roles)
    return found


def test_roles_and_types_are_called_as_everywhere() -> None:
    for code, name in labels("role", "zh_CN").items():
        assert CATALOGUE.roles[code].zh == name
        assert CATALOGUE.roles[code].en == labels("role", "en")[code]
    for code, name in labels("organisation_type", "zh_CN").items():
        assert CATALOGUE.types[code].zh == name


def test_every_role_of_a_diagram_is_in_the_catalogue() -> None:
    assert {role for roles in entitled_by_diagrams().values() for role in roles} <= set(CATALOGUE.roles)


def test_the_access_table_rests_on_the_catalogue() -> None:
    assert frozenset(LEADERS) == CATALOGUE.leaders
    assert frozenset(OVERSEERS) == CATALOGUE.overseers
    assert frozenset(OUTSIDE_PARTIES) == CATALOGUE.outside_parties
    assert "school_leader" in LEADERS
    assert "epi_office" not in LEADERS | OVERSEERS


def test_the_demo_fits_the_catalogue() -> None:
    plan = yaml.safe_load((ROOT / "service" / "demo" / "organisations.yaml").read_text("utf-8"))
    kinds = {each["id"]: each["type"] for each in plan["organisations"]}
    for each in plan["organisations"]:
        assert CATALOGUE.may_stand_below(each["type"], kinds.get(each.get("parent"), ""))
    for account in plan["accounts"]:
        assert {role for roles in account["roles"].values() for role in roles} <= set(CATALOGUE.roles)


@pytest.mark.parametrize(
    ("act", "elements", "others"),
    [
        ("report_abnormality", ["t_register_abnormal"], []),
        ("start_isolation", ["t_mask_escort", "t_isolation_room", "t_evacuate_class"], ["cleaner", "parent"]),
        ("start_plan", ["t_start_plan"], ["epi_office", "place_lead", "school_doctor"]),
        ("suspend_classes", ["t_decide_suspension"], ["epi_office", "head_teacher", "parent"]),
        ("exclude_case", ["r_diagnosis"], ["school_leader", "duty_principal", "place_lead"]),
        ("end_quarantine", ["t_release"], ["school_leader", "village_committee", "contact_person"]),
        ("return_after_illness", ["t_review_return"], ["head_teacher", "parent"]),
        ("close_incident", ["t_sign_report", "t_confirm_control"], ["epi_office", "inst_safety", "town_office"]),
        ("cancel_false_alarm", ["t_approve_cancel"], ["epi_office", "place_lead"]),
    ],
)
def test_a_step_that_starts_or_closes_is_offered_to_those_entitled_only(
    act: str, elements: list[str], others: list[str]
) -> None:
    drawn = entitled_by_diagrams()
    said = CATALOGUE.acts[act]
    assert set(elements) <= set(said.elements)
    for element in said.elements:
        assert drawn[element]
        assert all(said.allows(role) for role in drawn[element]), element
        assert not drawn[element] & set(others)
    assert not any(said.allows(role) for role in others)


def test_isolation_waits_for_no_leader() -> None:
    drawn = entitled_by_diagrams()
    assert not drawn["t_mask_escort"] & LEADERS
    assert not drawn["t_isolation_room"] & LEADERS


def test_a_case_is_excluded_on_the_word_of_the_hospital_alone() -> None:
    assert senders(CATALOGUE.acts["exclude_case"].message) == ("designated_hospital",)


@pytest.mark.parametrize("role", [each for each in CATALOGUE.roles.values() if each.fits("school")], ids=lambda r: r.id)
def test_whoever_belongs_to_a_school_may_report_an_abnormality(role: Role) -> None:
    assert CATALOGUE.acts["report_abnormality"].right == Action.INCIDENT_OPEN.value
    member = Principal("a", "某人", {"school": frozenset({role.id})})
    may_report = may(member, Action.INCIDENT_OPEN, OrganisationSubject("school"))
    assert may_report == (role.id != "trainer")  # trainers open drills
    assert not may(member, Action.INCIDENT_OPEN, OrganisationSubject("school-2"))


@pytest.mark.parametrize("role", sorted(CATALOGUE.roles))
def test_policy_values_are_changed_by_those_named_only(role: str) -> None:
    act = CATALOGUE.acts["modify_policy"]
    holder = Principal("a", "某人", {"county": frozenset({role})})
    assert may(holder, Action(act.right), OrganisationSubject("school", ("county",))) == act.allows(role)


def test_what_no_diagram_draws_yet_is_said() -> None:
    assert {each.id for each in CATALOGUE.acts.values() if not each.elements and not each.right} == NOT_DRAWN


@pytest.mark.parametrize(
    ("line", "other", "told"),
    [
        ("superiors: [district_office, edu_bureau, county]", "superiors: [nowhere]", "a superior names"),
        ('cite: ["S0§5二"]}', "cite: []}", "vice_principal"),
        ("id: vice_principal", "id: school_leader", "twice"),
    ],
)
def test_a_file_that_breaks_its_own_rules_is_refused(tmp_path: Path, line: str, other: str, told: str) -> None:
    text = FILE.read_text("utf-8")
    assert line in text
    broken = tmp_path / "organisations.yaml"
    broken.write_text(text.replace(line, other), "utf-8")
    with pytest.raises(ValueError, match=told):
        OrganisationCatalogue.load(broken)
