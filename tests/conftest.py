"""Nothing hidden: what a test needs it builds itself (`an_incident(...)`), so a test reads on its own."""

import pytest

from service.domain.organisation_catalogue import OrganisationCatalogue
from service.domain.standing import appoint
from service.settings import ROOT

# As `bootstrap` does: rules of access are asked in tests that build no product.
_roles = OrganisationCatalogue.load(ROOT / "workflows" / "organisations.yaml")
appoint(
    leaders=_roles.leaders, overseers=_roles.overseers, outside_parties=_roles.outside_parties,
    letter_readers=_roles.acts["receive_letter"].who,
)  # fmt: skip

# Files that take long, those that start processes between those that do not.
LONG = (
    "tests/nodes/test_killed_nodes.py", "tests/contract/test_access_matrix", "tests/crash/test_kill_under_load.py",
    "tests/paths/test_sc02_confirmed_case.py", "tests/crash/test_races.py", "tests/paths/test_mutations.py",
    "tests/contract/test_workers.py", "tests/contract/test_database_away.py", "tests/paths/test_kill.py",
    "tests/crash/test_random_lives.py", "tests/benchmarks/test_bench.py",
)  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: of two workers none is left with one when the other has nothing to do any more."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: next((place[name] for name in LONG if item.nodeid.startswith(name)), len(LONG)))
