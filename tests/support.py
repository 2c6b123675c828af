"""What the tests of every folder share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import sysconfig
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PATIENCE = 60.0
"""Seconds after which a test gives up. Only a failing one waits for so long."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended; `output` is what it printed, errors included."""

    status: int
    output: str

    @property
    def is_one_line(self) -> bool:
        return self.output.startswith("Error: ") and self.output.strip().count("\n") == 0


async def start(
    *command: str, url: str = "", checkout: Path = ROOT, **environment: str
) -> asyncio.subprocess.Process:
    """Start `aerich`, `blogsvc` or another command of this environment, on a database."""
    return await asyncio.create_subprocess_exec(
        str(Path(sysconfig.get_path("scripts"), command[0])),
        *command[1:],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout), "DATABASE_URL": url, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def run(
    *command: str,
    url: str = "",
    checkout: Path = ROOT,
    patience: float | None = PATIENCE,
    **environment: str,
) -> Ended:
    """Run a command as `start` does, to its end."""
    process = await start(*command, url=url, checkout=checkout, **environment)
    output, _ = await asyncio.wait_for(process.communicate(), patience)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode())


def eventually(condition: Callable[[], object]) -> bool:
    """Wait until a condition holds, and say whether it does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def becomes_true(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until a condition that must be awaited holds. Raises `TimeoutError`."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - what we wait for is in the database
            await asyncio.sleep(0.02)


def calls_of(work: Callable[[], object], *expected: type[Exception]) -> int:
    """Do some work, which may end in an expected error, and return how many calls it took.

    Unlike its time, that is the same on every machine.
    """
    made = 0

    def count(*_: object) -> None:
        nonlocal made
        made += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        with contextlib.suppress(*expected):
            work()
    finally:
        sys.setprofile(before)
    return made
