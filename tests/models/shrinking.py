"""Makes a failing model small: parts are taken away as long as it still fails."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.models.blocks import Block, Model, Shape

TRIES = 2_000


def shrink(model: Model, fails: Callable[[Model], bool]) -> Model:
    """The smallest model found that still fails; `fails` must hold for `model`."""
    tries = 0
    is_smaller = True
    while is_smaller and tries < TRIES:
        is_smaller = False
        for smaller in _smaller(model):
            tries += 1
            if fails(smaller):
                model, is_smaller = smaller, True
                break
    return model


def _smaller(model: Model) -> Iterator[Model]:
    for index in range(len(model.events)):
        yield replace(model, events=model.events[:index] + model.events[index + 1 :])
    for main in _smaller_blocks(model.main):
        yield replace(model, main=main)
    for index, (trigger, handler) in enumerate(model.events):
        for made in _smaller_blocks(handler):
            yield replace(model, events=(*model.events[:index], (trigger, made), *model.events[index + 1 :]))


def _smaller_blocks(block: Block) -> Iterator[Block]:
    """Simpler blocks in place of a block: one of its parts, fewer parts, a simpler part."""
    yield from block.parts
    fewest = {Shape.SEQUENCE: 2, Shape.CHOICE: 2, Shape.FORK: 2, Shape.SOME: 2, Shape.RACE: 2, Shape.GUARDED: 2}
    if len(block.parts) > fewest.get(block.shape, 99):
        first = 1 if block.shape is Shape.GUARDED else 0
        for index in range(first, len(block.parts)):
            parts = block.parts[:index] + block.parts[index + 1 :]
            at = index - first
            yield replace(block, parts=parts, triggers=block.triggers[:at] + block.triggers[at + 1 :])
    for index, part in enumerate(block.parts):
        for made in _smaller_blocks(part):
            yield replace(block, parts=(*block.parts[:index], made, *block.parts[index + 1 :]))
    if not block.parts and block.how not in {"user", "none", "terminate"} and block.shape is not Shape.STOP:
        yield Block(Shape.TASK, how="user")
