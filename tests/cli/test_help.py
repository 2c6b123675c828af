"""The help says everything in full, and the shell can complete it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from blogsvc import config
from blogsvc.cli import cli

from ..support import run


@pytest.mark.parametrize("columns", ["80", "60"])
async def test_the_list_of_commands_is_not_cut_off(columns: str) -> None:
    said = (await run("blogsvc", "--help", COLUMNS=columns)).output
    assert "..." not in said.replace("[ARGS]...", "")
    assert set(cli.commands) <= set(re.findall(r"^  ([\w-]+)  ", said, re.M))


async def test_the_help_names_every_variable_of_the_environment() -> None:
    read = set(re.findall(r'environ\.get\("(\w+)"', inspect.getsource(config)))
    assert len(read) == 4
    said = (await run("blogsvc", "--help")).output
    assert all(name in said for name in read)
    for name, command in cli.commands.items():
        options = {option for each in command.params for option in each.opts}
        said = (await run("blogsvc", name, "--help")).output
        assert ("--url" in options) == ("[env: DATABASE_URL" in " ".join(said.split())), name
        assert ("--schema" in options) == ("BLOGSVC_SCHEMA" in said), name


def test_the_help_says_where_the_documents_are() -> None:
    [place] = re.findall(r"Documents: (.*)", str(cli.epilog))
    assert len(list(Path(place).glob("*.md"))) > 5


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_the_shell_can_complete_the_commands(shell: str) -> None:
    ended = await run("blogsvc", _BLOGSVC_COMPLETE=f"{shell}_source")
    assert ended.status == 0
    assert f"_BLOGSVC_COMPLETE={shell}_complete" in ended.output
    ended = await run(
        "blogsvc",
        _BLOGSVC_COMPLETE=f"{shell}_complete",
        COMP_WORDS="blogsvc list --status pub",
        COMP_CWORD="pub" if shell == "fish" else "3",
    )
    assert "published" in ended.output
    assert "draft" not in ended.output
