"""Nothing hidden: what a test needs it builds itself (`an_incident(...)`), so a test reads on its own."""

from service.domain.organisation_catalogue import OrganisationCatalogue
from service.domain.standing import appoint
from service.settings import ROOT

# As `bootstrap` does: rules of access are asked in tests that build no product.
_roles = OrganisationCatalogue.load(ROOT / "workflows" / "organisations.yaml")
appoint(
    leaders=_roles.leaders, overseers=_roles.overseers, outside_parties=_roles.outside_parties,
    letter_readers=_roles.acts["receive_letter"].who,
)  # fmt: skip
