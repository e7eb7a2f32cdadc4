"""Forms and their views: what a task asks and which answers it takes.

The files under `forms/` are the source (see forms/README.md); this module loads them and is the
front of the other `form_*` modules, whose public names it hands on.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from service.domain.errors import FieldError, FormNotFound, FormRefused
from service.domain.form_answers import Answers, fill
from service.domain.form_conditions import FormDefinitionError
from service.domain.form_context import FillContext
from service.domain.form_definitions import Field, Form, View
from service.domain.form_loading import FormReader
from service.domain.form_masking import masked
from service.domain.form_schemas import json_schema, ui_hints
from service.domain.form_values import typed

__all__ = [
    "Answers",
    "Field",
    "FieldError",
    "FillContext",
    "Form",
    "FormDefinitionError",
    "FormInvalid",
    "FormLibrary",
    "FormNotFound",
    "View",
    "fill",
    "json_schema",
    "masked",
    "typed",
    "ui_hints",
]

FormInvalid = FormRefused


class FormLibrary:
    """All forms of a folder."""

    def __init__(self, forms: Mapping[str, Form]) -> None:
        self._forms = dict(forms)

    @classmethod
    def load(cls, folder: Path) -> "FormLibrary":
        """Read every form file `F..json` of a folder, with its `codes.json` and `blocks.json`.

        Raises:
            FormDefinitionError: A file breaks a rule of the format; the message names file and field.
        """
        reader = FormReader(_read(folder / "codes.json"), _read(folder / "blocks.json"))
        forms = (_form(reader, path) for path in sorted(folder.glob("F[0-9][0-9].json")))
        return cls({form.id: form for form in forms})

    def form(self, form_id: str) -> Form:
        """A form by its id (`F01`).

        Raises:
            FormNotFound: There is none.
        """
        if form_id not in self._forms:
            raise FormNotFound(form_id)
        return self._forms[form_id]

    def view(self, key: str) -> View:
        """A view by its key (`F01#quick`).

        Raises:
            FormNotFound: There is no such form or view.
        """
        form_id, _, name = key.partition("#")
        form = self._forms.get(form_id)
        if form is None or name not in form.views:
            raise FormNotFound(key)
        return form.views[name]

    def forms(self) -> Iterator[Form]:
        """All forms, in the order of the files."""
        yield from self._forms.values()

    def views(self) -> Iterator[View]:
        """All views of all forms, in the order of the files."""
        for form in self._forms.values():
            yield from form.views.values()

    def has(self, key: str) -> bool:
        """Whether a view exists; for the linter."""
        form_id, _, name = key.partition("#")
        return form_id in self._forms and name in self._forms[form_id].views

    def certain_fields(self, key: str) -> frozenset[str]:
        """The fields of a view that are there after every answer; for the linter. Empty for no such view."""
        return self.view(key).certain if self.has(key) else frozenset()


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _form(reader: FormReader, path: Path) -> Form:
    try:
        form = reader.form(_read(path))
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path.name}: {error!r}"
        raise FormDefinitionError(msg) from error
    if form.id != path.stem:
        msg = f"{path.name}: the id says {form.id}"
        raise FormDefinitionError(msg)
    return form
