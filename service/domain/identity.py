"""A provider of identities outside, by which somebody who has an account here may sign in too."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Asked:
    """A sign-in on its way: the address that asks the provider, and what its answer must fit."""

    address: str
    state: str
    nonce: str
    verifier: str


class IdentityProvider(Protocol):
    """Speaks OpenID Connect, authorisation code flow with PKCE."""

    @property
    def name(self) -> str:
        """What the sign-in page calls it."""
        ...

    def ask(self, back: str) -> Asked:
        """How to ask; `back` is our address the browser returns to. Raises OutsideSystemUnreachable."""
        ...

    def username(self, asked: Asked, back: str, code: str) -> str:
        """The user name the provider vouches for. Raises IdentityRefused, OutsideSystemUnreachable."""
        ...
