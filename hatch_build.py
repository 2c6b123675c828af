"""The README of a package page: links to files lead to the repository, or are plain text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


class CustomMetadataHook(MetadataHookInterface):
    """Sets `readme`, with the links made absolute by `Repository` of `project.urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = metadata.get("urls", {}).get("Repository")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_links(text, repository),
        }


def with_links(text: str, repository: str | None) -> str:
    """Return a text whose links to files lead to a repository; None, where it has no address."""

    def absolute(link: re.Match[str]) -> str:
        words, path, section = link[1], link[2], link[3] or ""
        if repository is None:
            return f"{words} (`{path}`)"
        return f"[{words}]({repository}/blob/main/{path}{section})"

    return _LINK.sub(absolute, text)
