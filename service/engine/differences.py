"""What changed between two versions of a bundle: pages, steps, flows, lanes and decision rows, by their stable ids.

Everything a bundle says is a flat list of items with texts; two lists are compared item by item.
Drawing is left out: a diagram that was only laid out anew has no difference.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from service.engine.decision_tables import Decision, InputClause, OutputClause
from service.engine.decisions import load_decisions
from service.engine.model import Bundle, Flow, Node, Process

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
WHOLE = ("page", "decision")  # what is new or gone as a whole is not listed part by part

# Where a thing stands and how it is called in the code is no difference of its own.
_NODE = tuple(each.name for each in fields(Node) if each.name not in ("id", "lane", "parent"))
_FLOW = tuple(each.name for each in fields(Flow) if each.name != "id")
_PAGE = ("name", "name_en", "pool", "facts", "needs")
_TABLE = ("name", "name_en", "hit_policy", "aggregation", "requires", "cite", "note")
_COLUMN = ("label", "label_en", "expression", "type", "allowed")


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing that reads differently; "" for nothing. `name` is a field of the model, or the id of a column."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something a bundle says. `what` is page, node, flow, lane, decision, column or row; `place` its page or table.

    `kind` is the kind of a node. The name of a row is its number.
    """

    what: str
    place: str
    id: str
    name: str
    name_en: str
    says: Mapping[str, str]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: added, removed or changed; `item` is that of the newer version where it has one."""

    how: str
    item: Item
    aspects: tuple[Aspect, ...]


def differences(before: Bundle, after: Bundle) -> tuple[Change, ...]:
    """All changes: what is new or differs in the order of the newer version, then what is gone."""
    old = {(item.what, item.place, item.id): item for item in said_by(before)}
    new = {(item.what, item.place, item.id): item for item in said_by(after)}
    found = [_change(old.get(key), new[key]) for key in new]
    found += [Change(REMOVED, item, ()) for key, item in old.items() if key not in new]
    whole = {
        change.item.id for change in found if change is not None and change.how != CHANGED and change.item.what in WHOLE
    }
    return tuple(
        change
        for change in found
        if change is not None and (change.item.what in WHOLE or change.item.place not in whole)
    )


def _change(old: Item | None, new: Item) -> Change | None:
    if old is None:
        return Change(ADDED, new, ())
    names = [name for name in {**old.says, **new.says} if old.says.get(name, "") != new.says.get(name, "")]
    aspects = tuple(Aspect(name, old.says.get(name, ""), new.says.get(name, "")) for name in names)
    return Change(CHANGED, new, aspects) if aspects else None


# --- what a bundle says -----------------------------------------------------------------------


def said_by(bundle: Bundle) -> Iterator[Item]:
    """Everything a bundle says, page by page, then table by table."""
    for page in bundle.processes.values():
        yield from _page(page)
    for source in bundle.decisions.values():
        for table in load_decisions(source).values():
            yield from _table(table)


def _page(page: Process) -> Iterator[Item]:
    yield Item("page", page.id, page.id, page.name, page.name_en, _said(page, _PAGE))
    for role in dict.fromkeys(page.lanes.values()):
        yield Item("lane", page.id, role, "", "", {})
    for node in page.nodes.values():
        yield Item("node", page.id, node.id, node.name, node.name_en, _said(node, _NODE), node.kind.value)
    for flow in page.flows.values():
        yield Item("flow", page.id, flow.id, flow.name, flow.name_en, _said(flow, _FLOW))


def _table(table: Decision) -> Iterator[Item]:
    yield Item("decision", table.id, table.id, table.name, table.name_en, _said(table, _TABLE))
    clauses: tuple[InputClause | OutputClause, ...] = (*table.inputs, *table.outputs)
    for clause in clauses:
        yield Item("column", table.id, clause.id, clause.label, clause.label_en, _said(clause, _COLUMN))
    for number, rule in enumerate(table.rules, 1):
        cells = {
            clause.id: cell.text if cell else "–"
            for clause, cell in zip(clauses, (*rule.tests, *rule.results), strict=True)
        }
        says = {**cells, "cite": rule.cite, "note": rule.note}
        yield Item("row", table.id, rule.id, str(number), str(number), says)


def _said(thing: object, names: Iterable[str]) -> dict[str, str]:
    return {name: _text(getattr(thing, name, "")) for name in names}


def _text(value: Any) -> str:
    """A value of the model as one line; "" for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if is_dataclass(value):
        parts = {each.name: getattr(value, each.name) for each in fields(value)}
        return str(parts["text"]) if "text" in parts else _text({key: part for key, part in parts.items() if part})
    return str(value)
