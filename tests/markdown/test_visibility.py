"""What an author keeps back stays back, however the author says so."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from blogsvc.markdown.keys import Keys
from blogsvc.markdown.visibility import Visibility, visibility_of


def of(matter: dict[str, Any], *folders: str) -> Visibility:
    spelled = {
        key: str(value).lower() if isinstance(value, bool | int | date) else value
        for key, value in matter.items()
    }
    return visibility_of(Keys(matter, spelled), folders)


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
        ({"post_password": "secret"}, "post_password"),
        ({"eleventyExcludeFromCollections": True}, "eleventyExcludeFromCollections: true"),
        ({"_build": {"render": "never"}}, "_build: render: never"),
        ({"build": {"list": "never", "render": "always"}}, "build: list: never"),
        ({"hidden": ["a"]}, "hidden: a list"),
        ({"published": ["a"]}, "published: a list"),
    ],
)
def test_what_is_held_back_is_a_draft_and_says_why(matter: dict[str, Any], held_back: str) -> None:
    assert of(matter) == ("draft", held_back)


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
        {"build": {"list": "local", "render": "link"}},
    ],
)
def test_what_is_shown_is_published(matter: dict[str, Any]) -> None:
    assert of(matter) == ("published", None)


@pytest.mark.parametrize("folders", [("_drafts",), ("blog", "_Drafts"), ("_drafts", "x", "y")])
def test_a_drafts_folder_at_any_depth_holds_its_files_back(folders: tuple[str, ...]) -> None:
    assert of({"published": True}, *folders) == ("draft", "_drafts")


def test_a_folder_with_another_name_holds_nothing_back() -> None:
    for folder in ("my_drafts", "_posts", "drafts.old"):
        assert of({}, folder).status == "published"


def test_an_archived_post_stays_archived() -> None:
    assert of({"status": "Archived"}).status == "archived"
