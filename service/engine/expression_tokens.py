"""The tokens of an expression: what is refused before parsing, and `if c then x else y`."""

import io
import re
import tokenize

from service.engine.expression_errors import ExpressionError, too_complex

MAX_DEPTH = 40

_OPENERS, _CLOSERS = frozenset("([{"), frozenset(")]}")
_WORDS_BEFORE_OPERAND = frozenset({"and", "or", "not", "in", "is", "if", "else", "then", "lambda"})
_FULL_WIDTH = re.compile(r"[，。（）［］｛｝“”‘’：；＝＜＞！＋－＊／]")
_NUMBER = re.compile(r"\d+(\.\d+)?")


def syntax_error(text: str, position: int) -> ExpressionError:
    """The error for a text that cannot be read; names a full-width character if there is one."""
    wide = _FULL_WIDTH.search(text)
    if wide:
        return ExpressionError(
            "syntax",
            f"符号「{wide.group()}」应改用半角",
            f"write “{wide.group()}” as an ASCII character",
            position=wide.start() + 1,
        )
    where = (f"，第{position}列附近", f" near column {position}") if position else ("", "")
    return ExpressionError("syntax", f"写法有误{where[0]}", f"syntax error{where[1]}", position=position)


def rewrite(text: str) -> str:
    """Check the tokens and give the text in Python's form.

    Raises:
        ExpressionError: Codes syntax, number_form, string_form, too_complex.
    """
    pieces = [token.string for token in _tokens(text)]
    return " ".join(_Conditionals(pieces).rewrite()) if "then" in pieces else text


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    skipped = {tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT}
    try:
        found = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in skipped]
    except (tokenize.TokenError, SyntaxError) as error:
        raise syntax_error(text, 0) from error
    for number, token in enumerate(found):
        _check_token(text, token, found[number + 1] if number + 1 < len(found) else None)
    depth = deepest = 0
    for token in found:
        depth += (token.string in _OPENERS) - (token.string in _CLOSERS)
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH or sum(token.string == "then" for token in found) > MAX_DEPTH:
        raise too_complex()
    return found


def _check_token(text: str, token: tokenize.TokenInfo, following: tokenize.TokenInfo | None) -> None:
    """Refuse what the parser would warn about or read in a way nobody meant."""
    position = token.start[1] + 1
    if token.type in {tokenize.ERRORTOKEN, tokenize.COMMENT} or token.string == ";" or "\\" in token.string:
        raise syntax_error(text, position)
    if token.type == tokenize.NUMBER:
        glued = following is not None and following.type == tokenize.NAME and following.start == token.end
        if glued or not _NUMBER.fullmatch(token.string):
            raise ExpressionError(
                "number_form",
                f"数字「{token.string}」只能写成 12 或 37.3 的形式",
                f"write the number “{token.string}” like 12 or 37.3",
                position=position,
            )
    if token.type == tokenize.STRING and (token.string[0] not in "'\"" or token.string[:3] in {'"""', "'''"}):
        raise ExpressionError(
            "string_form",
            "文本只能用一对引号, 不带前缀",
            "write text in plain quotes without a prefix",
            position=position,
        )


class _Conditionals:
    """Rewrites `if c then x else y` to `((x) if (c) else (y))`; leaves the rest as it is."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def rewrite(self) -> list[str]:
        out = self._run(frozenset())
        return out + self.tokens[self.at :]  # a stray bracket: the parser reports it

    def _run(self, stops: frozenset[str]) -> list[str]:
        out: list[str] = []
        open_ifs, wants_operand = 0, True
        while self.at < len(self.tokens):
            piece = self.tokens[self.at]
            if piece in _CLOSERS or (piece in stops and not (piece == "else" and open_ifs)):
                break
            if piece == "if" and wants_operand:
                out += self._conditional(stops)
                wants_operand = False
                continue
            self.at += 1
            out.append(piece)
            if piece in _OPENERS:
                out += self._run(frozenset())
                out += self.tokens[self.at : self.at + 1]
                self.at += 1
                wants_operand = False
                continue
            open_ifs += (piece == "if") - (piece == "else")
            wants_operand = piece in _WORDS_BEFORE_OPERAND or not (piece[0].isalnum() or piece[0] in "_'\"")
        return out

    def _conditional(self, stops: frozenset[str]) -> list[str]:
        self.at += 1
        condition = self._run(frozenset({"then"}))
        self._skip("then")
        result = self._run(frozenset({"else"}))
        self._skip("else")
        otherwise = self._run(stops | {","})
        return ["(", "(", *result, ")", "if", "(", *condition, ")", "else", "(", *otherwise, ")", ")"]

    def _skip(self, word: str) -> None:
        if self.at >= len(self.tokens) or self.tokens[self.at] != word:
            raise ExpressionError("syntax", f"if 后面缺少 {word}", f"“if” without “{word}”")
        self.at += 1
