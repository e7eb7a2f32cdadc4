"""Names across instances: what a call gives and takes, what tables and forms give, and how a finding tells the way."""

from itertools import pairwise

from service.domain.forms import FormLibrary
from service.engine import runner
from service.engine.decisions import load_decisions
from service.engine.intake import declared_needs, read_bundle
from service.engine.known import Known
from service.engine.model import Bundle, DeadlineMark, Finding, Kind, Node, Process, Trigger
from service.engine.rules_names import check_names
from service.settings import Settings
from tests.unit.engine.building import Driver, assembled, page, user

FORMS = FormLibrary.load(Settings().forms_dir)
TABLES = Settings().workflows_dir / "decisions"
KNOWN = Known(certain_fields=FORMS.certain_fields, fact_decisions={"D03"})


def found(*pages: Process, known: Known = KNOWN, decisions: dict[str, str] | None = None) -> list[tuple[str, str]]:
    bundle = Bundle(pages[0].id, "0", pages[0].id, {each.id: each for each in pages}, decisions or {}, {})
    return [(each.rule, each.element) for each in check_names(bundle, known)]


def script(id_: str, text: str) -> Node:
    return Node(id_, Kind.SCRIPT, script=text)


def straight(*nodes: Node, **values: object) -> Process:
    """A page of nodes one after the other between a start and an end."""
    inside = [Node("s", Kind.START), *nodes, Node("e", Kind.END)]
    flows = [f"{a.id} {b.id}" for a, b in pairwise(inside)]
    return page("p", inside, flows, **values)


# --- calls ----------------------------------------------------------------------------------------


def test_a_declared_output_the_child_did_not_give_is_null() -> None:
    call = Node("c", Kind.CALL, called="other", outputs=("given_by_child", "left_out"))
    made = straight(call, script("x", "k = [given_by_child, left_out]"))
    assert found(made) == []
    driver = Driver(assembled(made))
    [tid] = driver.waits("c")
    driver.settle(
        runner.child_ended(driver.instance, driver.context(), tid, item="", result={"given_by_child": 1}, error="")
    )
    assert driver.result["k"] == [1, None]


def test_an_output_that_was_there_before_stays_when_the_child_gives_none() -> None:
    call = Node("c", Kind.CALL, called="other", outputs=("n",))
    driver = Driver(assembled(straight(call)), inputs={"n": 5})
    [tid] = driver.waits("c")
    driver.settle(runner.child_ended(driver.instance, driver.context(), tid, item="", result={}, error=""))
    assert driver.result["n"] == 5


def test_a_call_gives_what_the_procedure_needs() -> None:
    call = Node("c", Kind.CALL, called="other", inputs={"n": "1"})
    assert found(straight(call), known=Known(procedures={"other": ("n",)})) == []
    assert found(straight(call), known=Known(procedures={"other": ("n", "m")})) == [("input_missing", "c")]
    assert found(straight(call), known=Known(procedures={"other"})) == []


def test_the_children_of_a_collection_begin_with_what_their_call_gives() -> None:
    cases = Node("c", Kind.OPEN, called="q", collection="cases", inputs={"n": "=item"})
    inside = [Node("qs", Kind.START), script("x", "k = [n, person]"), Node("qe", Kind.END)]
    child = page("q", inside, ["qs x", "x qe"])
    assert found(straight(cases), child) == []
    without = Node("c", Kind.OPEN, called="q", collection="cases")
    assert found(straight(without), child) == [("name_undeclared", "x")]


def test_what_a_process_needs_is_there_when_it_begins() -> None:
    assert found(straight(script("x", "k = n"), needs=("n",))) == []
    assert found(straight(script("x", "k = n"))) == [("name_undeclared", "x")]
    disinfection = Settings().workflows_dir / "terminal_disinfection" / "terminal_disinfection.bpmn"
    assert declared_needs(disinfection.read_bytes()) == ("scope",)
    assert declared_needs(b"<broken") == ()


# --- forms and tables -----------------------------------------------------------------------------


def test_a_form_gives_what_it_always_asks_and_no_more() -> None:
    assert "found_at" in FORMS.view("F01#quick").certain  # a default of its own: now
    assert "temperature" not in FORMS.view("F01#quick").certain
    assert FORMS.view("F12#initial").certain == {"other_org"}  # of a list only whether any row says it
    depart = user("t", form="F05#depart")
    assert found(straight(depart, script("x", "k = F05.depart_at"))) == []
    assert found(straight(depart, script("x", "k = F05.arrive_at"))) == [("name_missing", "x")]
    assert found(straight(depart, script("x", "k = F05.arrive_at if given(F05.arrive_at) else null"))) == []
    assert found(straight(script("x", "k = F05.depart_at"), depart)) == [("name_missing", "x")]


def test_a_mark_on_entering_comes_before_the_answer_and_one_on_completing_after_it() -> None:
    def task(moment: str, act: str = "start") -> Node:
        return user("t", form="F05#depart", deadlines=(DeadlineMark("X06", act, moment, start="=F05.depart_at"),))

    assert found(straight(task("complete"))) == []
    assert found(straight(task("enter"))) == [("name_missing", "t")]
    bound = user("t", form="F05#depart", deadlines=(DeadlineMark("X06", "bind", "enter", subject="=F05.depart_at"),))
    assert found(straight(bound)) == [("name_missing", "t")]


def test_the_condition_of_a_mark_guards_what_it_reads() -> None:
    mark = DeadlineMark("X06", "start", "complete", start="=F05.arrive_at", when="given(F05.arrive_at)")
    assert found(straight(user("t", form="F05#depart", deadlines=(mark,)))) == []


def test_a_decision_gives_its_results_and_nothing_else() -> None:
    tables = {"D13": (TABLES / "D13.dmn").read_text("utf-8")}
    names = load_decisions(tables["D13"])["D13"].outputs
    rule = Node("r", Kind.RULE, decision="D13")
    needed = {"needs": ("order", "ordered_adjust")}
    read = " + ".join(f"D13.{each.name}" for each in names)
    assert found(straight(rule, script("x", f"k = [{read.replace(' + ', ', ')}]"), **needed), decisions=tables) == []
    assert found(straight(rule, script("x", "k = D13.bassis"), **needed), decisions=tables) == [
        ("name_undeclared", "x")
    ]
    assert ("name_undeclared", "r") in found(straight(rule), decisions=tables)  # the table itself reads ordered_adjust


def test_a_decision_that_is_a_fact_gives_no_process_data() -> None:
    tables = {"D03": (TABLES / "D03.dmn").read_text("utf-8")}
    name = load_decisions(tables["D03"])["D03"].outputs[0].name
    made = straight(Node("r", Kind.RULE, decision="D03"), script("x", f"k = D03.{name}"))
    assert ("name_undeclared", "x") in found(made, decisions=tables)


def test_an_offered_action_is_judged_by_what_the_instance_began_with() -> None:
    offered = Node("m", Kind.CATCH, Trigger.MESSAGE, message="hello", listed="n > 0", form="F00#done")
    assert found(straight(script("x", "n = 1"), offered)) == [("name_not_input", "m")]
    assert found(straight(offered, needs=("n",))) == []


# --- telling --------------------------------------------------------------------------------------


def test_a_finding_tells_the_shortest_way_without_the_name() -> None:
    flows = ["s g", "g a = given(c)", "g m", "a m", "m u", "u b", "b e"]
    nodes = [
        Node("s", Kind.START), Node("g", Kind.XOR, default_flow="g-m"), script("a", "n = 1"), Node("m", Kind.XOR),
        user("u"), script("b", "k = n"), Node("e", Kind.END),
    ]  # fmt: skip
    bundle = Bundle("p", "0", "p", {"p": page("p", nodes, flows, file="p.bpmn")}, {}, {})
    [told] = check_names(bundle, Known())
    assert (told.rule, told.element, told.path) == ("name_missing", "b", ("s", "g", "m", "u", "b"))
    assert "s → g → m → u → b" in told.message


def test_inside_a_sub_process_the_way_begins_outside() -> None:
    nodes = [
        Node("s", Kind.START), Node("sub", Kind.SUBPROCESS), Node("is", Kind.START, parent="sub"),
        Node("x", Kind.SCRIPT, script="k = n", parent="sub"), Node("ie", Kind.END, parent="sub"), script("a", "n = 1"),
        Node("e", Kind.END),
    ]  # fmt: skip
    bundle = Bundle("p", "0", "p", {"p": page("p", nodes, ["s sub", "is x", "x ie", "sub a", "a e"])}, {}, {})
    [told] = check_names(bundle, Known())
    assert told.path == ("s", "sub", "is", "x")


def test_every_shipped_procedure_passes_beside_the_others() -> None:
    root = Settings().workflows_dir
    folders = [path for path in sorted(root.iterdir()) if any(path.glob("*.bpmn"))]
    known = Known(
        procedures={path.name: declared_needs((path / f"{path.name}.bpmn").read_bytes()) for path in folders},
        certain_fields=FORMS.certain_fields, fact_decisions={"D03", "D04", "D06", "D07", "D23"},
    )  # fmt: skip
    decisions = {path.stem: path.read_text("utf-8") for path in (root / "decisions").glob("*.dmn")}
    names = {"name_missing", "name_undeclared", "name_not_input", "input_missing"}
    told: list[Finding] = []
    for folder in folders:
        files = {path.name: path.read_bytes() for path in folder.glob("*.bpmn")}
        told += read_bundle(files, bundle_id=folder.name, decisions=decisions, known=known)[1]
    assert [each for each in told if each.rule in names] == []
