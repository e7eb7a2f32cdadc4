"""Escapes, bombs and noise: refused with a named reason, and nothing but our own error is ever raised."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.expressions import ExpressionError, Scope, compile_expression, evaluate

SCOPE = Scope(
    names={"F01": {"found_at": "2021-03-02T09:50:00+08:00", "symptoms": ["cough"]}, "person": "p1"},
    now=datetime(2021, 3, 2, 2, 0, tzinfo=UTC),
    facts={"cases": ["p1", "p2"]},
)

ESCAPES = [
    ("().__class__", "private_name"),
    ('"".__class__.__mro__', "private_name"),
    ("person.__class__.__subclasses__()", "forbidden_syntax"),
    ('__import__("os")', "unknown_function"),
    ("__builtins__", "private_name"),
    ("_x", "private_name"),
    ("ｆ._secret", "private_name"),
    ("person.__ｃlass__", "private_name"),
    ("import os", "syntax"),
    ("x = 1", "syntax"),
    ("x := 1", "syntax"),
    ("(x := 1)", "forbidden_syntax"),
    ("1; 2", "syntax"),
    ("lambda: 1", "forbidden_syntax"),
    ("(lambda: 1)()", "forbidden_syntax"),
    ("[x for x in [1]]", "forbidden_syntax"),
    ("[x for x in [0]*9 for y in [0]*9]", "forbidden_syntax"),
    ("{x for x in [1]}", "forbidden_syntax"),
    ("{x: 1 for x in [1]}", "forbidden_syntax"),
    ("sum(x for x in [1])", "forbidden_syntax"),
    ("{1: 2}", "forbidden_syntax"),
    ("(1, 2)", "forbidden_syntax"),
    ("()", "forbidden_syntax"),
    ("{1, 2}", "forbidden_syntax"),
    ("9**9**9", "forbidden_syntax"),
    ("1 << 1000000", "forbidden_syntax"),
    ("1 | 2", "forbidden_syntax"),
    ("~1", "forbidden_syntax"),
    ("a @ b", "forbidden_syntax"),
    ("1 is 1", "forbidden_syntax"),
    ("[1, 2][0:1]", "forbidden_syntax"),
    ("[*[1]]", "forbidden_syntax"),
    ("max(*[1, 2])", "forbidden_syntax"),
    ("max(**F01)", "bad_call"),
    ("await x", "forbidden_syntax"),
    ("(yield 1)", "forbidden_syntax"),
    ("...", "forbidden_syntax"),
    ("1j", "number_form"),
    ("0x1f", "number_form"),
    ("1e400", "number_form"),
    ("1_000", "number_form"),
    ("1if true else 2", "number_form"),
    ("9999999999999999999", "number_too_high"),
    ('f"{person}"', "string_form"),
    ('b"x"', "string_form"),
    ('r"x"', "string_form"),
    ('"""x"""', "string_form"),
    ('"a\\x41"', "syntax"),
    ("1 \\\n + 2", "syntax"),
    ("# comment", "syntax"),
    ("1 # comment", "syntax"),
    ('"{0.__class__}".format(person)', "forbidden_syntax"),
    ('person.format("x")', "forbidden_syntax"),
    ('"a".join(["b"])', "forbidden_syntax"),
    ("F01.symptoms.append(1)", "forbidden_syntax"),
    ("person()()", "forbidden_syntax"),
    ("[max][0](1, 2)", "forbidden_syntax"),
    ('eval("1")', "unknown_function"),
    ('exec("1")', "unknown_function"),
    ('open("x")', "unknown_function"),
    ('getattr(person, "x")', "unknown_function"),
    ("type(person)", "unknown_function"),
    ("str(1)", "unknown_function"),
    ('list("ab")', "unknown_function"),
    ("dict()", "unknown_function"),
    ("range(10)", "unknown_function"),
    ("print(1)", "unknown_function"),
    ("person(1)", "unknown_function"),
    ("policy()", "bad_call"),
    ('policy("a", "b")', "bad_call"),
    ("now(1)", "bad_call"),
    ('deadline("T02", rule="x")', "bad_call"),
    ("policy(person)", "name_not_literal"),
    ('fact("a" + "b")', "name_not_literal"),
    ("", "empty"),
    ("   ", "empty"),
    ("1 +", "syntax"),
    ("(1", "syntax"),
    ("1)", "syntax"),
    ("if true then 1", "syntax"),
    ("then 1", "syntax"),
    ("$x", "syntax"),
    ("a ? b : c", "syntax"),
    ("病例数，3", "syntax"),
    ("“文本”", "syntax"),
    ("1\x00", "syntax"),
    ("x" * 3000, "too_long"),
    ('"' + "x" * 3000 + '"', "too_long"),
    ("(" * 100 + "1" + ")" * 100, "too_complex"),
    ("[" * 900 + "]" * 900, "too_complex"),
    ("-" * 500 + "1", "too_complex"),
    ("not " * 300 + "true", "too_complex"),
    ("+".join("1" * 300), "too_complex"),
    ("a" + ".a" * 500, "too_complex"),
    ("if true then " * 60 + "1" + " else 2" * 60, "too_complex"),
    ("[" + "1," * 450 + "]", "too_complex"),
]


@pytest.mark.parametrize(("text", "code"), ESCAPES)
def test_escapes_and_bombs_are_refused_with_a_named_reason(text: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert caught.value.code == code
    assert caught.value.zh
    assert caught.value.en


def outcome(text: str) -> str:
    """The code of the refusal or failure, "ok" if the text computes; nothing else may be raised."""
    try:
        evaluate(text, SCOPE)
    except ExpressionError as error:
        return error.code if error.zh.startswith("表达式「") else ""
    return "ok"


@given(st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_computes_or_is_refused(text: str) -> None:
    assert outcome(text)


WORDS = (
    "if then else not and in ( ) [ ] , + - == < 1 'a' person max F01 . now() fact('cases') true null 37.3 duration(1) "
    "given % / policy deadline('T99') F01.symptoms"
)


@given(st.lists(st.sampled_from(WORDS.split()), max_size=14))
@settings(max_examples=600, deadline=None)
def test_any_row_of_words_computes_or_is_refused(words: list[str]) -> None:
    assert outcome(" ".join(words)) not in {"", "failed"}  # every failure of these words has a name of its own
