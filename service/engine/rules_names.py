"""Rules about names of process data: each one is given before it is read, on every path that leads there."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from service.engine.decisions import Decision, DecisionError, load_decisions
from service.engine.expression_reads import NOTHING, Names, has, reads
from service.engine.expressions import Expression, ExpressionError, compile_expression
from service.engine.known import Known
from service.engine.model import Bundle, DeadlineMark, Finding, Kind, Node, Process
from service.engine.name_flow import COUNTERS, NameFlow, own_names, seen_between_turns
from service.engine.rules import finding
from service.engine.rules_expressions import RECORD, script_lines
from service.engine.soundness import shown_path

_ASKING: Final = frozenset({Kind.USER, Kind.MANUAL, Kind.RECEIVE, Kind.CATCH, Kind.BOUNDARY})
_ITEM: Final = frozenset({"item"})


@dataclass(frozen=True, slots=True)
class _Read:
    """An expression on an element of a node, and the names that are sure when it is computed."""

    node: str
    element: str
    text: str
    names: Names
    is_inputs_only: bool = False


def check_names(bundle: Bundle, known: Known) -> Iterator[Finding]:
    """Findings about names that no step gives, or not on every path, and inputs a call leaves out."""
    tables = _tables(bundle)
    begins = _begins(bundle, known)
    gives = partial(_gives, tables=tables, known=known)
    flow = NameFlow(bundle, begins, gives).spread()
    nodes = [node for process in bundle.processes.values() for node in process.nodes.values()]
    somewhere = frozenset().union(*begins.values(), *(gives(node) | _of_turns(node) for node in nodes))
    seen: set[tuple[str, str]] = set()
    for process in bundle.processes.values():
        yield from _check_calls(process, bundle, known)
        for read in _reads(process, flow, tables, begins):
            for name in sorted(_missing(read)):
                if (read.element, name) not in seen:
                    seen.add((read.element, name))
                    yield _told(process, flow, read, name, is_given=has(somewhere, name))


def _told(process: Process, flow: NameFlow, read: _Read, name: str, *, is_given: bool) -> Finding:
    if not is_given and not RECORD.match(name):
        return finding("name_undeclared", process.file, read.element, name=name)
    if read.is_inputs_only:
        return finding("name_not_input", process.file, read.element, name=name)
    path = flow.way_without(read.node, lambda names: not has(names, name))
    made = finding("name_missing", process.file, read.element, name=name, path=shown_path(path))
    return replace(made, path=path)


def _missing(read: _Read) -> Names:
    try:
        return reads(compile_expression(read.text).tree, read.names).missing
    except ExpressionError:
        return NOTHING  # a finding of its own


# --- what is given --------------------------------------------------------------------------------


def _begins(bundle: Bundle, known: Known) -> dict[str, Names]:
    """The names an instance of each process begins with: what it needs from outside, or what its calls give."""
    outside = frozenset(known.names)
    inlined, given = set[str](), dict[str, list[Names]]()
    for page in bundle.processes.values():
        for node in page.nodes.values():
            if node.kind is Kind.INLINE:
                inlined.add(node.called)
            elif node.kind is Kind.OPEN:
                given.setdefault(node.called, []).append(frozenset(node.inputs) | {"person"})
    begins = {}
    for page in bundle.processes.values():
        if page.id == bundle.entry or page.id in given or page.id not in inlined:
            ways = [] if page.id == bundle.entry else given.get(page.id, [])
            begins[page.id] = frozenset(page.needs) | outside | (frozenset.intersection(*ways) if ways else NOTHING)
    return begins


def _gives(node: Node, *, tables: Mapping[str, Decision], known: Known) -> Names:
    """What a node adds to process data."""
    names = set(node.outputs) | {name for _number, name, _text in script_lines(node.script) if name}
    if node.kind is Kind.RULE and not node.each and node.decision not in known.fact_decisions:
        names |= _outcome(node.decision, tables)
    is_asked = node.kind in _ASKING or (node.kind is Kind.SEND and _opens_task(node)) or node.kind is Kind.START
    if node.form and is_asked and (node.kind is not Kind.START or node.parent):
        form = node.form.partition("#")[0]
        certain = known.certain_fields(node.form) if known.certain_fields else None
        names |= {form} if certain is None else {f"{form}.", *(f"{form}.{key}" for key in certain)}
    return frozenset(names)


def _of_turns(node: Node) -> Names:
    """Names that stand in the turns of an activity only, or are what they leave."""
    repeat = node.repeat
    return frozenset({repeat.item, repeat.output, repeat.output_item, *COUNTERS} - {""}) if repeat else NOTHING


def _opens_task(node: Node) -> bool:
    return node.channel != "auto" and not node.channel.startswith("=")


def _outcome(decision: str, tables: Mapping[str, Decision]) -> set[str]:
    table = tables.get(decision)
    if table is None:
        return {decision}
    return {f"{decision}.", *(f"{decision}.{clause.name}" for clause in table.outputs)}


def _tables(bundle: Bundle) -> dict[str, Decision]:
    tables: dict[str, Decision] = {}
    for source in bundle.decisions.values():
        try:
            tables.update(load_decisions(source))
        except DecisionError:
            continue  # a finding of its own
    return tables


# --- what is read ---------------------------------------------------------------------------------


def _reads(
    process: Process, flow: NameFlow, tables: Mapping[str, Decision], begins: Mapping[str, Names]
) -> Iterator[_Read]:
    for node in process.nodes.values():
        before = flow.before.get(node.id)
        if before is None:
            continue
        read = partial(_Read, node.id)
        for text, names in _node_reads(process, node, flow, before):
            yield read(node.id, text, names)
        yield from _decision_reads(node, tables, before)
        if node.listed:
            yield read(node.id, node.listed, _inputs(process, flow, begins), is_inputs_only=True)
        after = flow.after.get(node.id)
        if after is not None:
            for each, names in flow.conditions(node, after):
                yield read(each.id, each.condition or "", names)
            for text, names in _mark_reads(node, "complete", after):
                yield read(node.id, text, names)


def _node_reads(process: Process, node: Node, flow: NameFlow, before: Names) -> Iterator[tuple[str, Names]]:
    if node.condition:
        yield node.condition, before
    for text in (node.timer, node.channel):
        if text.startswith("="):
            yield text[1:], before
    yield from _mark_reads(node, "enter", before)
    with_item = before | _ITEM if node.kind is Kind.OPEN or (node.each and node.kind is not Kind.RULE) else before
    for text in node.inputs.values():
        if text.startswith("="):
            yield text[1:], with_item
    if node.completion:
        yield node.completion, before
    yield from _repeat_reads(process, node, flow, before)
    names = before | own_names(node)
    for _number, name, text in script_lines(node.script):
        if name:
            yield text, names
            names |= {name}


def _repeat_reads(process: Process, node: Node, flow: NameFlow, before: Names) -> Iterator[tuple[str, Names]]:
    if node.repeat is None:
        return
    repeat = node.repeat
    for text in (repeat.collection, repeat.limit.removeprefix("=")):
        if text and not text.isdecimal():
            yield text, before
    loop, completion = seen_between_turns(flow, process, node)
    if repeat.condition:
        yield repeat.condition, loop
    if repeat.completion:
        yield repeat.completion, completion


def _mark_reads(node: Node, moment: str, names: Names) -> Iterator[tuple[str, Names]]:
    for mark in node.deadlines:
        if mark.act == "bind" and moment == "enter":
            yield from _of_mark(mark, names)
        elif mark.act != "bind" and mark.on == moment:
            held = names
            if mark.when:
                when = mark.when.removeprefix("=")
                yield when, names
                held = names | _holding(when, names)
            yield from _of_mark(mark, held)


def _of_mark(mark: DeadlineMark, names: Names) -> Iterator[tuple[str, Names]]:
    for text in (mark.rule, mark.subject, mark.start if mark.act == "start" else ""):
        if text.startswith("="):
            yield text[1:], names


def _holding(text: str, names: Names) -> Names:
    try:
        return reads(compile_expression(text).tree, names).if_true
    except ExpressionError:
        return NOTHING


def _inputs(process: Process, flow: NameFlow, begins: Mapping[str, Names]) -> Names:
    """What every instance that may be on a page began with: all that an offered action is judged by."""
    pages, pending = {process.id}, [process.id]
    while pending:
        page = pending.pop()
        for other in flow.bundle.processes.values():
            calls = any(each.kind is Kind.INLINE and each.called == page for each in other.nodes.values())
            if calls and other.id not in pages:
                pages.add(other.id)
                pending.append(other.id)
    known = [begins[page] for page in pages if page in begins]
    return frozenset.intersection(*known) if known else NOTHING


def _decision_reads(node: Node, tables: Mapping[str, Decision], before: Names) -> Iterator[_Read]:
    """What a table reads of process data; a field of a form that is missing is empty there, and harms nothing."""
    if node.kind is not Kind.RULE or node.decision not in tables:
        return
    names = before | frozenset(node.inputs) | (frozenset({"person", "item"}) if node.each else NOTHING)
    for expression, own in _cells(node.decision, tables, set()):
        records = {name for name in expression.names if RECORD.match(name) and "." in name}
        yield _Read(node.id, node.id, expression.text, names | own | records)


def _cells(identifier: str, tables: Mapping[str, Decision], seen: set[str]) -> Iterator[tuple[Expression, Names]]:
    """Every expression of a table and of those it requires, with the names the table itself gives to it."""
    if identifier in seen or identifier not in tables:
        return
    seen.add(identifier)
    table = tables[identifier]
    required = frozenset().union(*(_outcome(each, tables) for each in table.requires))
    for clause in table.inputs:
        yield clause.expression, required
    for rule in table.rules:
        for test in filter(None, rule.tests):
            yield test, required | {"value"}
        for result in filter(None, rule.results):
            yield result, required
    for default in filter(None, (clause.default for clause in table.outputs)):
        yield default, required
    for each in table.requires:
        yield from _cells(each, tables, seen)


# --- calls ----------------------------------------------------------------------------------------


def _check_calls(process: Process, bundle: Bundle, known: Known) -> Iterator[Finding]:
    """A call, or a message that begins a procedure, gives what is needed there."""
    for node in process.nodes.values():
        if node.kind not in {Kind.CALL, Kind.OPEN} or not node.called:
            continue
        page = bundle.processes.get(node.called)
        needs: Collection[str] = page.needs if page else _needs(known, node.called)
        given = {*node.inputs, *(("person",) if node.kind is Kind.OPEN else ())}
        for name in sorted(set(needs) - given):
            yield finding("input_missing", process.file, node.id, name=name, called=node.called)


def _needs(known: Known, procedure: str) -> Collection[str]:
    found = known.procedures.get(procedure, ()) if isinstance(known.procedures, Mapping) else ()
    return tuple(found)
