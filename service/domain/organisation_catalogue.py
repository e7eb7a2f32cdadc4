"""What organisations and roles there are: types, chains of command, working groups, who may start and close what.

The catalogue is a file (`workflows/organisations.yaml`) that cites its sources; nothing of it is known to code but
the two roles the system itself rests on (administrator, trainer).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from service.domain.access import ADMINISTRATOR, TRAINER

ANYWHERE = "*"
TOP = ""


@dataclass(frozen=True, slots=True)
class Named:
    """Something with an id and its names. `is_inferred`: no source states it."""

    id: str
    zh: str
    en: str
    cite: tuple[str, ...]
    is_inferred: bool

    def name(self, locale: str) -> str:
        """The name in a locale."""
        return self.en if locale.startswith("en") else self.zh


N = TypeVar("N", bound=Named)


@dataclass(frozen=True, slots=True)
class OrganisationType(Named):
    """A type of organisation; `superiors` are types it may stand below, "" = it may stand at the top."""

    superiors: tuple[str, ...]
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line(Named):
    """A chain of command, from the top down."""

    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Body(Named):
    """A command body with the working groups an organisation of a type usually has: (id, zh, en)."""

    types: tuple[str, ...]
    groups: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Role(Named):
    """A role: where it is held (`*` everywhere), its duty in both languages, and what it carries."""

    types: tuple[str, ...]
    duty_zh: str
    duty_en: str
    may_start: bool
    may_close: bool
    leads: bool
    oversees: bool
    is_outside: bool

    def duty(self, locale: str) -> str:
        """What the role is for."""
        return self.duty_en if locale.startswith("en") else self.duty_zh

    def fits(self, organisation_type: str) -> bool:
        """Whether the role belongs into an organisation of a type."""
        return organisation_type in self.types or ANYWHERE in self.types


@dataclass(frozen=True, slots=True)
class Act(Named):
    """Something only some may start or close; carried by steps of diagrams, a right, or the sender of a message."""

    who: frozenset[str]
    elements: tuple[str, ...]
    right: str
    message: str

    def allows(self, role: str) -> bool:
        """Whether a role may do it."""
        return role in self.who or ANYWHERE in self.who


@dataclass(frozen=True, slots=True)
class OrganisationCatalogue:
    """All of it, by id."""

    types: Mapping[str, OrganisationType]
    lines: tuple[Line, ...]
    bodies: tuple[Body, ...]
    roles: Mapping[str, Role]
    acts: Mapping[str, Act]

    @classmethod
    def load(cls, path: Path) -> "OrganisationCatalogue":
        """Read a catalogue file and check every entry. Raises ValueError where it breaks its own rules."""
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        made = cls(
            types=_by_id(_type(each) for each in data["types"]),
            lines=tuple(Line(**_named(each), chain=tuple(each["chain"])) for each in data["lines"]),
            bodies=tuple(_body(each) for each in data["bodies"]),
            roles=_by_id(_role(each) for each in data["roles"]),
            acts=_by_id(_act(each) for each in data["acts"]),
        )
        _check(made)
        return made

    @property
    def leaders(self) -> frozenset[str]:
        """Roles that lead an organisation."""
        return frozenset(role.id for role in self.roles.values() if role.leads)

    @property
    def overseers(self) -> frozenset[str]:
        """Roles that see the organisations below their own."""
        return frozenset(role.id for role in self.roles.values() if role.oversees)

    @property
    def outside_parties(self) -> frozenset[str]:
        """Roles that speak for a party outside."""
        return frozenset(role.id for role in self.roles.values() if role.is_outside)

    def roles_of(self, organisation_type: str) -> tuple[Role, ...]:
        """Roles an organisation of a type has, in the order of the file."""
        return tuple(role for role in self.roles.values() if role.fits(organisation_type))

    def groups_of(self, organisation_type: str) -> tuple[tuple[str, str, str], ...]:
        """Working groups an organisation of a type usually has."""
        return tuple(group for body in self.bodies if organisation_type in body.types for group in body.groups)

    def may_stand_below(self, organisation_type: str, superior_type: str) -> bool:
        """Whether an organisation of a type may have a superior of another; "" = none."""
        kind = self.types.get(organisation_type)
        return kind is not None and superior_type in kind.superiors


def _by_id(entries: Iterable[N]) -> dict[str, N]:
    found: dict[str, N] = {}
    for each in entries:
        if each.id in found:
            msg = f"{each.id} stands twice in the catalogue"
            raise ValueError(msg)
        found[each.id] = each
    return found


def _named(item: Mapping[str, Any]) -> dict[str, Any]:
    cite, is_inferred = tuple(item["cite"]), bool(item.get("inferred", False))
    if not (item["zh"] and item["en"] and (cite or is_inferred)):
        msg = f"{item['id']}: names in both languages, and a source or `inferred`"
        raise ValueError(msg)
    return {"id": item["id"], "zh": item["zh"], "en": item["en"], "cite": cite, "is_inferred": is_inferred}


def _type(item: Mapping[str, Any]) -> OrganisationType:
    return OrganisationType(**_named(item), superiors=tuple(item["superiors"]), uses=tuple(item["uses"]))


def _body(item: Mapping[str, Any]) -> Body:
    groups = tuple((each["id"], each["zh"], each["en"]) for each in item["groups"])
    return Body(**_named(item), types=tuple(item["types"]), groups=groups)


def _role(item: Mapping[str, Any]) -> Role:
    flags = {name: bool(item.get(name, False)) for name in ("start", "close", "leads", "oversees", "outside")}
    return Role(
        **_named(item), types=tuple(item["types"]), duty_zh=item["duty"]["zh"], duty_en=item["duty"]["en"],
        may_start=flags["start"], may_close=flags["close"], leads=flags["leads"], oversees=flags["oversees"],
        is_outside=flags["outside"],
    )  # fmt: skip


def _act(item: Mapping[str, Any]) -> Act:
    return Act(
        **_named(item), who=frozenset(item["who"]), elements=tuple(item["elements"]), right=item.get("right", ""),
        message=item.get("message", ""),
    )  # fmt: skip


def _check(made: OrganisationCatalogue) -> None:
    """What the entries say of each other must exist."""
    types = {ANYWHERE, TOP, *made.types}
    named = {
        "a superior": {each for kind in made.types.values() for each in kind.superiors} - types,
        "a chain": {each for line in made.lines for each in line.chain} - types,
        "a body": {each for body in made.bodies for each in body.types} - types,
        "a role": {each for role in made.roles.values() for each in role.types} - types,
        "an act": {each for act in made.acts.values() for each in act.who} - {ANYWHERE, *made.roles},
        "the system": {ADMINISTRATOR, TRAINER} - set(made.roles),
    }
    unknown = [f"{who} names {sorted(ids)}" for who, ids in named.items() if ids]
    if unknown:
        msg = f"organisation catalogue: {'; '.join(unknown)}"
        raise ValueError(msg)
