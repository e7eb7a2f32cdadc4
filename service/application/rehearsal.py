"""What a command would do: it is run as it is, and undone."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from service.persistence.command_runner import CommandRunner
from service.persistence.unit_of_work import UnitOfWork

T = TypeVar("T")


class _Undone(Exception):
    """Takes everything back the command wrote."""


def rehearse(writer: CommandRunner, handler: Callable[[UnitOfWork], T]) -> T:
    """The answer a command would give now. Nothing of it is stored; raises what the command raises."""
    answers: list[T] = []

    def undone(uow: UnitOfWork) -> None:
        answers.append(handler(uow))
        raise _Undone

    with suppress(_Undone):
        writer.run(undone)
    return answers[-1]
