"""Rules about looped and multi-instance activities."""

from collections.abc import Iterator

from service.engine.model import Finding, Node, Process, Repeat, Turns
from service.engine.rules import finding


def check_repeats(process: Process) -> Iterator[Finding]:
    """Findings about the markers of a page's activities."""
    for node in process.nodes.values():
        if node.repeat is None:
            continue
        if node.repeat.turns is Turns.LOOP:
            yield from _check_loop(process, node, node.repeat)
        else:
            yield from _check_many(process, node, node.repeat)


def _check_loop(process: Process, node: Node, repeat: Repeat) -> Iterator[Finding]:
    is_number = repeat.limit.isdecimal() and int(repeat.limit) > 0
    if (not repeat.condition and not repeat.limit) or (repeat.limit and not is_number):
        yield finding("loop_endless", process.file, node.id)


def _check_many(process: Process, node: Node, repeat: Repeat) -> Iterator[Finding]:
    is_counted = repeat.limit.isdecimal() or repeat.limit.startswith("=")
    names = [repeat.collection, repeat.item, repeat.output, repeat.output_item]
    bad = [name for name in names if name and not name.isidentifier()]
    if bool(repeat.limit) == bool(repeat.collection) or (repeat.limit and not is_counted) or bad:
        yield finding("multi_instance_count", process.file, node.id)
    elif (repeat.item and not repeat.collection) or bool(repeat.output_item) != bool(repeat.output):
        yield finding("multi_instance_data", process.file, node.id)
