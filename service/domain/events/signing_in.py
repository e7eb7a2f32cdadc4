"""Coming and going: sign-ins, refusals, sessions, passwords, second factors, tokens, passes. Stream `access`.

No event holds a typed name, an address, a secret or a code: accounts, sessions, tokens and passes are ids.
"""

from dataclasses import dataclass
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class SignedIn(Event):
    """A session began; `method` is password, code, recovery_code, oidc or pass."""

    type: ClassVar[str] = "signed_in"
    kind: str
    method: str = "password"
    session: str = ""


@event
@dataclass(frozen=True, slots=True)
class SignInRefused(Event):
    """A sign-in failed; `account` is empty where nobody has such a name. What was typed is not kept."""

    type: ClassVar[str] = "sign_in_refused"
    method: str
    account: str = ""


@event
@dataclass(frozen=True, slots=True)
class AttemptsBlocked(Event):
    """So many failures that the next attempt must wait; `what` is name, code, address, token or pass."""

    type: ClassVar[str] = "attempts_blocked"
    what: str
    seconds: int
    account: str = ""


@event
@dataclass(frozen=True, slots=True)
class SignedOut(Event):
    """The person ended a session."""

    type: ClassVar[str] = "signed_out"
    session: str = ""


@event
@dataclass(frozen=True, slots=True)
class SessionsRevoked(Event):
    """Sessions of an account were ended by the person on another device, or by an administrator with a reason."""

    type: ClassVar[str] = "sessions_revoked"
    account: str
    sessions: list[str]
    reason: str = ""


@event
@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    """An account has another password; its sessions ended."""

    type: ClassVar[str] = "password_changed"
    account: str


@event
@dataclass(frozen=True, slots=True)
class SecondFactorSet(Event):
    """An account asks for a code from now on."""

    type: ClassVar[str] = "second_factor_set"
    account: str


@event
@dataclass(frozen=True, slots=True)
class SecondFactorRemoved(Event):
    """An account asks for no code any more; an administrator says why."""

    type: ClassVar[str] = "second_factor_removed"
    account: str
    reason: str = ""


@event
@dataclass(frozen=True, slots=True)
class RecoveryCodesMade(Event):
    """New recovery codes; those before do not count any more."""

    type: ClassVar[str] = "recovery_codes_made"
    account: str


@event
@dataclass(frozen=True, slots=True)
class AccessTokenMade(Event):
    """A program may act for an account within some scopes until an instant."""

    type: ClassVar[str] = "access_token_made"
    token: str
    account: str
    scopes: list[str]
    expires: str


@event
@dataclass(frozen=True, slots=True)
class AccessTokenRevoked(Event):
    """A token counts no more."""

    type: ClassVar[str] = "access_token_revoked"
    token: str
    account: str
    reason: str = ""


@event
@dataclass(frozen=True, slots=True)
class AccessTokenRefused(Event):
    """A token was used in vain: unknown, expired, revoked, account (switched off), or scope, with the `action`."""

    type: ClassVar[str] = "access_token_refused"
    reason: str
    token: str = ""
    action: str = ""


@event
@dataclass(frozen=True, slots=True)
class EmergencyPassIssued(Event):
    """Somebody showed a QR code: whoever scans it may do one task without an account."""

    type: ClassVar[str] = "emergency_pass_issued"
    emergency_pass: str
    task: str
    incident: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class EmergencyPassUsed(Event):
    """Somebody scanned it and gave a name, which stands with the account made for it."""

    type: ClassVar[str] = "emergency_pass_used"
    emergency_pass: str
    account: str
    until: str


@event
@dataclass(frozen=True, slots=True)
class EmergencyPassRevoked(Event):
    """It counts no more, and who used it is out."""

    type: ClassVar[str] = "emergency_pass_revoked"
    emergency_pass: str


@event
@dataclass(frozen=True, slots=True)
class EmergencyPassRefused(Event):
    """A code was scanned in vain; `reason` is unknown, used, expired, revoked or closed."""

    type: ClassVar[str] = "emergency_pass_refused"
    reason: str
    emergency_pass: str = ""
