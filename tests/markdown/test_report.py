"""An import tells what became of each file, by reason, and at no greater length than that takes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from blogsvc import BlogService
from blogsvc.markdown import HeldBack, ImportReport, Skipped, import_posts, reading
from blogsvc.markdown.files import PostFile, read_file
from blogsvc.markdown.report import kind_of
from blogsvc.markdown.sites import Site

from ..support import Ended, run
from .folders import write, yaml

MAY = "2026-05-01"


def told(**values: object) -> list[str]:
    nothing = {"created": 0, "unchanged": 0, "updated": 0, "section_pages": (), "skipped": ()}
    report = ImportReport(**{**nothing, **values})  # type: ignore[arg-type]
    return report.summary()[1:]


def test_what_was_skipped_is_counted_by_reason() -> None:
    reasons = [
        *["title is missing"] * 3,
        *["file is not UTF-8: save it in that encoding"] * 2,
        "title is 299 characters long; 255 fit",
        "title is 1,300 characters long; 255 fit",
        "file cannot be read (Permission denied)",
        "is a link to /etc, outside of what is imported",
    ]
    skipped = tuple(Skipped(Path("x"), reason) for reason in reasons)
    assert told(skipped=skipped) == [
        "9 skipped: 3 no title, 2 not UTF-8, 2 title is characters long, 1 file cannot be read, "
        "1 links out of the folder"
    ]


def test_what_is_held_back_is_counted_by_reason() -> None:
    reasons = ["draft: true", "draft: true", "publishDate lies ahead", "status: private", "_drafts"]
    held_back = tuple(HeldBack(Path("x"), reason) for reason in reasons)
    assert told(held_back=held_back) == [
        "5 held back: 2 draft, 1 _drafts, 1 scheduled, 1 status: private"
    ]


def test_what_is_kept_in_metadata_is_counted_by_key() -> None:
    assert told(kept={"author": 210, "image": 33}) == ["kept in metadata: author (210), image (33)"]


def test_a_summary_stays_short_whatever_files_say() -> None:
    lines = told(
        kept={f"{'key' * 1000}{n}": 1 for n in range(1000)},
        skipped=tuple(Skipped(Path("x"), f"{'a' * 1000}{n}x") for n in range(1000)),
        held_back=tuple(HeldBack(Path("x"), f"status: {'a' * 100}{n}") for n in range(1000)),
    )
    assert len(lines) == 3
    assert max(map(len, lines)) < 2000
    assert lines[0].endswith(", and 980 other reasons")
    assert lines[2].endswith(", and 980 other keys")


@pytest.mark.parametrize("reason", ["", "(", "12 ", ": ", "7"])
def test_any_reason_has_a_kind(reason: str) -> None:
    assert isinstance(kind_of(reason), str)


async def test_each_post_is_told_that_the_public_does_not_see(
    blog: BlogService, tmp_path: Path
) -> None:
    files = {
        "draft": yaml(date=MAY, draft="true"),
        "shown": yaml(date=MAY),
        "later": yaml(date="2999-01-01"),
        "past": yaml(date=MAY, expiryDate="2026-05-02"),
        "_drafts/deep": yaml(date=MAY),
        "gone": yaml(date=MAY, status="archived"),
    }
    for name, text in files.items():
        write(tmp_path, f"{name}.md", text)
    for _ in range(2):  # whether they are new or not
        report = await import_posts(blog.posts, [tmp_path])
        reasons = {
            path.relative_to(tmp_path).with_suffix("").as_posix(): why
            for path, why in report.held_back
        }
        assert reasons == {
            "draft": "draft: true",
            "later": "date lies ahead",
            "past": "expiryDate is past",
            "_drafts/deep": "_drafts",
            "gone": "status: archived",
        }
    visible = {post.slug for post in await blog.posts.page(visible=True)}
    assert visible == {"shown"}


async def test_keys_that_are_kept_are_counted_over_all_files(
    blog: BlogService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, site: Site) -> PostFile:
        kept = ("author", "image") if path.stem == "a" else ("author",)
        return read_file(path, site)._replace(kept=kept)

    monkeypatch.setattr(reading, "read_file", read)
    for name in "abc":
        write(tmp_path, f"{name}.md", yaml(date=MAY))
    for _ in range(2):
        report = await import_posts(blog.posts, [tmp_path])
        assert report.kept == {"author": 3, "image": 1}


async def test_copies_are_told(blog: BlogService, tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path, f"{name}/hello.md", yaml(date=MAY))
    for created in (1, 0):
        report = await import_posts(blog.posts, [tmp_path])
        assert (report.created, len(report.copies)) == (created, 2)
        assert report.summary()[1] == "2 of the unchanged are copies of other files"


# The command


async def blogsvc_import(database: str, *arguments: object) -> Ended:
    return await run("blogsvc", "import", *map(str, arguments), url=database)


async def test_the_command_tells_it_all_and_names_what_was_updated(
    blog: BlogService, database: str, tmp_path: Path
) -> None:
    write(tmp_path, "posts/hello.md", yaml(date=MAY))
    write(tmp_path, "posts/_index.md", yaml())
    write(tmp_path, "posts/secret.md", yaml(date=MAY, draft="true"))
    first = await blogsvc_import(database, tmp_path)
    assert (first.status, first.output.splitlines()) == (
        0,
        [
            "2 created, 0 unchanged, 0 updated, 0 skipped, 1 section pages ignored",
            "1 held back: 1 draft",
        ],
    )
    write(tmp_path, "posts/hello.md", yaml("New", date=MAY))
    second = await blogsvc_import(database, tmp_path)
    assert second.output.splitlines() == [
        f"updated {tmp_path}/posts/hello.md",
        "0 created, 1 unchanged, 1 updated, 0 skipped, 1 section pages ignored",
        "1 held back: 1 draft",
    ]


async def test_the_command_names_ten_files_unless_it_is_to_name_all(
    blog: BlogService, database: str, tmp_path: Path
) -> None:
    for number in range(15):
        write(tmp_path, f"{number:02}.md", "---\nslug: x\n---\n")
    write(tmp_path, "secret.md", yaml(date=MAY, draft="true"))
    write(tmp_path, "_index.md", yaml())
    short = await blogsvc_import(database, tmp_path)
    lines = short.output.splitlines()
    assert short.status == 1
    assert lines[9] == f"skipped {tmp_path}/09.md: title is missing"
    assert lines[10:] == [
        "skipped 5 more; --verbose names them",
        "1 created, 0 unchanged, 0 updated, 15 skipped, 1 section pages ignored",
        "15 skipped: 15 no title",
        "1 held back: 1 draft",
    ]
    long = await blogsvc_import(database, "--verbose", tmp_path)
    lines = long.output.splitlines()
    assert lines[14:17] == [
        f"skipped {tmp_path}/14.md: title is missing",
        f"held back {tmp_path}/secret.md: draft: true",
        f"ignored {tmp_path}/_index.md: a section page",
    ]


async def test_a_folder_without_posts_is_an_error_of_the_command(
    blog: BlogService, database: str, tmp_path: Path
) -> None:
    ended = await blogsvc_import(database, tmp_path)
    assert ended.status != 0
    assert "There is no Markdown file in" in ended.output
    assert "Traceback" not in ended.output


async def test_a_time_zone_and_a_language_can_be_given(
    blog: BlogService, database: str, tmp_path: Path
) -> None:
    write(tmp_path, "hello.en.md", yaml(date="2026-05-01 10:00:00"))
    write(tmp_path, "hello.fr.md", yaml("Bonjour", date="2026-05-01 10:00:00"))
    options = "--timezone", "Europe/Berlin", "--language", "fr"
    assert (await blogsvc_import(database, *options, tmp_path)).status == 0
    french, english = [post async for post in blog.posts.stream(order="newest")]
    if french.slug != "hello":
        french, english = english, french
    assert (french.title, french.slug) == ("Bonjour", "hello")
    assert english.slug == "hello-en"
    assert french.created_at == datetime(2026, 5, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--timezone", "Mars/Olympus"),
        ("--timezone", "../../etc/passwd"),
        ("--timezone", "Europe"),
        ("--timezone", "x" * 5000),
        ("--timezone", ""),
        ("--language", "klingon"),
        ("--language", ""),
    ],
)
async def test_one_that_there_is_not_is_named_before_anything_is_stored(
    blog: BlogService, database: str, tmp_path: Path, option: str, value: str
) -> None:
    write(tmp_path, "hello.md", yaml())
    ended = await blogsvc_import(database, option, value, tmp_path)
    assert ended.status != 0
    assert f"There is no {option[2:].replace('timezone', 'time zone')} '{value}'" in ended.output
    assert await blog.posts.count() == 0
