"""Rules about the decision tables a bundle uses: readable, complete, and reading declared facts."""

from collections.abc import Iterator, Mapping

from service.engine.decisions import Decision, DecisionError, check, load_decisions
from service.engine.known import Known
from service.engine.model import Bundle, Finding, Kind, Process
from service.engine.rules import ERROR, Both, finding


def check_decisions(bundle: Bundle, known: Known) -> Iterator[Finding]:
    """Findings about decision tables; gaps are judged only where the policy values are known."""
    tables: dict[str, Decision] = {}
    for identifier, source in bundle.decisions.items():
        file = f"{identifier}.dmn"
        try:
            read = load_decisions(source)
        except DecisionError as error:
            detail = Both(error.zh, error.en)
            yield finding("decision_invalid", file, error.element or error.decision or identifier, detail=detail)
            continue
        if identifier not in read:
            yield finding("decision_unknown", file, identifier, name=identifier)
        tables.update(read)
        yield from _check_tables(file, read, known)
    for process in bundle.processes.values():
        yield from _check_facts(process, tables)


def _check_tables(file: str, tables: Mapping[str, Decision], known: Known) -> Iterator[Finding]:
    policies = known.policies if isinstance(known.policies, Mapping) else None
    for table in tables.values():
        for found in check(table, policies, file):
            if policies is not None or found.severity == ERROR:
                yield finding(found.rule, file, found.element, detail=Both(found.message, found.message_en))


def _check_facts(process: Process, tables: Mapping[str, Decision]) -> Iterator[Finding]:
    for node in process.nodes.values():
        if node.kind is Kind.RULE and node.decision in tables:
            for fact in sorted(_facts(node.decision, tables) - set(process.facts)):
                yield finding("fact_undeclared", process.file, node.id, name=fact)


def _facts(identifier: str, tables: Mapping[str, Decision]) -> set[str]:
    """Facts read by a decision and all decisions it requires."""
    facts: set[str] = set()
    pending, seen = [identifier], {identifier}
    while pending:
        table = tables[pending.pop()]
        facts.update(*(clause.expression.facts for clause in table.inputs))
        for rule in table.rules:
            facts.update(*(cell.facts for cell in (*rule.tests, *rule.results) if cell is not None))
        needed = [name for name in table.requires if name in tables and name not in seen]
        seen.update(needed)
        pending.extend(needed)
    return facts
