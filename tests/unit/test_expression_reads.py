"""What an expression reads without asking first, and what its value tells of names."""

import pytest

from service.engine.expression_reads import has, reads
from service.engine.expressions import compile_expression

NOBODY: frozenset[str] = frozenset()


def missing(text: str, *names: str) -> set[str]:
    return set(reads(compile_expression(text).tree, frozenset(names)).missing)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b.c", {"a", "b.c"}),
        ("given(a)", NOBODY),
        ("given(a) and a > 1", NOBODY),
        ("a > 1 and given(a)", {"a"}),
        ("not given(a) or a > 1", NOBODY),
        ("given(a) or a > 1", {"a"}),
        ("a if given(a) else 0", NOBODY),
        ("0 if not given(a) else a", NOBODY),
        ("a if given(b) else 0", {"a"}),
        ("if given(a) then a else if given(b) then b else 0", NOBODY),
        ("(given(a) or given(b)) and a > 1", {"a"}),
        ("given(a) and given(b) and a + b > 1", NOBODY),
        ("given(a.b) and a.b > 1", NOBODY),
        ("given(a + b) and a > b", NOBODY),
        ("given(fact(\"x\")[a]) and a > 1", NOBODY),
        ("not (given(a) and a > 1) and a < 3", {"a"}),
        ("not (not given(a) or a > 3) and a > 1", NOBODY),
        ("1 < 2 < a and a > 1", {"a"}),
        ("[a, b][0]", {"a", "b"}),
        ("fact(\"cases\")", NOBODY),
        ("true and null == false", NOBODY),
        ("deadline(\"X06\", subject = a)", {"a"}),
    ],
)  # fmt: skip
def test_what_is_read_without_asking(text: str, expected: frozenset[str]) -> None:
    assert missing(text) == expected


def test_what_is_there_is_not_missing() -> None:
    assert missing("a.b + c", "a", "c") == set()
    assert missing("F05.depart_at", "F05.", "F05.depart_at") == set()
    assert missing("F05.arrive_at", "F05.", "F05.depart_at") == {"F05.arrive_at"}
    assert has(frozenset({"F05.", "F05.depart_at"}), "F05")


@pytest.mark.parametrize(
    ("text", "if_true", "if_false"),
    [
        ("given(a)", {"a"}, NOBODY),
        ("not given(a)", NOBODY, {"a"}),
        ("given(a) and given(b)", {"a", "b"}, NOBODY),
        ("given(a) or given(b)", NOBODY, NOBODY),
        ("a > 1", {"a"}, {"a"}),
        ("given(a) and b > 1", {"a", "b"}, NOBODY),
        ("b > 1 and given(a)", {"a", "b"}, {"b"}),
        ("1 < a < b", {"a", "b"}, {"a"}),
        ("given(a) if given(b) else false", NOBODY, NOBODY),
    ],
)
def test_what_a_value_tells(text: str, if_true: frozenset[str], if_false: frozenset[str]) -> None:
    found = reads(compile_expression(text).tree, NOBODY)
    assert (found.if_true, found.if_false) == (if_true, if_false)
