"""What can be chosen in a form, from the incident's own lists."""

from service.application.queries.form_contexts import Choices, Named
from service.web.form_models import Choice, Directory


def directory_of(choices: Choices) -> Directory:
    """The lists of an incident as choices of a form."""
    return Directory(
        persons=_choices(choices.persons),
        accounts=_choices(choices.accounts),
        places=_choices(choices.places),
        organisations=_choices(choices.organisations),
        references={
            "cancel_persons": _choices(choices.persons),
            "case_ref": _choices(choices.cases),
            "corrects": _choices(choices.reports),
            "owner": _choices(choices.accounts),
        },
    )


def _choices(named: tuple[Named, ...]) -> tuple[Choice, ...]:
    return tuple(Choice(each.id, each.name, group=each.group) for each in named)
