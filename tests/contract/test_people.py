"""People, contacts, places and sheets over the API; names and classes within the caller's rights."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.contract.product import Product
from tests.paths import tracing, variants
from tests.paths.world import World, at
from tests.web.site import with_passwords

OFFICE = "coordinator"


@contextmanager
def tracing_begun(folder: Path) -> Iterator[World]:
    """A confirmed case; the office is about to list the contacts."""
    made = World(folder, at("08:10"))
    with_passwords(made)
    variants.confirmed(made)
    tracing.history(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The list is not made yet."""
    with tracing_begun(tmp_path_factory.mktemp("listing")) as made:
        yield made


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The four neighbours are on the initial list."""
    with tracing_begun(tmp_path_factory.mktemp("listed")) as made:
        tracing.initial(made, [tracing.contact(made, name) for name in tracing.NEIGHBOURS])
        yield made


@pytest.fixture
def desk(listing: World) -> Product:
    """The API of the first world."""
    return Product(listing.app, listing.clock)


@pytest.fixture
def product(listed: World) -> Product:
    """The API of the second."""
    return Product(listed.app, listed.clock)


@pytest.fixture
def sheet(listing: World, desk: Product) -> bytes:
    """The list as a workbook, before anything was entered."""
    answer = desk.call("GET", f"/tasks/{task_of(listing)}/sheet", who=OFFICE)
    assert answer.status_code == 200
    return answer.content


def task_of(world: World) -> str:
    return world.open_tasks()["t_list_contacts"][0]


def items(product: Product, path: str, who: str = OFFICE) -> list[dict[str, Any]]:
    answer = product.call("GET", path, who=who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_sheet_goes_out_and_is_read_without_storing_anything(listing: World, desk: Product, sheet: bytes) -> None:
    rows = list(load_workbook(BytesIO(sheet)).worksheets[0].iter_rows(values_only=True))
    assert len(rows) == 30
    before = len(listing.events())
    answer = desk.call("POST", f"/tasks/{task_of(listing)}/sheet", who=OFFICE, files={"sheet": sheet})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"]["rows"]) == 29
    assert len(listing.events()) == before


def test_each_wrong_cell_has_an_error_with_its_place(listing: World, desk: Product, sheet: bytes) -> None:
    book = load_workbook(BytesIO(sheet))
    page = book.worksheets[0]
    place = [str(cell.value) for cell in page[1]].index("类别*") + 1
    page.cell(3, place).value, page.cell(5, place).value = "不知道", "=1+1"
    made = BytesIO()
    book.save(made)
    path = f"/tasks/{task_of(listing)}/sheet"
    answer = desk.call("POST", path, who=OFFICE, files={"sheet": made.getvalue()})
    assert answer.status_code == 422
    assert [each["path"] for each in answer.json()["errors"]] == ["row 3: 类别", "row 5: 类别"]
    assert desk.call("GET", path, who="cleaner").status_code == 404


def test_people_tell_what_they_are_and_whose_contacts(listed: World, product: Product) -> None:
    people = items(product, f"/incidents/{listed.incident}/people?group=contact")
    assert len(people) == 4
    assert {each["state"] for each in people} == {"initial"}
    assert {each["contacts"][0]["case_code"] for each in people} == {"病例1"}
    contacts = items(product, f"/incidents/{listed.incident}/contacts")
    assert {each["stage"] for each in contacts} == {"initial"}
    seen = items(product, f"/incidents/{listed.incident}/contacts", "manager")
    assert {each["class_label"] for each in seen} == {"***"}


def test_a_person_has_records_and_a_timeline(listed: World, product: Product) -> None:
    person = tracing.person(listed, tracing.NEIGHBOURS[0])
    base = f"/incidents/{listed.incident}/people/{person}"
    found = product.call("GET", base, who=OFFICE).json()
    assert [each["form_key"] for each in found["records"]] == ["F14#temp", "F12#initial"]
    types = {each["type"] for each in items(product, f"{base}/timeline")}
    assert {"person_registered", "persons_held", "contact_listed"} <= types
    assert product.call("GET", f"{base}x/timeline", who=OFFICE).status_code == 404


def test_places_have_their_uses(listed: World, product: Product) -> None:
    found = {each["name"]: each for each in items(product, f"/incidents/{listed.incident}/places")}
    assert found["七年级2班"]["is_origin"] is True
    kinds = {use["kind"] for each in found.values() for use in each["uses"]}
    assert kinds == {"found", "isolation", "disinfection", "contact"}
    assert {use["state"] for use in found["楼梯"]["uses"]} == {"done"}
