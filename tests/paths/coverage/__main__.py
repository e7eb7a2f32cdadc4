"""The gate: `python -m tests.paths.coverage FOLDER` after a run; every sequence flow of every diagram was visited."""

import sys
from pathlib import Path

from tests.paths.coverage.diagrams import all_flows, processes
from tests.paths.coverage.visits import noted


def main(arguments: list[str]) -> int:
    """Exit code 1 and the missing flows, page by page, if some flow was not visited."""
    if len(arguments) != 1:
        sys.stderr.write(f"usage: python -m tests.paths.coverage FOLDER\n{__doc__}\n")
        return 2
    seen = noted(Path(arguments[0]))
    missing = all_flows() - seen
    for page in processes().values():
        for flow in page.flows.values():
            if flow.id in missing:
                sys.stdout.write(f"not visited: {page.id}: {flow.source} -> {flow.target} ({flow.id})\n")
    sys.stdout.write(f"sequence flows: {len(all_flows())}, visited {len(all_flows()) - len(missing)}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
