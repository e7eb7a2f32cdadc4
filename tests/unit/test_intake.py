"""Safe intake: hostile and broken files become findings, good ones the model they say."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from service.application.facts import INCIDENT_FACTS, PERSON_FACTS
from service.domain.deadlines import load_rules
from service.domain.forms import FormLibrary
from service.domain.policies import PolicyCatalogue, typed
from service.domain.policy_overrides import snapshot
from service.engine import extensions
from service.engine.intake import bundle_files, load_folder, read_bundle
from service.engine.intake_xml import LIMITS
from service.engine.known import Known
from service.engine.model import Bundle, DeadlineMark, Finding, Kind, Trigger
from service.engine.rules import ERROR, RULES, WARNING

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / "workflows"
PROCEDURES = sorted(folder.name for folder in WORKFLOWS.iterdir() if (folder / f"{folder.name}.bpmn").exists())
SMALL = (WORKFLOWS / "small_alarm" / "small_alarm.bpmn").read_bytes()
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
BODY = SMALL.removeprefix(DECLARATION)


def lint(content: bytes, *, name: str = "small_alarm.bpmn") -> tuple[Bundle | None, list[Finding]]:
    return read_bundle({name: content}, bundle_id="small_alarm", decisions={}, known=Known(procedures={"small_check"}))


def refused_by(content: bytes) -> set[str]:
    bundle, findings = lint(content)
    assert bundle is None
    assert_well_formed(findings, {"small_alarm.bpmn": content})
    return {item.rule for item in findings if item.severity == ERROR}


def assert_well_formed(findings: list[Finding], files: Mapping[str, bytes]) -> None:
    for item in findings:
        assert item.file in files or item.file == ""
        assert isinstance(item.element, str)
        assert item.rule in RULES
        assert item.severity in {ERROR, WARNING}
        assert item.message
        assert item.message_en


# --- hostile bytes ---------------------------------------------------------------------------------


def bomb(levels: int) -> bytes:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels))
    return f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a0 "ha">{entities}]><d>&a{levels - 1};</d>'.encode()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "billion laughs": (bomb(12), "xml_doctype"),
    "external entity": (b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d>&x;</d>', "xml_doctype"),
    "external document type": (b'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd"><d/>', "xml_doctype"),
    "document type in small letters": (b"<!doctype d><d/>", "xml_doctype"),
    "parameter entity": (b'<!DOCTYPE d [<!ENTITY % p "x"> %p;]><d/>', "xml_doctype"),
    "undeclared entity": (SMALL.replace("小型报警".encode(), b"&nbsp;", 1), "xml_malformed"),
    "ten megabytes": (SMALL + b" " * 10_000_000, "file_too_large"),
    "nul bytes": (SMALL.replace(b"small", b"sm\0ll"), "xml_malformed"),
    "control character": (SMALL.replace(b"School", b"Sch\x01ool"), "xml_malformed"),
    "utf-16": (SMALL.decode().encode("utf-16"), "file_encoding"),
    "utf-16 named by the declaration only": (
        SMALL.replace(b'encoding="UTF-8"', b'encoding="UTF-16"'),
        "file_encoding",
    ),
    "gbk": (SMALL.decode().replace("UTF-8", "GBK").encode("gbk", "replace"), "file_encoding"),
    "utf-7 hides a document type": (b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE d>', "file_encoding"),
    "cut off": (SMALL[: len(SMALL) // 2].decode(errors="ignore").encode(), "xml_malformed"),
    "not XML": ("就是几句话".encode(), "xml_malformed"),
    "only white space": (b" \n\t", "file_empty"),
    "deep nesting": (b"<a>" * 250 + b"</a>" * 250, "xml_too_deep"),
    "nesting beyond the parser": (b"<a>" * 100_000, "xml_malformed"),
    "another vocabulary": (b'<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', "bpmn_schema"),
    "no namespace": (b"<definitions/>", "bpmn_schema"),
    "include": (
        SMALL.replace(
            b"<bpmn:laneSet",
            b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/hostname"/><bpmn:laneSet',
        ),
        "bpmn_schema",
    ),
    "style sheet": (SMALL.replace(b"<bpmn:def", b'<?xml-stylesheet href="a.xsl"?><bpmn:def', 1), "xml_instruction"),
    "instruction after the root": (SMALL + b"<?php phpinfo(); ?>", "xml_instruction"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_file_is_refused_by_name(name: str) -> None:
    content, rule = HOSTILE[name]
    assert rule in refused_by(content)


@pytest.mark.parametrize("name", ["../small_alarm.bpmn", "/etc/x.bpmn", "small_alarm.xml", ".bpmn", "a b.bpmn", ""])
def test_file_name_that_points_elsewhere_is_refused(name: str) -> None:
    bundle, findings = lint(SMALL, name=name)
    assert bundle is None
    assert [item.rule for item in findings] == ["file_name"]


def test_byte_order_mark_and_comments_are_accepted() -> None:
    commented = SMALL.replace(b'=deadline("T02")', b'=dead<!-- a note -->line("T02")')
    bundle, findings = lint(b"\xef\xbb\xbf" + commented)
    assert bundle is not None, findings
    assert bundle.processes["small_alarm"].nodes["e_small_due"].timer == '=deadline("T02")'
    assert bundle.files["small_alarm.bpmn"] == commented.decode()


@given(st.binary(max_size=400))
def test_any_bytes_give_findings_and_never_raise(content: bytes) -> None:
    bundle, findings = lint(content)
    assert bundle is None
    assert findings
    assert_well_formed(findings, {"small_alarm.bpmn": content})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    at=st.integers(0, len(SMALL)),
    length=st.integers(0, 60),
    patch=st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [b"", b'"', b"<", b"&", b"=", b'id="x"', b"<bpmn:task/>", b'tocsin:x="1"', b"bpmn:", b"]]>", b"\0"]
        ),
    ),
)
def test_damaged_file_gives_findings_and_never_raises(at: int, length: int, patch: bytes) -> None:
    content = SMALL[:at] + patch + SMALL[at + length :]
    bundle, findings = lint(content)
    assert (bundle is None) == any(item.severity == ERROR for item in findings)
    assert_well_formed(findings, {"small_alarm.bpmn": content})


TAGS = sorted(set(re.findall(rb"<bpmn:(\w+)", SMALL)) | {b"task", b"transaction", b"subProcess", b"complexGateway"})
VALUES = sorted(set(re.findall(rb'="([^"]*)"', BODY)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_reshuffled_file_gives_findings_and_never_raises(data: st.DataObject) -> None:
    """Swaps tags and attribute values, so that the file stays XML and reaches the later stages."""
    content = SMALL
    for _turn in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            old, new = data.draw(st.sampled_from(TAGS)), data.draw(st.sampled_from(TAGS))
            content = re.sub(rb"(</?bpmn:)" + old + rb"\b", rb"\g<1>" + new, content)
        else:
            old, new = data.draw(st.sampled_from(VALUES)), data.draw(st.sampled_from(VALUES))
            content = content.replace(b'="' + old + b'"', b'="' + new + b'"', 1)
    bundle, findings = lint(content)
    assert (bundle is None) == any(item.severity == ERROR for item in findings)
    assert_well_formed(findings, {"small_alarm.bpmn": content})


PROCESS = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x">'
    '<bpmn:process id="small_alarm" isExecutable="true">{}</bpmn:process></bpmn:definitions>'
)


def circle(kind: str, count: int) -> bytes:
    nodes = "".join(f'<bpmn:{kind} id="t{n}"/>' for n in range(count))
    flows = "".join(
        f'<bpmn:sequenceFlow id="f{n}" sourceRef="t{n}" targetRef="t{(n + 1) % count}"/>' for n in range(count)
    )
    return PROCESS.format(nodes + flows).encode()


def test_long_circle_ends_in_a_finding() -> None:
    assert {"busy_loop", "start_missing", "end_missing"} <= refused_by(circle("serviceTask", LIMITS.nodes_per_page))


def test_page_beyond_the_limit_is_not_looked_at_further() -> None:
    assert refused_by(circle("serviceTask", 12_000)) == {"page_too_large"}


def test_very_many_findings_are_cut_and_keep_the_errors() -> None:
    tasks = "".join(f'<bpmn:userTask id="t{n}" note:by="x" xmlns:note="urn:note"/>' for n in range(900))
    content = PROCESS.format(tasks + "<bpmn:task id='bad'/>").encode()
    bundle, findings = lint(content)
    assert bundle is None
    assert len(findings) == LIMITS.findings
    assert findings[0].rule == "unsupported_abstract_task"


def test_many_processes_in_one_file_are_refused() -> None:
    processes = "".join(f'<bpmn:process id="p{n}" isExecutable="true"/>' for n in range(LIMITS.files + 1))
    content = PROCESS.replace("<bpmn:process", processes + "<bpmn:process").format("").encode()
    assert refused_by(content) == {"bundle_too_large"}


def test_tangle_of_gateways_is_judged_in_bounded_time() -> None:
    """Every gateway leads to every other: more ways than anyone can play through."""
    count = 20
    gateways = "".join(f'<bpmn:{"parallelGateway" if n % 2 else "inclusiveGateway"} id="g{n}"/>' for n in range(count))
    flows = "".join(
        f'<bpmn:sequenceFlow id="f{a}_{b}" sourceRef="g{a}" targetRef="g{b}"/>'
        for a in range(count)
        for b in range(count)
        if a != b
    )
    start = '<bpmn:startEvent id="s"/><bpmn:sequenceFlow id="fs" sourceRef="s" targetRef="g0"/>'
    assert "busy_loop" in refused_by(PROCESS.format(start + gateways + flows).encode())


def test_folder_files_are_read_no_further_than_accepted(tmp_path: Path) -> None:
    (tmp_path / "big.bpmn").write_bytes(b" " * (LIMITS.file_bytes + 1000))
    files = bundle_files(tmp_path)
    assert len(files["big.bpmn"]) == LIMITS.file_bytes + 1
    _bundle, findings = read_bundle(files, bundle_id="big", decisions={}, known=Known())
    assert [item.rule for item in findings] == ["file_too_large"]


# --- what good files say ---------------------------------------------------------------------------


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_shipped_procedure_has_no_errors(procedure: str) -> None:
    files, decisions = load_folder(WORKFLOWS / procedure, decisions_dir=WORKFLOWS / "decisions")
    bundle, findings = read_bundle(files, bundle_id=procedure, decisions=decisions, known=Known(procedures=PROCEDURES))
    assert [item for item in findings if item.severity == ERROR] == []
    assert bundle is not None
    assert bundle.entry == procedure
    assert_well_formed(findings, files)
    # What remains is what the plan says: pages to split later, procedures of later issues.
    assert {item.rule for item in findings} <= {"page_large", "call_unknown_procedure"}


def test_model_of_the_small_procedure() -> None:
    bundle, findings = lint(SMALL)
    assert bundle is not None, findings
    process = bundle.processes["small_alarm"]
    assert (process.name, process.name_en, process.pool) == ("小型报警", "Small alarm", "学校")
    report = process.nodes["t_small_report"]
    assert (report.kind, report.role, report.form, report.lane) == (
        Kind.USER,
        "place_lead",
        "F01#quick",
        "lane_small_alarm_place_lead",
    )
    assert report.deadlines == (DeadlineMark("T02", "start", "complete", "", "=F01.found_at"),)
    assert process.nodes["t_small_written"].deadlines == (DeadlineMark("T02", "bind", "enter"),)
    call = process.nodes["ca_small_check"]
    assert (call.kind, call.called, call.inputs) == (Kind.CALL, "small_check", {"person": "=person"})
    due = process.nodes["e_small_due"]
    assert (due.kind, due.trigger, due.attached_to, due.interrupting) == (
        Kind.BOUNDARY,
        Trigger.DATE,
        "t_small_written",
        False,
    )
    assert due.role == "epi_office"
    send = process.nodes["s_small_send"]
    assert (send.kind, send.channel, send.message) == (Kind.SEND, "auto", "msg_written_report")
    assert [flow.target for flow in process.outgoing("g_small_split")] == ["ca_small_check", "t_small_written"]


def read_case() -> Bundle:
    files, decisions = load_folder(WORKFLOWS / "school_suspected_case", decisions_dir=WORKFLOWS / "decisions")
    bundle, findings = read_bundle(
        files, bundle_id="school_suspected_case", decisions=decisions, known=Known(procedures=PROCEDURES)
    )
    assert bundle is not None, findings
    return bundle


def test_model_of_the_suspected_case() -> None:
    bundle = read_case()
    root = bundle.processes["school_suspected_case"]
    cases = root.nodes["ca_cases"]
    assert (cases.kind, cases.called, cases.collection) == (Kind.OPEN, "school_case", "cases")
    assert cases.completion.startswith("fact(")
    assert root.nodes["ca_dispatch"].kind is Kind.INLINE
    cancel = root.nodes["start_cancelled"]
    assert (cancel.kind, cancel.trigger, cancel.signal, cancel.parent) == (
        Kind.START,
        Trigger.SIGNAL,
        "sig_cancel",
        "sp_cancel",
    )
    assert cancel.interrupting
    cluster = root.nodes["start_cluster"]
    assert (cluster.trigger, cluster.edge, cluster.interrupting) == (Trigger.CONDITIONAL, "rising", False)
    assert cluster.condition.startswith('fact("cluster_count")')
    assert root.nodes["e_progress_time"].trigger is Trigger.CYCLE
    assert "plan_started" in root.nodes["start_cancel_request"].listed
    assert "D04" in bundle.decisions
    assert set(root.facts) >= {"cases", "plan_needed", "all_cleared"}


def test_hash_follows_content_and_decisions() -> None:
    case = read_case()
    assert case.hash == read_case().hash
    one, _ = lint(SMALL)
    other, _ = lint(SMALL.replace("办结".encode(), "结束".encode()))
    assert one is not None
    assert other is not None
    assert one.hash != other.hash
    files, decisions = load_folder(WORKFLOWS / "school_suspected_case", decisions_dir=WORKFLOWS / "decisions")
    changed = {**decisions, "D04": decisions["D04"] + "\n"}
    again, _ = read_bundle(
        files, bundle_id="school_suspected_case", decisions=changed, known=Known(procedures=PROCEDURES)
    )
    assert again is not None
    assert again.hash != case.hash


def test_unknown_neighbourhood_is_reported_only_when_known() -> None:
    silent, _ = lint(SMALL)
    assert silent is not None
    bundle, findings = read_bundle(
        {"small_alarm.bpmn": SMALL},
        bundle_id="small_alarm",
        decisions={},
        known=Known(procedures={"small_check"}, view_exists=lambda _key: False, roles=(), deadlines=()),
    )
    assert bundle is None
    assert {item.rule for item in findings} == {"form_unknown", "role_unknown", "deadline_unknown"}


def test_finding_names_the_element_and_the_expression() -> None:
    _bundle, findings = lint(SMALL.replace(b'=deadline("T02")', b'=deadline("T02"'))
    [item] = [found for found in findings if found.rule == "expression_invalid"]
    assert item.element == "e_small_due"
    assert 'deadline("T02"' in item.message
    assert 'deadline("T02"' in item.message_en


def test_fact_of_a_decision_must_be_declared() -> None:
    files, decisions = load_folder(WORKFLOWS / "school_suspected_case", decisions_dir=WORKFLOWS / "decisions")
    page = "school_case.bpmn"
    files[page] = re.sub(rb"(<tocsin:facts>.*?)\bcertificate_filed\b", rb"\1", files[page])
    bundle, findings = read_bundle(
        files, bundle_id="school_suspected_case", decisions=decisions, known=Known(procedures=PROCEDURES)
    )
    assert bundle is None
    missing = {(item.element, item.rule) for item in findings if item.severity == ERROR}
    assert ("br_case_class", "fact_undeclared") in missing


def test_extensions_agree_with_the_published_schema() -> None:
    schema = etree.parse(WORKFLOWS / "tocsin-bpmn.xsd").getroot()
    inside = {"xs": "http://www.w3.org/2001/XMLSchema"}
    assert set(schema.xpath("xs:attribute/@name", namespaces=inside)) == set(extensions.ATTRIBUTES)
    assert set(schema.xpath("xs:element/@name", namespaces=inside)) == set(extensions.ELEMENTS)
    for name in ("input", "deadline"):
        written = schema.xpath(f"//xs:element[@name='{name}']//xs:attribute/@name", namespaces=inside)
        assert set(written) == extensions.CONTENT[name]


def test_shipped_procedures_agree_with_forms_deadlines_policies_and_facts() -> None:
    views = {view.key for view in FormLibrary.load(ROOT / "forms").views()}
    catalogue = PolicyCatalogue.load(WORKFLOWS / "policies.yaml")
    for procedure in PROCEDURES:
        files, decisions = load_folder(WORKFLOWS / procedure, decisions_dir=WORKFLOWS / "decisions")
        _bundle, findings = read_bundle(
            files,
            bundle_id=procedure,
            decisions=decisions,
            known=Known(
                procedures=PROCEDURES,
                view_exists=views.__contains__,
                facts={*INCIDENT_FACTS, *PERSON_FACTS},
                deadlines=set(load_rules(WORKFLOWS / "deadlines.yaml")),
                policies=typed(catalogue, snapshot(catalogue, "school", [])),
            ),
        )
        assert {item.rule for item in findings} <= {"page_large", "call_unknown_procedure"}, findings


def test_inputs_of_a_page_are_refused_because_it_sees_the_data_of_its_caller() -> None:
    files, decisions = load_folder(WORKFLOWS / "school_suspected_case", decisions_dir=WORKFLOWS / "decisions")
    page = "school_suspected_case.bpmn"
    call = re.search(
        rb'<bpmn:callActivity id="ca_dispatch"[^>]*>(\s*<bpmn:documentation>.*?</bpmn:documentation>)?', files[page]
    )
    assert call is not None
    given = b'<bpmn:extensionElements><tocsin:inputs><tocsin:input name="a" value="b"/></tocsin:inputs>'
    files[page] = files[page].replace(call[0], call[0] + given + b"</bpmn:extensionElements>")
    _bundle, findings = read_bundle(
        files, bundle_id="school_suspected_case", decisions=decisions, known=Known(procedures=PROCEDURES)
    )
    assert [(i.element, i.rule) for i in findings if i.severity == ERROR] == [("ca_dispatch", "extension_misplaced")]


def test_schema_finding_names_the_element() -> None:
    _bundle, findings = lint(SMALL.replace(b'sourceRef="t_small_report" ', b""))
    assert [(item.element, item.rule) for item in findings] == [("f_t_small_report_g_small_split", "bpmn_schema")]
