"""The demo district: organisations, places, invented people and the accounts to try Tocsin with."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from service.application import accounts, organisations
from service.persistence.unit_of_work import UnitOfWork

SOURCE = Path(__file__).with_name("organisations.yaml")
PASSWORD = "demo"  # noqa: S105 - made known on purpose; these accounts exist only in the demo


def load_people(uow: UnitOfWork, password_hash: str) -> bool:
    """Create the demo district; False, and nothing done, where it is there already.

    `password_hash` is `accounts.hash_any_password(PASSWORD)`, made beforehand: hashing is too slow for
    the writer's thread, and one hash does for all the demo accounts.
    """
    plan: dict[str, Any] = yaml.safe_load(SOURCE.read_text("utf-8"))
    present = {each.id for each in organisations.organisations(uow.connection)}
    if present & {each["id"] for each in plan["organisations"]}:
        return False
    for each in plan["organisations"]:
        organisations.add_organisation(uow, _organisation(each))
    account_ids = {each["username"]: _add_account(uow, each, password_hash) for each in plan["accounts"]}
    for each in plan["places"]:
        _add_place(uow, each, account_ids)
    for number, each in enumerate(plan["adults"], start=1):
        _add_adult(uow, each, number)
    return True


def usernames() -> list[str]:
    """User names of the demo accounts, in the order they are shown."""
    plan: dict[str, Any] = yaml.safe_load(SOURCE.read_text("utf-8"))
    return [each["username"] for each in plan["accounts"]]


def _organisation(row: Mapping[str, Any]) -> organisations.OrganisationView:
    return organisations.OrganisationView(row["id"], row["name"], row["name_en"], row["type"], row.get("parent"))


def _add_account(uow: UnitOfWork, row: Mapping[str, Any], password_hash: str) -> str:
    held = [(organisation_id, role) for organisation_id, roles in row["roles"].items() for role in roles]
    return accounts.create_account(uow, accounts.NewAccount(row["username"], row["name"], password_hash, held))


def _add_place(uow: UnitOfWork, row: Mapping[str, Any], account_ids: Mapping[str, str]) -> None:
    place = organisations.PlaceView(
        id=row["id"],
        organisation_id=row["organisation"],
        name=row["name"],
        kind=row["kind"],
        positions_fixed=row.get("positions_fixed", False),
        lead_account_id=account_ids.get(row.get("lead", "")),
    )
    organisations.add_place(uow, place)
    for number, (name, seat_no) in enumerate(_seated(row), start=1):
        values = _pupil(name, place, row["age"], number)
        organisations.add_member(
            uow, organisations.NewMember(place.organisation_id, "student", values, place.id, seat_no)
        )


def _seated(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for depth, names in enumerate(row.get("rows", []), start=1):
        for column, name in enumerate(names, start=1):
            yield name, f"{depth}-{column}"
    for name in row.get("people", []):
        yield name, ""


def _pupil(name: str, place: organisations.PlaceView, age: int, number: int) -> dict[str, Any]:
    return {
        "name": name,
        "sex": "女" if number % 2 else "男",
        "age": age,
        "org_unit": place.name,
        "guardian_name": f"{name}的家长",
        "guardian_phone": _telephone(place.id, number),
    }


def _add_adult(uow: UnitOfWork, row: Mapping[str, Any], number: int) -> None:
    values = {
        "name": row["name"],
        "sex": "女" if number % 2 else "男",
        "age": 40,
        "phone": _telephone(row["organisation"], number),
    }
    organisations.add_member(uow, organisations.NewMember(row["organisation"], row["type"], values))


def _telephone(seed: str, number: int) -> str:
    """A land line number that cannot exist: area code 0000; of the shape that forms accept."""
    return f"0000-{sum(map(ord, seed)) % 8000 + 2000}{number:03}"
