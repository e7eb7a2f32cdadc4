"""The gate: `python -m tests.paths.coverage FOLDER` after a run; `--write` makes the list of unreachable flows anew."""

import sys
from pathlib import Path

from tests.paths.coverage.diagrams import NOT_REACHABLE, all_flows, not_reachable, processes
from tests.paths.coverage.visits import noted


def main(arguments: list[str]) -> int:
    """Exit code 1 and the missing flows, page by page, if some reachable flow was not visited."""
    if arguments == ["--write"]:
        lines = sorted(not_reachable())
        NOT_REACHABLE.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return 0
    if len(arguments) != 1:
        sys.stderr.write(f"usage: python -m tests.paths.coverage FOLDER | --write\n{__doc__}\n")
        return 2
    seen = noted(Path(arguments[0]))
    listed = set(NOT_REACHABLE.read_text("utf-8").split())
    missing = all_flows() - seen - listed
    for page in processes().values():
        for flow in page.flows.values():
            if flow.id in missing:
                sys.stdout.write(f"not visited: {page.id}: {flow.source} -> {flow.target} ({flow.id})\n")
    reached = sorted(seen & listed)
    for name in reached:
        sys.stdout.write(f"listed as not reachable, but visited: {name}\n")
    sys.stdout.write(
        f"sequence flows: {len(all_flows())}, visited {len(seen & all_flows())}, not reachable {len(listed)}\n"
    )
    return 1 if missing or reached else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
