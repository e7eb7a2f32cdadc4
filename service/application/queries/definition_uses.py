"""What a version of a procedure needs and rests on: roles, forms, deadlines, policies, called procedures, warnings."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from service.application import definitions
from service.application.queries.reader import Reader
from service.domain.policy_words import in_words
from service.engine.differences import said_by
from service.engine.model import Bundle, Kind, Node
from service.persistence import tables as t

deployed = t.table_of(t.Definition)

_POLICY = re.compile(r"policy\(\s*[\"']([a-z0-9_]+)[\"']\s*\)")
_WORD = re.compile(r"\w+")
_PROSE = frozenset({"name", "name_en", "label", "label_en", "documentation", "note", "cite"})


@dataclass(frozen=True, slots=True)
class RoleUse:
    """A role with the number of steps it has to do."""

    id: str
    name: str
    steps: int


@dataclass(frozen=True, slots=True)
class FormUse:
    """A view of a form, and the steps that ask it."""

    form: str
    view: str
    name: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeadlineUse:
    """A deadline rule with its source."""

    id: str
    name: str
    cite: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyUse:
    """A policy with its default, the defaults of some organisation types, and its source."""

    key: str
    name: str
    value: str
    others: tuple[tuple[str, str], ...]
    cite: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallUse:
    """A call of a procedure of its own; `is_deployed` where it can be reached."""

    procedure: str
    name: str
    step: str
    is_deployed: bool


@dataclass(frozen=True, slots=True)
class Remark:
    """What the linter finds odd about a version."""

    file: str
    element: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Uses:
    """All of it."""

    roles: tuple[RoleUse, ...]
    forms: tuple[FormUse, ...]
    deadlines: tuple[DeadlineUse, ...]
    policies: tuple[PolicyUse, ...]
    calls: tuple[CallUse, ...]


def uses(reader: Reader, bundle: Bundle) -> Uses:
    """What a definition needs and rests on, each in a stable order."""
    return Uses(
        roles=tuple(_roles(reader, bundle)),
        forms=tuple(_forms(reader, bundle)),
        deadlines=tuple(_deadlines(reader, bundle)),
        policies=tuple(_policies(reader, bundle)),
        calls=tuple(_calls(reader, bundle)),
    )


def remarks(reader: Reader, procedure: str, version: int) -> tuple[Remark, ...]:
    """What the linter says of a version today, beside the procedures that are deployed now."""
    wanted = (deployed.c.procedure == procedure) & (deployed.c.version == version)
    content = reader.connection.execute(select(deployed.c.content).where(wanted)).scalar_one()
    known = definitions.ProceduresInUse(reader.connection)
    _, findings = reader.services.definitions.read(procedure, content, known_procedures=known)
    return tuple(
        Remark(each.file, each.element, each.rule, reader.pick(each.message, each.message_en)) for each in findings
    )


def _nodes(bundle: Bundle) -> Iterator[Node]:
    for page in bundle.processes.values():
        yield from page.nodes.values()


def _roles(reader: Reader, bundle: Bundle) -> Iterator[RoleUse]:
    steps = Counter(role for node in _nodes(bundle) for role in (node.role, *node.also) if role)
    lanes = (role for page in bundle.processes.values() for role in page.lanes.values())
    for role in dict.fromkeys((*lanes, *steps)):
        yield RoleUse(role, reader.label("role", role), steps[role])


def _forms(reader: Reader, bundle: Bundle) -> Iterator[FormUse]:
    found: dict[str, list[str]] = {}
    for node in _nodes(bundle):
        if reader.services.forms.has(node.form):
            found.setdefault(node.form, []).append(reader.named(node))
    for key in sorted(found):
        view = reader.services.forms.view(key)
        yield FormUse(view.form, key.partition("#")[2], view.name.of(reader.locale), tuple(dict.fromkeys(found[key])))


def _deadlines(reader: Reader, bundle: Bundle) -> Iterator[DeadlineUse]:
    words = {word for text in _texts(bundle) for word in _WORD.findall(text)}
    for rule in reader.services.deadline_rules.values():
        if rule.id in words:
            yield DeadlineUse(rule.id, rule.label(reader.locale), rule.cite)


def _policies(reader: Reader, bundle: Bundle) -> Iterator[PolicyUse]:
    named = {key for text in _texts(bundle) for key in _POLICY.findall(text)}
    rules = reader.services.deadline_rules
    named |= {key for deadline in _deadlines(reader, bundle) for key in rules[deadline.id].policies}
    for key, entry in reader.services.policies.items():
        if key in named:
            others = tuple(
                (reader.label("organisation_type", kind), in_words(entry, value, reader.locale))
                for kind, value in entry.org_defaults.items()
                if value != entry.default
            )
            value = in_words(entry, entry.default, reader.locale)
            yield PolicyUse(key, reader.pick(entry.label_zh, entry.label_en), value, others, entry.cite)


def _calls(reader: Reader, bundle: Bundle) -> Iterator[CallUse]:
    names: Mapping[str, str] = reader.procedure_names
    seen: set[str] = set()
    for node in _nodes(bundle):
        if node.kind in (Kind.CALL, Kind.OPEN) and node.called not in bundle.processes and node.called not in seen:
            seen.add(node.called)
            yield CallUse(node.called, names.get(node.called, node.called), reader.named(node), node.called in names)


def _texts(bundle: Bundle) -> Iterator[str]:
    """What a bundle says to the engine, without the prose."""
    for item in said_by(bundle):
        yield from (text for name, text in item.says.items() if name not in _PROSE)
