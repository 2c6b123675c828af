"""What the documents show is what happens: their sessions are typed again."""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import re
import traceback
from typing import Any

import pytest

from blogsvc import BlogService, errors
from blogsvc.cli import cli
from blogsvc.posts.repository import PostRepository
from blogsvc.service import Blog

from ..support import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = (ROOT / "docs" / "repository.md").read_text(encoding="utf-8")
CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


async def type_in(example: doctest.Example, names: dict[str, Any]) -> str:
    """Do what `python -m asyncio` does with an input, and return what it prints."""
    code = compile(example.source, "<doc>", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            result = eval(code, names)
            if inspect.isawaitable(result):
                await result
        except Exception as error:  # noqa: BLE001 - the session shows it
            printed.write("".join(traceback.format_exception_only(error)))
    return printed.getvalue()


async def test_the_session_in_the_docs_of_the_repository_is_true(
    blog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", blog_url)
    session = "".join(text for kind, text in CODE.findall(REPOSITORY) if kind == "pycon")
    names: dict[str, Any] = {}
    check = doctest.OutputChecker().check_output
    examples = doctest.DocTestParser().get_examples(session)
    assert len(examples) > 40
    for example in examples:
        said = await type_in(example, names)
        want = (example.exc_msg or example.want).replace("<BLANKLINE>", "")
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert check(want, said, options), f"{example.source}\nsays {said!r}"


@pytest.mark.parametrize("kind", [Blog, BlogService, PostRepository])
def test_every_public_method_is_documented(kind: type) -> None:
    for name, member in vars(kind).items():
        if not name.startswith("_"):
            assert inspect.getdoc(member), name
            assert re.search(rf"\b{name}\b", REPOSITORY), name


def test_every_error_is_documented() -> None:
    for name in errors.__all__:
        assert f"`{name}`" in REPOSITORY or f"errors.{name}`" in REPOSITORY, name


def test_every_command_is_documented() -> None:
    documents = "".join(path.read_text() for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
    for name, command in cli.commands.items():
        assert command.help, name
        assert f"blogsvc {name}" in documents, name
