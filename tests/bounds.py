"""What `make bounds` installs: constraints.txt, with other versions of whose insides we know.

`python -m tests.bounds lowest` has the lowest versions that pyproject.toml allows of them; with
`newest` they are left open.
"""

from __future__ import annotations

import sys
import tomllib
from typing import Final

from packaging.requirements import Requirement

from .support import ROOT

KNOWN_INSIDE: Final = ("tortoise-orm", "aerich", "asyncpg")


def lowest() -> dict[str, str]:
    """Return the lowest version that is allowed of each."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {each.name: each for each in map(Requirement, project["dependencies"])}
    return {
        name: next(each.version for each in wanted[name].specifier if each.operator == ">=")
        for name in KNOWN_INSIDE
    }


def constraints(which: str) -> str:
    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    # What comes with them goes by them.
    free = (*KNOWN_INSIDE, "pypika-tortoise")
    kept = [line for line in pinned if line.partition("==")[0].lower() not in free]
    if which == "lowest":
        kept += [f"{name}=={version}" for name, version in lowest().items()]
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    sys.stdout.write(constraints(sys.argv[1]))
