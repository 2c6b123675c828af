"""From nothing: an empty directory, a cold process, and what an idle migration costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import peers

ROOT: Final = Path(__file__).resolve().parent.parent
SCRIPTS: Final = Path(sysconfig.get_path("scripts"))

_STAGES: Final = """
import time; began = time.time()
import asyncio, json, sys
from pathlib import Path
from blogsvc import embedded
from blogsvc import BlogService, config
imported = time.time()

async def main():
    server = embedded.start(config.data_dir())
    started = time.time()
    async with BlogService(server.url, migrate=True) as blog:
        opened = time.time()
        await blog.posts.create("Hello", "First")
        stored = time.time()
    server.release()
    print(json.dumps([began, imported, started, opened, stored, time.time()]))

asyncio.run(main())
"""

_WHOLE: Final = """
import asyncio
from blogsvc import BlogService

async def main():
    async with BlogService() as blog:
        await blog.posts.create("Hello", "First")
        print("stored", flush=True)

asyncio.run(main())
"""

_PLAIN: Final = """
TORTOISE_ORM = {
    "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": %r}},
    "apps": {"models": {"models": ["plain", "aerich.models"], "default_connection": "default"}},
}
from tortoise import fields, models

class Plain(models.Model):
    id = fields.IntField(primary_key=True)
"""


@dataclass(frozen=True)
class Cold:
    """Medians in seconds."""

    first_post: float
    stages: dict[str, float]
    first_answer: dict[str, float]
    commands: dict[str, float]


def measure(url: str, rounds: int, told: Callable[[str], None]) -> Cold:
    """Measure all of it; the URL is of a database that holds posts and is at the head."""
    told("cold start")
    whole = [_first_post() for _ in range(rounds)]
    stages = [_stages() for _ in range(rounds)]
    return Cold(
        statistics.median(whole),
        {name: statistics.median(each[name] for each in stages) for name in stages[0]},
        _first_answers(url, rounds, told),
        _commands(url, rounds * 2, told),
    )


def _first_post() -> float:
    """Return the seconds from the start of a process until it has stored its first post."""
    with _data_dir() as directory:
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", _WHOLE],
            env=_environment(BLOGSVC_DATA_DIR=str(directory)),
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"stored\n"
            return time.perf_counter() - started


def _stages() -> dict[str, float]:
    with _data_dir() as directory:
        environment = _environment(BLOGSVC_DATA_DIR=str(directory))

        def run() -> list[float]:
            began = time.time()
            command = [sys.executable, "-c", _STAGES]
            said = subprocess.run(command, env=environment, check=True, capture_output=True)
            return [began, *json.loads(said.stdout)]

        first, second = run(), run()  # the second finds the cluster made and migrated
    start = second[3] - second[2]
    return {
        "interpreter": first[1] - first[0],
        "import blogsvc": first[2] - first[1],
        "initdb": first[3] - first[2] - start,
        "start the server": start,
        "migrate and open": first[4] - first[3],
        "store the post": first[5] - first[4],
        "close and stop (not counted)": first[6] - first[5],
    }


def _first_answers(url: str, rounds: int, told: Callable[[str], None]) -> dict[str, float]:
    """Return how long a cold process of each peer takes from its start to its first post."""
    told("the first answer of a cold process")
    command = [sys.executable, "-m", __name__]
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in peers.ALL:
            started = time.perf_counter()
            done = subprocess.run([*command, name, url], cwd=ROOT, env=_environment(), check=False)
            if done.returncode == 0:
                taken.setdefault(name, []).append(time.perf_counter() - started)
    return {name: statistics.median(each) for name, each in taken.items()}


def _commands(url: str, rounds: int, told: Callable[[str], None]) -> dict[str, float]:
    told("commands of Aerich")
    with tempfile.TemporaryDirectory() as directory:
        plain = Path(directory)
        credentials = peers.server_of(url)._asdict()
        (plain / "plain.py").write_text(_PLAIN % credentials)
        (plain / "pyproject.toml").write_text(
            '[tool.aerich]\ntortoise_orm = "plain.TORTOISE_ORM"\nlocation = "./migrations"\n'
            'src_folder = "./."\n'
        )
        shutil.copytree(ROOT / "migrations" / "blogsvc", plain / "migrations" / "models")
        commands = {
            "aerich heads, plain configuration": ("heads", plain),
            "aerich upgrade, nothing to do": ("upgrade", ROOT),
            "aerich heads": ("heads", ROOT),
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, (command, place) in commands.items():
                started = time.perf_counter()
                subprocess.run(
                    [SCRIPTS / "aerich", command],
                    cwd=place,
                    env=_environment(DATABASE_URL=url),
                    check=True,
                    capture_output=True,
                )
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(each) for name, each in taken.items()}


@contextlib.contextmanager
def _data_dir() -> Iterator[Path]:
    """Yield the path of a directory that is not there yet, for an embedded server."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o711)  # as root, the server runs as another account
        yield Path(directory) / "data"


def _environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BLOGSVC_SCHEMA")}
    return {**kept, **more}


async def _answer(name: str, url: str) -> None:
    peer = peers.load(name)
    await peer.open(url)
    await peer.get(1)
    await peer.close()


if __name__ == "__main__":
    asyncio.run(_answer(*sys.argv[1:]))
