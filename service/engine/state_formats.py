"""Stored states of earlier formats, brought to the present one.

Format 1 kept the pages of a run inside it, and the result of a finished main flow beside the runs;
since format 2 every page is a run of its own. Since format 3 a check sum stands around it. Since format 4
tokens are numbered, without the time of their last change, where the library's random ids stood. Since format 5
the lists of an open collection stand apart; within a token they are still read.
"""

from typing import Any

from SpiffWorkflow.util.task import TaskState

EARLIER = (1, 2)  # without a check sum
UNNUMBERED = 3
WITHIN = 4
_ID, _STATE, _INTERNAL = 0, 4, 7  # places in the list of a stored task


def current(state: dict[str, Any]) -> dict[str, Any]:
    """A stored state of format 1 or 2 in the present shape."""
    return numbered(_second(state) if state["format"] == 1 else state)


def _second(state: dict[str, Any]) -> dict[str, Any]:
    runs: dict[str, Any] = {}
    if "" not in state["runs"]:
        runs[""] = _over(state)
    for key, stored in state["runs"].items():
        runs[key] = _run(stored["scope"], stored["start"], stored["main"], None if key == "" else "", "")
        runs |= _pages(key, stored)
    return {**state, "runs": runs}


def _run(scope: str, start: str, workflow: Any, parent: str | None, host: str) -> dict[str, Any]:
    return {
        "scope": scope, "start": start, "parent": parent, "host": host, "turn": 0, "over": False,
        "terminated": False, "result": None, "begun": None, "main": workflow,
    }  # fmt: skip


def _over(state: dict[str, Any]) -> dict[str, Any]:
    """The main flow that is over while event sub-processes still run; without a result one took its place."""
    return {**_run(state["process"], "", None, None, ""), "over": True, "result": state.get("result"), "begun": {}}


def _pages(key: str, stored: dict[str, Any]) -> dict[str, Any]:
    """The pages called inside a run, as runs; a call that waited as started waits as ready now."""
    pages: dict[str, Any] = {}
    hosts = {task[_ID]: (key, task) for task in stored["main"]["tasks"]}
    for call, workflow in stored["subs"].items():
        around, task = hosts[call]
        host = task[_INTERNAL]["tid"]
        task[_STATE] = TaskState.READY
        pages[host] = _run(workflow["spec"], "", workflow, around, host)
        hosts.update({inner[_ID]: (host, inner) for inner in workflow["tasks"]})
    return pages


def numbered(state: dict[str, Any]) -> dict[str, Any]:
    """Tokens by number, in the order they were stored."""
    runs = {
        key: {"begun": {} if run["over"] else None, **run, "main": run["main"] and _numbered(run["main"])}
        for key, run in state["runs"].items()
    }
    return {**state, "runs": runs}


def _numbered(workflow: dict[str, Any]) -> dict[str, Any]:
    number = {task[_ID]: place for place, task in enumerate(workflow["tasks"], start=1)}
    tasks = [
        [number[id_], number.get(parent), [number[child] for child in children], spec, task_state, *kept]
        for id_, parent, children, spec, task_state, _changed, *kept in workflow["tasks"]
    ]
    return {**workflow, "root": number[workflow["root"]], "last": number.get(workflow["last"]), "tasks": tasks}
