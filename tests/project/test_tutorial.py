"""The tutorial and the README are typed, command by command, and say what is printed."""

from __future__ import annotations

import doctest
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ..support import PATIENCE, ROOT
from .test_examples import free_port

README = (ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLING = ("mkdir", "python3 -m venv", ". .venv", "pip install", "make ")
VARIES = {
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00": "(a time)",
    r'"[^"]*/migrations"': "(a folder)",
    r"blogsvc-\w{8}": "(a directory)",
}


class Reader:
    """Types what the tutorial says, in a directory, with an embedded server of its own."""

    def __init__(self, place: Path) -> None:
        self.blog = place / "blog"
        self.blog.mkdir()
        self.port = free_port()
        self.running: subprocess.Popen[bytes] | None = None
        scripts = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        self.environment = {
            **os.environ,
            "PATH": scripts,
            "PYTHONPATH": str(ROOT),
            "BLOGSVC_DATA_DIR": str(place / "data"),
        }

    def type(self, command: str) -> str:
        if command.startswith("uvicorn"):
            return self.serve()
        if command.startswith("curl"):
            return self.ask(command)
        if "--keep" in command:
            return self.first_lines(command, 2)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.blog,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.stdout

    def first_lines(self, command: str, number: int) -> str:
        """Run what runs until Ctrl-C, and press that after some lines."""
        process = subprocess.Popen(
            command.split(),
            cwd=self.blog,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(number)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        return "".join(printed)

    def serve(self) -> str:
        self.stop()
        command = (sys.executable, "-m", "uvicorn", "app:app", "--port", str(self.port))
        self.running = subprocess.Popen(
            [*command, "--log-level", "error"], cwd=self.blog, env=self.environment
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.running.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/")
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return ""
        pytest.fail("the application of the tutorial did not start")

    def ask(self, command: str) -> str:
        [url] = re.findall(r'http[^" ]+', command)
        method = "POST" if "-X POST" in command else "GET"
        return httpx.request(method, url.replace("8000", str(self.port))).text + "\n"

    def stop(self) -> None:
        if self.running is not None:
            self.running.terminate()
            self.running.wait(PATIENCE)


@pytest.fixture
def reader(reachable: Path) -> Iterator[Reader]:
    reader = Reader(reachable)
    yield reader
    reader.stop()


def commands(session: str) -> Iterator[tuple[str, str]]:
    for part in session.removeprefix("$ ").split("\n$ "):
        command, _, output = part.partition("\n")
        yield command, output


def without_what_varies(text: str) -> str:
    for pattern, name in VARIES.items():
        text = re.sub(pattern, name, text)
    return text.rstrip() + "\n"


def says(want: str, got: str) -> bool:
    check = doctest.OutputChecker().check_output
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return check(without_what_varies(want), without_what_varies(got), options)


def test_the_tutorial_says_what_is_printed(reader: Reader) -> None:
    typed = 0
    for before, kind, text in BLOCK.findall(TUTORIAL):
        if kind == "console":
            for command, output in commands(text):
                if not command.startswith(INSTALLING):
                    printed = reader.type(command)
                    assert says(output, printed), f"{command}\nsays {printed}"
                    typed += 1
        elif name := re.search(r"`(posts\.py|app\.py)` (?:is|has)", before):
            (reader.blog / name[1]).write_text(text, encoding="utf-8")
        elif "`app.py` one line changes" in before:
            app = reader.blog / "app.py"
            app.write_text(app.read_text().replace("app = FastAPI()\n", text), encoding="utf-8")
    assert typed > 15


def test_the_readme_says_what_is_printed(reader: Reader) -> None:
    typed = 0
    for before, kind, text in BLOCK.findall(README):
        if name := re.fullmatch(r"`(\w+\.py)`:", before):
            (reader.blog / name[1]).write_text(text, encoding="utf-8")
        for command, output in commands(text) if kind == "console" else ():
            if not command.startswith(INSTALLING):
                printed = reader.type(command)
                assert says(output, printed), f"{command}\nsays {printed}"
                typed += 1
    assert typed == 5


def test_the_model_and_the_migration_are_those_of_the_package() -> None:
    shown = [text for _, kind, text in BLOCK.findall(TUTORIAL) if kind == "python"]
    [model] = [text for text in shown if "class Post(Model)" in text]
    source = (ROOT / "blogsvc" / "models.py").read_text(encoding="utf-8")
    assert all(line in source for line in model.splitlines())
    [migration] = [text for text in shown if "def downgrade" in text]
    [first] = (ROOT / "migrations" / "blogsvc").glob("0_*.py")
    assert migration in first.read_text(encoding="utf-8")
