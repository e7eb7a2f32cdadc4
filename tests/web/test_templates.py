"""The templates as a set: each compiles, each page has a title and a heading, each view model is used whole."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, meta

from service.settings import ROOT
from service.web import (
    account_page,
    account_safety_page,
    action_page,
    api_page,
    audit_page,
    channel_page,
    code_page,
    diagram_page,
    directory_forms,
    drill_page,
    drill_start_page,
    duty_page,
    duty_settings_page,
    engine_page,
    errors,
    evaluation_page,
    export_page,
    grid_page,
    import_page,
    improvement_page,
    inbox_page,
    incident_page,
    invitation_page,
    library_page,
    organisation_page,
    pass_page,
    people_page,
    policy_page,
    printout_page,
    privacy_page,
    procedure_page,
    report_page,
    resume_page,
    retention_page,
    role_page,
    roster_page,
    rules_page,
    scenario_editor_page,
    scenario_page,
    sheet_page,
    sign_in,
    staff_page,
    task_page,
    version_page,
)
from service.web.assets import Assets
from service.web.site import TEMPLATES, environment, fields_of
from service.web.translations import LOCALES, translations

NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
# Layouts and parts are no pages.
PAGES = [name for name in NAMES if not Path(name).name.startswith("_") and name not in ("base.html", "site.html")]
MODELS = {
    "entry/sign_in.html": sign_in.SignInPage,
    "entry/code.html": code_page.CodePage,
    "entry/api.html": api_page.ApiPage,
    "account/safety.html": account_safety_page.AccountSafetyPage,
    "entry/set_up.html": code_page.SetUpPage,
    "entry/recovery_codes.html": code_page.OncePage,
    "entry/pass.html": pass_page.ScannedPage,
    "entry/pass_over.html": pass_page.PassOverPage,
    "entry/pass_task.html": pass_page.PassTaskPage,
    "tasks/pass.html": pass_page.IssuePage,
    "entry/resume.html": resume_page.ResumePage,
    "inbox/no_role.html": inbox_page.NoRolePage,
    "account/security.html": account_page.SecurityPage,
    "account/second_factor.html": account_page.FactorPage,
    "account/once.html": account_page.OncePage,
    "entry/invitation.html": invitation_page.InvitationPage,
    "organisations/list.html": organisation_page.OrganisationsPage,
    "organisations/organisation.html": organisation_page.OrganisationPage,
    "organisations/move.html": organisation_page.MovePage,
    "organisations/roles.html": role_page.RolesPage,
    "organisations/import_form.html": import_page.ImportFormPage,
    "organisations/import.html": import_page.ImportPage,
    "organisations/form.html": directory_forms.DirectoryForm,
    "organisations/person.html": staff_page.PersonPage,
    "organisations/invited.html": staff_page.InvitedPage,
    "organisations/leave.html": staff_page.LeavePage,
    "organisations/place.html": roster_page.PlacePage,
    "errors/error.html": errors.ErrorPage,
    "inbox/inbox.html": inbox_page.InboxPage,
    "incidents/report.html": report_page.ReportPage,
    "incidents/list.html": incident_page.IncidentsPage,
    "incidents/timeline.html": incident_page.TimelinePage,
    "incidents/tasks.html": incident_page.TasksPage,
    "incidents/people.html": people_page.PeoplePage,
    "incidents/readings.html": grid_page.GridPage,
    "incidents/break_glass.html": privacy_page.BreakGlassPage,
    "incidents/export.html": export_page.ExportPage,
    "incidents/exports.html": export_page.ExportsPage,
    "incidents/search.html": privacy_page.SearchPage,
    "incidents/person.html": people_page.OnePersonPage,
    "incidents/contacts.html": people_page.ContactsPage,
    "incidents/places.html": people_page.PlacesPage,
    "incidents/reports.html": incident_page.ReportsPage,
    "incidents/deliveries.html": incident_page.DeliveriesPage,
    "incidents/diagram.html": diagram_page.DiagramPage,
    "incidents/form.html": action_page.FormPage,
    "incidents/document.html": library_page.DocumentPage,
    "incidents/printout.html": printout_page.PrintoutPage,
    "partner/desk.html": action_page.PartnerDesk,
    "procedures/library.html": procedure_page.LibraryPage,
    "procedures/procedure.html": procedure_page.ProcedureModel,
    "procedures/decision.html": procedure_page.DecisionModel,
    "procedures/form.html": procedure_page.FormPreview,
    "procedures/differences.html": procedure_page.DifferencesModel,
    "procedures/version.html": version_page.VersionPage,
    "procedures/upgrade_preview.html": version_page.UpgradePreview,
    "procedures/progress.html": version_page.ProgressPage,
    "rules/list.html": rules_page.RulesPage,
    "rules/rule.html": rules_page.RuleModel,
    "rules/check.html": rules_page.CheckPage,
    "drills/list.html": drill_page.DrillsPage,
    "drills/new.html": drill_start_page.StartPage,
    "drills/control.html": drill_page.ControlPage,
    "drills/stop.html": drill_page.StopPage,
    "drills/evaluation.html": evaluation_page.ReviewPage,
    "drills/improvements.html": improvement_page.ImprovementsPage,
    "drills/report.html": evaluation_page.AfterActionPage,
    "drills/_band.html": drill_page.BandPage,
    "scenarios/list.html": scenario_page.ListPage,
    "scenarios/one.html": scenario_page.OnePage,
    "scenarios/import.html": scenario_page.ImportPage,
    "scenarios/edit.html": scenario_editor_page.EditorPage,
    "engine/list.html": engine_page.EnginePage,
    "engine/resolve.html": engine_page.ResolvePage,
    "account/me.html": library_page.AccountPage,
    "audit/list.html": audit_page.AuditList,
    "audit/check.html": audit_page.CheckPage,
    "duty/roster.html": duty_page.DutyPage,
    "duty/shift.html": duty_page.ShiftPage,
    "duty/templates.html": duty_settings_page.TemplatesPage,
    "duty/stand_ins.html": duty_settings_page.StandInsPage,
    "duty/absences.html": duty_settings_page.AbsencesPage,
    "duty/channels.html": channel_page.ChannelsPage,
    "retention/list.html": retention_page.RetentionPage,
    "retention/plan.html": retention_page.PlanPage,
    "retention/preview.html": retention_page.PreviewPage,
    "retention/run.html": retention_page.RunPage,
    "policies/list.html": policy_page.PoliciesPage,
    "policies/policy.html": policy_page.PolicyPage,
    "policies/preview.html": policy_page.PreviewPage,
    "tasks/task.html": task_page.TaskModel,
    "tasks/sheet.html": sheet_page.SheetPage,
    "tasks/refusal.html": task_page.RefusalPage,
    "tasks/handover.html": task_page.HandoverPage,
    "tasks/_saved.html": task_page.SavedPage,
}


def made(locale: str = "zh_CN") -> Environment:
    return environment(locale, Assets.load(ROOT / "forms" / "reports" / "document.css"))


def sources(name: str) -> str:
    """The text of a template with everything it extends, includes or imports."""
    env, seen, queue = made(), dict[str, str](), [name]
    while queue:
        current = queue.pop()
        if current not in seen:
            seen[current] = (TEMPLATES / current).read_text("utf-8")
            queue.extend(each for each in meta.find_referenced_templates(env.parse(seen[current])) if each)
    return "\n".join(seen.values())


@pytest.mark.parametrize("locale", LOCALES)
def test_every_template_compiles_and_names_only_templates_that_exist(locale: str) -> None:
    env = made(locale)
    for name in NAMES:
        env.get_template(name)
        assert sources(name)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_title_and_one_heading(name: str) -> None:
    text = sources(name)
    assert "{% block title %}" in text
    own = text.split("{% block content %}")[-1] if "{% block content %}" in text else text
    assert re.search(r"<h1\b", own) or re.search(r"<h1\b", text)


def test_every_page_has_a_view_model() -> None:
    assert set(PAGES) <= set(MODELS)


@pytest.mark.parametrize(("name", "model"), sorted(MODELS.items()))
def test_a_view_model_has_no_field_its_template_leaves_out(name: str, model: type) -> None:
    text = sources(name)
    unused = [field for field in fields_of(model) if not re.search(rf"\bpage\.{field}\b", text)]
    assert not unused


def test_no_template_holds_a_script_or_a_style_of_its_own() -> None:
    for name in NAMES:
        text = (TEMPLATES / name).read_text("utf-8")
        assert not re.search(r"<style\b|\bstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)", text), name


def test_no_template_says_chinese_outside_gettext() -> None:
    spoken = re.compile(r"_\(\s*'[^']*'|ngettext\(\s*'[^']*',\s*'[^']*'|\{#.*?#\}", re.DOTALL)
    for name in NAMES:
        text = spoken.sub("", (TEMPLATES / name).read_text("utf-8")).replace("'(推)'", "")
        assert not re.findall(r"[\u4e00-\u9fff：；，。（）]+", text), name


def test_every_text_of_the_pages_has_its_english() -> None:
    catalogue = translations("en")
    texts = set[str]()
    for path in [*TEMPLATES.rglob("*.html"), *Path(TEMPLATES.parent).glob("*.py")]:
        texts.update(
            re.findall(r"(?:\b_|gettext)\(\s*['\"]([^'\"]*[\u4e00-\u9fff][^'\"]*)['\"]", path.read_text("utf-8"))
        )
    assert len(texts) > 200
    missing = sorted(text for text in texts if catalogue.gettext(text) == text and not re.search(r"%\(num\)s", text))
    assert not missing
