"""Sealed values: personal, health and contact values, encrypted with a key per person.

A token is a Fernet message over the JSON of a mapping. The subject's key stands in `subject_keys`,
itself encrypted by the master key (which is never in the database). Erasing a person destroys the
key: the tokens stay where they are, the hash chain still verifies, nobody can read them.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.domain.clock import Clock
from service.domain.errors import MasterKeyWrong, SubjectErased
from service.domain.retention import merged, subject_of
from service.persistence.database import READS, plain_json
from service.persistence.tables import SubjectKey, table_of
from service.persistence.working_set import Source, bare_connection_of, connection_of, is_alone

Key = Fernet | MultiFernet  # of a subject; several, the newest first, after a rotation
JOINED = b","
ERASED = ""  # `wrapped` of a destroyed key; the row stays, so that no second key is made
LOOKUP_CHUNK = 500
CACHED_KEYS = 50_000
TRUSTED = timedelta(seconds=30)  # how long a key that was read is used for reading without asking again

_keys = table_of(SubjectKey)
_find = select(_keys.c.wrapped).where(_keys.c.subject == bindparam("subject"))
_find_many = select(_keys.c.subject, _keys.c.wrapped).where(_keys.c.subject.in_(bindparam("subjects", expanding=True)))


class TokenDamaged(Exception):
    """A token that its subject's key does not open: it, or the key, was changed."""


@dataclass(slots=True)
class _Unsettled:
    """What one thread's open transaction did to keys."""

    fresh: dict[str, Fernet | MultiFernet] = field(default_factory=dict)
    destroyed: set[str] = field(default_factory=set)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)  # (subject, token) -> what was just sealed


class Sealer:
    """Seals and opens values; safe between threads.

    Keys met in a writing transaction are shared with other threads only once `settle` says that they
    are committed: a key that was rolled back and still used would make values unreadable for good.

    A person may be erased by another process. On PostgreSQL each transaction that seals asks for the key anew;
    whoever reads has forgotten a destroyed key after TRUSTED at the latest.
    """

    def __init__(
        self, master_keys: str | bytes | Sequence[str | bytes], clock: Clock, *,
        renew: Callable[[], Sequence[bytes]] | None = None,
    ) -> None:  # fmt: skip
        """Take one master key (Fernet: 32 bytes in URL-safe base 64) or several, the newest first.

        `renew` reads them again: a rotation by another process is noticed by what it wrapped, and before a key is made.
        """
        self._take([master_keys] if isinstance(master_keys, str | bytes) else master_keys)
        self._renew = renew
        self._clock = clock
        self._shared: dict[str, Key] = {}
        self._shared_until = clock.now() + TRUSTED
        self._local = threading.local()

    def seal(self, source: Source, subject: str, values: Mapping[str, Any]) -> str:
        """Encrypt values of a subject, making its key if there is none; SubjectErased after `destroy`.

        A `source` that is a unit of work is asked for its connection only where a key must be fetched.
        """
        key = self._known(subject) if is_alone(source) else self._state().fresh.get(subject)
        if key is None:
            key = self._load(bare_connection_of(source), subject) or self._create(connection_of(source), subject)
        text = plain_json(dict(values))
        token = key.encrypt(text.encode()).decode()
        self._state().texts[subject, token] = text
        return token

    def open(self, source: Source, subject: str, token: str) -> dict[str, Any]:
        """Decrypt a token; the values of an erased subject are an empty mapping. Raises TokenDamaged.

        What this transaction has sealed itself need not be decrypted.
        """
        text = self._state().texts.pop((subject, token), None)
        if text is not None:
            return dict(json.loads(text))
        key = self._known(subject) or self._load(connection_of(source), subject, erased_is_error=False)
        if key is None:
            return {}
        try:
            return _opened(key, token)
        except InvalidToken:  # a newer key may stand before those that are remembered
            self._shared.pop(subject, None)
        fresh = self._load(connection_of(source), subject, erased_is_error=False)
        try:
            return _opened(fresh, token) if fresh is not None else {}
        except InvalidToken as error:
            raise TokenDamaged(subject) from error

    def open_all(
        self, source: Source, tokens: Mapping[str, str], *, absent: frozenset[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Decrypt `{key: token}` to `{subject: values}`; what is sealed by class is put together again.

        `absent` is what `preload` said, where the keys of a whole list were fetched before.
        """
        gone = self.preload(source, tokens) if absent is None else absent
        found: dict[str, dict[str, Any]] = {}
        for key, token in tokens.items():
            values, subject = {} if key in gone else self.open(source, key, token), subject_of(key)
            found[subject] = merged(found[subject], values) if subject in found else values
        return found

    def erased(self, source: Source, tokens: Mapping[str, str]) -> frozenset[str]:
        """Those keys of `{key: token}` that were destroyed."""
        return self.preload(source, tokens)

    def open_text(
        self, source: Source, text: str, *, absent: frozenset[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Decrypt a `sealed` text column to `{subject: values}`; `absent` as for `open_all`."""
        return self.open_all(source, tokens_of(text), absent=absent)

    def seal_text(self, source: Source, values: Mapping[str, Mapping[str, Any]]) -> str:
        """Encrypt `{subject: values}` to the form of a `sealed` text column."""
        return sealed_text({subject: self.seal(source, subject, each) for subject, each in values.items()})

    def preload(self, source: Source, keys: Iterable[str]) -> frozenset[str]:
        """Fetch many keys in few statements; worth it before opening a list. Returns those that are not there."""
        missing = {key for key in keys if self._known(key) is None}
        if not missing:
            return frozenset()
        connection, ordered = connection_of(source), sorted(missing)
        for start in range(0, len(ordered), LOOKUP_CHUNK):
            chunk = ordered[start : start + LOOKUP_CHUNK]
            for key, wrapped in connection.execute(_find_many, {"subjects": chunk}):
                if wrapped != ERASED:
                    self._remember(connection, key, self._unwrap(wrapped))
                    missing.discard(key)
        return frozenset(missing)

    def preload_texts(self, source: Source, texts: Iterable[str]) -> frozenset[str]:
        """As `preload`, of all keys some `sealed` text columns need."""
        return self.preload(source, [key for text in texts for key in tokens_of(text)])

    def destroy(self, connection: Connection, subject: str) -> None:
        """Erase a subject: its key is gone for good, what was sealed for it stays unreadable."""
        connection.execute(_insert(connection, subject, ERASED, self._clock))
        connection.execute(update(_keys).where(_keys.c.subject == subject).values(wrapped=ERASED))
        self._shared.pop(subject, None)
        self._state().fresh.pop(subject, None)
        self._state().texts.clear()
        self._state().destroyed.add(subject)

    def forget(self) -> None:
        """Use no key for reading any more without asking the database: somebody may have been erased elsewhere."""
        self._shared.clear()

    def settle(self) -> None:
        """The transaction of this thread is committed: its keys may be shared."""
        state = self._state()
        if len(self._shared) + len(state.fresh) > CACHED_KEYS:
            self._shared.clear()
        self._shared.update(state.fresh)
        for subject in state.destroyed:  # a reader may have fetched it before the commit
            self._shared.pop(subject, None)
        self.unsettle()

    def unsettle(self) -> None:
        """The transaction, or a savepoint, of this thread was rolled back: forget its keys."""
        state = self._state()
        state.fresh.clear()
        state.destroyed.clear()
        state.texts.clear()

    # --- keys -------------------------------------------------------------------------------

    def _state(self) -> "_Unsettled":
        if not hasattr(self._local, "state"):
            self._local.state = _Unsettled()
        state: _Unsettled = self._local.state
        return state

    def _known(self, subject: str) -> Key | None:
        now = self._clock.now()
        if not now <= self._shared_until <= now + TRUSTED:  # time is up, or the clock was set back
            self._shared.clear()
            self._shared_until = now + TRUSTED
        return self._shared.get(subject) or self._state().fresh.get(subject)

    def _remember(self, connection: Connection, subject: str, key: Key) -> Key:
        if connection.get_execution_options().get(READS):
            if len(self._shared) >= CACHED_KEYS:
                self._shared.clear()
            self._shared[subject] = key
        else:
            self._state().fresh[subject] = key
        return key

    def _load(self, connection: Connection, subject: str, *, erased_is_error: bool = True) -> Key | None:
        wrapped = connection.execute(_find, {"subject": subject}).scalar()
        if wrapped is None:
            return None
        if wrapped == ERASED:
            if erased_is_error:
                raise SubjectErased(subject)
            return None
        return self._remember(connection, subject, self._unwrap(wrapped))

    def _create(self, connection: Connection, subject: str) -> Key:
        self._take_anew()
        wrapped = self._master.encrypt(Fernet.generate_key()).decode()
        connection.execute(_insert(connection, subject, wrapped, self._clock))
        # Another node may have been first: what the database holds counts, not what we made.
        key = self._load(connection, subject)
        if key is None:
            raise SubjectErased(subject)
        return key

    def _unwrap(self, wrapped: str) -> Key:
        try:
            text = self._master.decrypt(wrapped.encode())
        except InvalidToken:
            self._take_anew()
            text = self._master.decrypt(wrapped.encode())
        keys = [Fernet(key) for key in text.split(JOINED)]
        return keys[0] if len(keys) == 1 else MultiFernet(keys)

    def _take(self, keys: Sequence[str | bytes]) -> None:
        self._master, self._newest = MultiFernet([Fernet(key) for key in keys]), Fernet(keys[0])

    def _take_anew(self) -> None:
        if self._renew is not None:
            self._take(self._renew())

    # --- rotation ---------------------------------------------------------------------------

    def wrapped_anew(self, wrapped: str) -> str | None:
        """A subject's key under the newest master key; None if it is already. Raises MasterKeyWrong."""
        try:
            self._newest.decrypt(wrapped.encode())
        except InvalidToken:
            return self._wrap(self._plain(wrapped))
        return None

    def with_new_key(self, wrapped: str) -> str:
        """The same with a new key of the subject in front: it seals from now on, those before still open."""
        return self._wrap(JOINED.join((Fernet.generate_key(), self._plain(wrapped))))

    def _plain(self, wrapped: str) -> bytes:
        try:
            return self._master.decrypt(wrapped.encode())
        except InvalidToken as error:
            raise MasterKeyWrong from error

    def _wrap(self, plain: bytes) -> str:
        return self._newest.encrypt(plain).decode()


def _opened(key: Key, token: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(key.decrypt(token.encode()))
    return values


def sealed_text(tokens: Mapping[str, str]) -> str:
    """`{subject: token}` as stored in a `sealed` text column."""
    return plain_json(dict(tokens))


def tokens_of(text: str) -> dict[str, str]:
    """The `{subject: token}` of a `sealed` text column; empty text has none."""
    tokens: dict[str, str] = json.loads(text) if text else {}
    return tokens


def new_master_key() -> str:
    """A master key, to be kept outside the database."""
    return Fernet.generate_key().decode()


def _insert(connection: Connection, subject: str, wrapped: str, clock: Clock) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"subject": subject, "wrapped": wrapped, "created_at": clock.now()}
    return dialect.insert(_keys).values(row).on_conflict_do_nothing(index_elements=["subject"])
