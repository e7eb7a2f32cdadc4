"""JSON as it is stored and hashed, written by encoders that are made once.

`json.JSONEncoder.encode` makes its encoder in C anew for every value, which for the small values of an
event takes longer than writing them; here it is made once. What is written is the same, byte by byte.
"""

import json
import json.encoder
from collections.abc import Callable, Mapping
from typing import Any

Write = Callable[[Any], str]


COMPACT, SPACED = (",", ":"), (", ", ": ")


def writer(
    *, sort_keys: bool = False, default: Callable[[Any], Any] | None = None, separators: tuple[str, str] = COMPACT
) -> Write:
    """Refuses NaN and, without a `default`, whatever JSON cannot say."""
    plain = json.JSONEncoder(
        ensure_ascii=False, separators=separators, allow_nan=False, sort_keys=sort_keys, default=default
    )
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without it
        return plain.encode
    quoted = json.encoder.encode_basestring
    # No markers: a value that contains itself is a RecursionError instead of a ValueError.
    encode = make(None, plain.default, quoted, None, separators[1], separators[0], sort_keys, False, False)
    join = "".join
    return lambda value: join(encode(value, 0))


class Written(dict[str, Any]):
    """A mapping with its JSON text, so that it is written only once; not to be changed."""

    __slots__ = ("text",)

    def __init__(self, values: Mapping[str, Any], text: str) -> None:
        super().__init__(values)
        self.text = text
