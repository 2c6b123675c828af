"""What a command prints of files, posts and the server cannot command the terminal."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import asyncpg
import pytest

import blogsvc.cli
from blogsvc import BlogService
from blogsvc.cli.terminal import one_line, printable

from ..support import run

HOSTILE = "a\x1b[31m\x9b2J\x07\u202eb\u2066\x7f\rc\nskipped all: fine\u2028d"
UNPRINTABLE = re.compile(r"[^\n\x20-\x7e]")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Été à 你好 😀 e\u0301", "Été à 你好 😀 e\u0301"),
        ("👩\u200d🔬 می\u200cخواهم", "👩\u200d🔬 می\u200cخواهم"),
        ("a\nb\r\nc\td\u2028e\xa0f", "a b  c d e f"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m\x7f\0", r"\x9b31m\x7f\x00"),
        ("\u202egpj.md\u2066\u200e", r"\u202egpj.md\u2066\u200e"),
        (os.fsdecode(b"caf\xe9.md"), r"caf\xe9.md"),
        ("\ud83d", r"\ud83d"),
    ],
)
def test_one_line_shows_what_cannot_be_printed(text: str, line: str) -> None:
    assert one_line(text) == line


def test_one_line_is_cut_to_its_width() -> None:
    assert one_line("\x1b" * 9, 6) == r"\x1b\…"
    assert one_line("123456", 6) == "123456"


def test_the_lines_of_a_message_stay() -> None:
    assert printable("a\n  b\x1b\n") == "a\n  b\\x1b\n"


async def test_a_list_is_safe_whatever_a_post_holds(
    blog: BlogService, sql: asyncpg.Connection, database: str
) -> None:
    hostile = HOSTILE.replace("\n", "\n     1  2026-05-01  ")
    await blog.posts.create(hostile, "", slug=hostile)
    ended = await run("blogsvc", "list", url=database)
    assert ended.status == 0, ended.output
    assert not UNPRINTABLE.search(ended.output.replace("…", "")), ended.output
    assert ended.output.count("\n") == 2


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
async def test_a_terminal_of_any_encoding_shows_every_title(
    blog: BlogService, database: str, encoding: str
) -> None:
    await blog.posts.create("Привет", "", slug="hello")
    ended = await run("blogsvc", "list", url=database, PYTHONIOENCODING=encoding)
    assert ended.status == 0, ended.output
    assert ("Привет" if encoding == "utf-8" else r"\u041f\u0440") in ended.output


async def test_an_import_names_files_safely(
    blog: BlogService, database: str, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"f\xff")
    folder.mkdir()
    (folder / f"{HOSTILE}.md").write_text("no post", encoding="utf-8")
    (folder / "link.md").symlink_to(f"/{HOSTILE}")
    (folder / "title.md").write_text(f"---\n{HOSTILE}\n---\n", encoding="utf-8")
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("---\ntitle: Hi\n---\n", encoding="utf-8")
    ended = await run("blogsvc", "import", str(folder), url=database)
    assert ended.status == 1
    assert not UNPRINTABLE.search(ended.output), ended.output
    lines = ended.output.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["skipped"] * 3 + ["1", "3"]
    assert all(r"/f\xff/" in line for line in lines[:3])
    assert [post.title async for post in blog.posts.stream()] == ["Hi"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", HOSTILE),
        ("export", "/dev/null/" + HOSTILE),
        ("export", "/tmp", HOSTILE),
        ("list", "--status", HOSTILE),
        ("list", "--schema", HOSTILE),
        ("list", f"--{HOSTILE}"),
        ("upgrade", "--to", HOSTILE),
        (HOSTILE,),
    ],
    ids=lambda arguments: " ".join(arguments[:-1]) or "command",
)
async def test_an_error_is_safe_whatever_it_quotes(
    database: str, arguments: tuple[str, ...]
) -> None:
    ended = await run("blogsvc", *arguments, url=database)
    assert ended.status != 0
    assert "Traceback" not in ended.output
    assert r"\x1b" in ended.output
    assert not UNPRINTABLE.search(ended.output.replace("│", "")), ended.output


async def test_a_migration_that_only_the_database_knows_is_named_safely(blog_url: str) -> None:
    connection = await asyncpg.connect(blog_url)
    await connection.execute(
        "INSERT INTO aerich (version, app, content) VALUES ($1, 'blogsvc', '{}')",
        f"99_20990101000000_{HOSTILE}",
    )
    await connection.close()
    for command in ("status", "check", "describe", "list"):
        ended = await run("blogsvc", command, url=blog_url)
        assert r"\x1b" in ended.output, command
        assert not UNPRINTABLE.search(ended.output), ended.output


def test_every_command_prints_through_the_one_safe_place() -> None:
    """`sql` prints a script for psql, which must stay as it is."""
    folder = Path(blogsvc.cli.__file__).parent
    raw = [
        (path.name, ast.unparse(node))
        for path in sorted(folder.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("click.echo", "print")
    ]
    assert [name for name, _ in raw] == ["migrations.py", "terminal.py"]
    assert raw[0][1] == "click.echo(piece)"
