"""Keyed digests of names, phones and identity numbers, by which sealed persons can be found without being opened.

Equal values have equal digests under one key, and nothing else can be told from a digest without it. The key is
apart from the master key: whoever has one of them and the database still reads no name.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any

KINDS = ("name", "phone", "id_no")
# Which parts of a person block are found by which kind of search.
PARTS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "guardian_name"), "phone": ("phone", "guardian_phone"), "id_no": ("id_no",),
}  # fmt: skip
LEAST = {"name": 2, "phone": 5, "id_no": 6}  # characters of a search; less would find anybody
KEY_BYTES = 32


def normal(kind: str, text: str) -> str:
    """A value as it is compared: width and case of letters, blanks and separators do not count."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\D", "", plain) if kind == "phone" else re.sub(r"[\s·.\-]", "", plain)


class BlindIndex:
    """Makes digests under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            message = f"a key of the index has at least {KEY_BYTES} bytes"
            raise ValueError(message)
        self._key = key

    @classmethod
    def passing(cls) -> "BlindIndex":
        """One whose digests mean nothing after the process has ended."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def digest(self, kind: str, text: str) -> str:
        """The digest of a value, in hex; "" where nothing is left of it to compare."""
        plain = normal(kind, text)
        return hmac.new(self._key, f"{kind}:{plain}".encode(), hashlib.sha256).hexdigest() if plain else ""

    def digests(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Digest -> kind for everything in a person block that can be searched for."""
        found = {}
        for kind, parts in PARTS.items():
            for part in parts:
                value = values.get(part)
                digest = self.digest(kind, value) if isinstance(value, str) else ""
                if digest:
                    found[digest] = kind
        return found
