"""Thousands of random steps on the repository and on a plain model of it, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from blogsvc import UNSET, BlogService, PostRecord
from blogsvc.database import Command
from blogsvc.errors import AlreadyExists, InvalidCursor, InvalidPost, VersionConflict
from blogsvc.posts import paging

T = TypeVar("T")
WORDS = ["walrus", "zebra", "quokka"]

storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
titles = storable.filter(str.strip) | st.sampled_from(["Same", "Hello", *WORDS])
contents = storable | st.lists(st.sampled_from(WORDS)).map(" ".join)
moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2030, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@dataclass
class Expected:
    """What the model knows of a post."""

    title: str
    content: str
    slug: str
    status: str
    published_at: datetime | None
    version: int


class Rollback(Exception):
    pass


class BlogMachine(RuleBasedStateMachine):
    """Drives both and compares after every step."""

    url: str
    loop: asyncio.AbstractEventLoop
    ids: Bundle[int] = Bundle("ids")

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def open(self) -> None:
        self.blog = BlogService(self.url, max_size=2)
        self.run(self.blog.open())
        self.run(self.blog._database.write(Command("TRUNCATE posts")))
        self.model: dict[int, Expected] = {}

    def teardown(self) -> None:
        if hasattr(self, "blog"):
            self.run(self.blog.close())

    def learn(self, post: PostRecord) -> None:
        self.model[post.id] = Expected(
            post.title, post.content, post.slug, post.status, post.published_at, post.version
        )

    def changed(self, post: PostRecord, **changes: Any) -> None:
        """Compare a post that came back with the model after the same change."""
        before = self.model[post.id]
        after = replace(before, **changes)
        if after != before:
            after = replace(after, version=before.version + 1)
        self.learn(post)
        assert self.model[post.id] == after

    @rule(target=ids, title=titles, content=contents, created_at=st.none() | moments)
    def create(self, title: str, content: str, created_at: datetime | None) -> int:
        try:
            post = self.run(self.blog.posts.create(title, content, created_at=created_at))
        except InvalidPost:
            # What PostgreSQL takes for white space and Python does not.
            title = "Same"
            post = self.run(self.blog.posts.create(title, content, created_at=created_at))
        assert post.id not in self.model
        assert post.slug not in {each.slug for each in self.model.values()}
        assert (post.title, post.content, post.version) == (title, content, 1)
        assert created_at is None or post.created_at == created_at
        self.learn(post)
        return post.id

    @rule(id=ids, title=st.none() | titles, content=st.none() | contents, fresh=st.booleans())
    def update(self, id: int, title: str | None, content: str | None, fresh: bool) -> None:
        if id not in self.model:
            return
        given = {"title": title, "content": content}
        changes = {name: value for name, value in given.items() if value is not None}
        version = self.model[id].version if fresh else self.model[id].version - 1
        call = self.blog.posts.update(id, **changes, expected_version=version)  # type: ignore[arg-type]
        if fresh:
            try:
                post = self.run(call)
            except InvalidPost:
                return
            self.changed(post, **changes)
        else:
            with pytest.raises(VersionConflict):
                self.run(call)

    @rule(id=ids, other=ids)
    def take_the_slug_of_another(self, id: int, other: int) -> None:
        if id == other or id not in self.model or other not in self.model:
            return
        with pytest.raises(AlreadyExists):
            self.run(self.blog.posts.update(id, slug=self.model[other].slug))

    @rule(id=ids, at=st.none() | moments)
    def publish(self, id: int, at: datetime | None) -> None:
        if id not in self.model:
            return
        before = self.model[id]
        post = self.run(self.blog.posts.publish(id, at=at))
        expected = at or before.published_at
        assert post.published_at == (expected or post.updated_at)
        self.changed(post, status="published", published_at=post.published_at)

    @rule(id=ids)
    def unpublish(self, id: int) -> None:
        if id in self.model:
            before = self.model[id]
            post = self.run(self.blog.posts.unpublish(id))
            time = before.published_at
            passed = time is not None and time <= post.updated_at
            kept = None if passed and before.status != "draft" else time
            self.changed(post, status="draft", published_at=kept)

    @rule(id=ids)
    def archive(self, id: int) -> None:
        if id in self.model:
            self.changed(self.run(self.blog.posts.archive(id)), status="archived")

    @rule(id=consumes(ids))
    def delete(self, id: int) -> None:
        self.run(self.blog.posts.delete(id, missing_ok=id not in self.model))
        self.model.pop(id, None)

    @rule(id=ids, title=titles, content=contents)
    def upsert(self, id: int, title: str, content: str) -> None:
        if id not in self.model:
            return
        try:
            post, created = self.run(
                self.blog.posts.upsert(self.model[id].slug, title=title, content=content)
            )
        except InvalidPost:
            return
        assert (post.id, created) == (id, False)
        self.changed(post, title=title, content=content)

    @rule(id=ids, content=contents)
    def roll_back(self, id: int, content: str) -> None:
        async def undone() -> None:
            async with self.blog.transaction():
                await self.blog.posts.create("Undone", content)
                if id in self.model:
                    await self.blog.posts.update(id, content=content)
                    await self.blog.posts.delete(id)
                raise Rollback

        with pytest.raises(Rollback):
            self.run(undone())

    @rule(id=ids)
    def two_at_once(self, id: int) -> None:
        if id not in self.model:
            return

        async def pair() -> list[PostRecord]:
            posts = self.blog.posts
            return list(
                await asyncio.gather(
                    posts.update(id, title="Same"), posts.update(id, content="walrus")
                )
            )

        before = self.model[id]
        changes = (before.title != "Same") + (before.content != "walrus")
        last = max(self.run(pair()), key=lambda post: post.version)
        self.learn(last)
        assert self.model[id] == replace(
            before, title="Same", content="walrus", version=before.version + changes
        )

    @rule(word=st.sampled_from(WORDS))
    def search(self, word: str) -> None:
        hits = self.run(self.blog.posts.search(word, limit=1000))
        words = {
            id: {*each.title.split(), *each.content.split()} for id, each in self.model.items()
        }
        # Beside other letters it is PostgreSQL that decides what a word is.
        plain = {id for id, each in words.items() if each <= {"Same", "Hello", *WORDS}}
        found = {hit.post.id for hit in hits}
        assert found & plain == {id for id in plain if word in words[id]}

    @invariant()
    def all_posts_are_as_expected(self) -> None:
        if not hasattr(self, "model"):
            return

        async def everything() -> dict[int, Expected]:
            return {
                post.id: Expected(
                    post.title,
                    post.content,
                    post.slug,
                    post.status,
                    post.published_at,
                    post.version,
                )
                async for post in self.blog.posts.stream(batch=3)
            }

        assert self.run(everything()) == self.model


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_the_repository_behaves_as_its_model(
    blog_url: str, loop: asyncio.AbstractEventLoop
) -> None:
    BlogMachine.url, BlogMachine.loop = blog_url, loop
    run_state_machine_as_test(
        BlogMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@given(st.integers(-(2**62), 2**62), st.integers(0, 2**63 - 1), st.binary(min_size=8, max_size=8))
def test_a_cursor_comes_back_as_it_was(position: int, id: int, query: bytes) -> None:
    assert paging.decode(query, paging.encode(query, position, id)) == (position, id)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_anything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        paging.decode(b"12345678", text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_from_a_cursor(moment: datetime) -> None:
    assert paging.to_time(paging.from_time(moment)) == moment


@given(st.floats(width=32, allow_nan=False))
def test_a_rank_comes_back_from_a_cursor(rank: float) -> None:
    assert paging.to_rank(paging.from_rank(rank)) == rank


def test_unset_says_what_it_is() -> None:
    assert repr(UNSET) == "UNSET"
    assert timedelta(microseconds=1) == paging._MICROSECOND
