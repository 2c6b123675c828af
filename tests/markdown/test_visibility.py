"""What an author keeps back stays back, however the author says so."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from blogsvc.markdown.visibility import visibility_of


@pytest.mark.parametrize(
    ("matter", "held_back"),
    [
        ({"draft": True}, "draft: true"),
        ({"Draft": "TRUE"}, "Draft: true"),
        ({"DRAFT": "yes"}, "DRAFT: yes"),
        ({"draft": 1}, "draft: 1"),
        ({"draft": "perhaps"}, "draft: perhaps"),
        ({"published": False}, "published: false"),
        ({"Published": "False"}, "Published: false"),
        ({"published": "no"}, "published: no"),
        ({"published": 0}, "published: 0"),
        ({"published": "not yet"}, "published: not yet"),
        ({"publish": "off"}, "publish: off"),
        ({"hidden": True}, "hidden: true"),
        ({"unlisted": "true"}, "unlisted: true"),
        ({"private": True}, "private: true"),
        ({"password": "secret"}, "password"),
        ({"permalink": False}, "permalink: false"),
        ({"status": "private"}, "status: private"),
        ({"Status": "Pending"}, "Status: pending"),
        ({"status": "future"}, "status: future"),
        ({"status": "inherit"}, "status: inherit"),
        ({"status": "trash"}, "status: trash"),
        ({"status": "gone"}, "status: gone"),
        ({"status": 1}, "status: 1"),
        ({"status": "publish", "draft": True}, "draft: true"),
        ({"draft": True, "published": True}, "draft: true"),
    ],
)
def test_what_is_held_back_is_a_draft_and_says_why(matter: dict[str, Any], held_back: str) -> None:
    assert visibility_of(matter, Path("post.md")) == ("draft", held_back)


@pytest.mark.parametrize(
    "matter",
    [
        {},
        {"draft": False},
        {"draft": "false"},
        {"draft": None},
        {"published": True},
        {"published": "yes"},
        {"published": None},
        {"published": date(2014, 3, 7)},
        {"published": "2014-03-07 09:05"},
        {"hidden": False},
        {"private": "no"},
        {"password": ""},
        {"permalink": "/hello/"},
        {"status": "publish"},
        {"STATUS": "Published"},
        {"status": None},
        {"visibility": "public"},
    ],
)
def test_what_is_shown_is_published(matter: dict[str, Any]) -> None:
    assert visibility_of(matter, Path("post.md")) == ("published", None)


@pytest.mark.parametrize("path", ["_drafts/a.md", "blog/_drafts/a.md", "_drafts/x/y/a.md"])
def test_a_drafts_folder_at_any_depth_holds_its_files_back(path: str) -> None:
    assert visibility_of({"published": True}, Path(path)) == ("draft", "_drafts")


def test_a_file_or_folder_with_another_name_holds_nothing_back() -> None:
    for path in ("_drafts.md", "my_drafts/a.md", "_posts/a.md"):
        assert visibility_of({}, Path(path)).status == "published"


def test_an_archived_post_stays_archived() -> None:
    assert visibility_of({"status": "Archived"}, Path("a.md")).status == "archived"
