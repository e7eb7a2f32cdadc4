"""Why an expression is refused or fails, in Chinese and English."""


class ExpressionError(Exception):
    """An expression is refused or fails; says which one and why in Chinese and English.

    `name` is the missing or refused name ("" if none), `position` the column in the text, from 1
    (0 if unknown).
    """

    def __init__(self, code: str, zh: str, en: str, *, name: str = "", position: int = 0) -> None:
        """Keep the parts; the text of the expression is added by `about`."""
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en
        self.name = name
        self.position = position
        self.text = ""

    def about(self, text: str) -> "ExpressionError":
        """Name the expression in both messages, once."""
        if not self.text:
            self.text = text
            shown = text if len(text) <= 200 else text[:199] + "…"
            self.zh = f"表达式「{shown}」：{self.zh}"
            self.en = f"expression “{shown}”: {self.en}"
            self.args = (self.en,)
        return self


class MissingName(ExpressionError):
    """A name, fact or policy value is not there."""


class MissingDeadline(MissingName):
    """The deadline row does not exist (yet); a timer waits for it without a due time."""


def too_complex() -> ExpressionError:
    """The error for an expression beyond the limits of size or depth."""
    return ExpressionError("too_complex", "过于复杂, 请拆成几步", "too complex, split it into steps")
