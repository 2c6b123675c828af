"""Tasks that call a repository on a bad network, and remember what they were told of each post."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from blogsvc import BlogService, NewPost
from blogsvc.errors import BlogError, OutcomeUnknown, PostNotFound

from ..support import PATIENCE

Effect = dict[str, str | None]
"""The titles that slugs have after a call; None where there is no post."""


@dataclass
class Tally:
    """What became of the calls of a storm."""

    calls: int = 0
    acknowledged: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    untyped: list[BaseException] = field(default_factory=list)
    hung: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left_behind: int = 0

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.failed.items()))
        return (
            f"calls {self.calls}, acknowledged {self.acknowledged}, "
            f"failed {self.failed.total()} ({kinds}), outcome unknown {self.unknown}, "
            f"lost {len(self.lost)}, wrong {len(self.wrong)}, untyped {len(self.untyped)}, "
            f"hung {self.hung}, left behind {self.left_behind}"
        )


class Interruption(Exception):
    """What a caller's own code raises in a transaction."""


class Writer:
    """Writes posts of its own, one call after another, and knows which titles each may have.

    A post whose outcome is unknown is left alone from then on: the statement may still be on its
    way.
    """

    def __init__(self, blog: BlogService, name: str, seed: int, tally: Tally) -> None:
        self._posts = blog.posts
        self._blog = blog
        self._name = name
        self._random = random.Random(f"{name} {seed}")
        self._tally = tally
        self._number = 0
        self._known: dict[str, str] = {}
        self.expected: dict[str, set[str | None]] = {}

    async def write(self, deadline: float) -> None:
        """Make calls until a moment of the loop's clock, and cancel some of them."""
        calls = [self._create, self._create_many, self._upsert, self._update, self._publish]
        calls += [self._delete, self._block, self._broken_block, self._read, self._look]
        calls += [self._create, self._upsert] * 2  # what commits at once has most to lose
        loop = asyncio.get_running_loop()
        while loop.time() < deadline:
            effect, call = self._random.choice(calls)()
            await self._make(effect, call, self._random.random() < 0.02)

    async def _make(
        self, effect: Effect, call: Callable[[], Awaitable[object]], cancel: bool
    ) -> None:
        self._tally.calls += 1
        making = asyncio.ensure_future(call())
        if cancel:
            await asyncio.wait([making], timeout=self._random.uniform(0, 0.05))
            making.cancel()
        done, _ = await asyncio.wait([making], timeout=PATIENCE)
        if not done:
            self._tally.hung += 1
            making.cancel()
            self._is_unknown(effect)
            return
        try:
            making.result()
        except (OutcomeUnknown, asyncio.CancelledError):
            self._tally.unknown += 1
            self._is_unknown(effect)
        except BlogError as error:
            self._tally.failed[type(error).__name__] += 1
        except Interruption:
            self._tally.acknowledged += 1
        except BaseException as error:  # noqa: BLE001 - it is what we look for
            self._tally.untyped.append(error)
            self._is_unknown(effect)
        else:
            self._tally.acknowledged += 1
            self._is_known(effect)

    def _is_known(self, effect: Effect) -> None:
        for slug, title in effect.items():
            self.expected[slug] = {title}
            self._known.pop(slug, None)
            if title is not None:
                self._known[slug] = title

    def _is_unknown(self, effect: Effect) -> None:
        for slug, title in effect.items():
            self.expected[slug] = {*self.expected.get(slug, {None}), title}
            self._known.pop(slug, None)

    def _new(self, count: int = 1) -> Effect:
        """Return slugs that nobody has, with the titles that they are to get."""
        effect: Effect = {}
        for _ in range(count):
            self._number += 1
            slug = f"{self._name}-{self._number}"
            effect[slug] = f"First of {slug}"
            self.expected[slug] = {None}
        return effect

    def _changed(self) -> Effect:
        """Return the slug of a post that is there, with another title; a new one where none is."""
        if not self._known:
            return self._new()
        self._number += 1
        slug = self._random.choice(list(self._known))
        return {slug: f"Change {self._number} of {slug}"}

    def _create(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        effect = self._new()
        [(slug, title)] = effect.items()
        return effect, lambda: self._posts.create(str(title), "C", slug=slug)

    def _create_many(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        effect = self._new(5)
        posts = [NewPost(str(title), "C", slug=slug) for slug, title in effect.items()]
        return effect, lambda: self._posts.create_many(posts)

    def _upsert(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        effect = self._changed()
        [(slug, title)] = effect.items()
        return effect, lambda: self._posts.upsert(slug, title=str(title), content="C")

    def _update(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        effect = self._changed()
        [(slug, title)] = effect.items()
        if slug not in self._known:
            return self._create()

        async def update() -> None:
            post = await self._posts.get_by_slug(slug)
            await self._posts.update(post.id, title=str(title), expected_version=post.version)

        return effect, update

    def _publish(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        if not self._known:
            return self._create()
        slug = self._random.choice(list(self._known))

        async def publish() -> None:
            await self._posts.publish((await self._posts.get_by_slug(slug)).id)

        return {}, publish

    def _delete(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        if not self._known:
            return self._create()
        slug = self._random.choice(list(self._known))

        async def delete() -> None:
            await self._posts.delete((await self._posts.get_by_slug(slug)).id)

        return {slug: None}, delete

    def _block(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        effect = {**self._new(2), **self._changed()}

        async def block() -> None:
            async with self._blog.transaction():
                for slug, title in effect.items():
                    async with self._blog.transaction():
                        await self._posts.upsert(slug, title=str(title), content="C")

        return effect, block

    def _broken_block(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        [(slug, title)] = self._new().items()

        async def block() -> None:
            async with self._blog.transaction():
                await self._posts.create(str(title), "C", slug=slug)
                raise Interruption

        return {}, block

    def _read(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        return {}, self._random.choice(
            [
                lambda: self._posts.page(limit=5, with_total=True),
                lambda: self._posts.search("first"),
                lambda: self._posts.get_many([1, 2, 3]),
                lambda: self._posts.count(),
                lambda: self._posts.summaries(limit=5, visible=True),
                lambda: self._posts.tags(),
                self._look_around,
                self._blog.write_token,
            ]
        )

    async def _look_around(self) -> None:
        page = await self._posts.summaries(order="published", limit=3)
        for summary in page:
            with contextlib.suppress(PostNotFound):  # deleted meanwhile
                await self._posts.neighbours(summary.id)

    def _look(self) -> tuple[Effect, Callable[[], Awaitable[object]]]:
        """Read posts of this writer at once, in statements for many; nobody else changes them."""
        known = dict(list(self._known.items())[-20:])

        async def look() -> None:
            found = await asyncio.gather(
                *(self._posts.get_by_slug_or_none(slug) for slug in known), return_exceptions=True
            )
            failures = [each for each in found if isinstance(each, BaseException)]
            for (slug, title), post in zip(known.items(), found, strict=True):
                if not isinstance(post, BaseException) and (
                    post is None or (post.slug, post.title) != (slug, title)
                ):
                    self._tally.wrong.append(slug)
            for failure in failures:
                raise failure

        return {}, look
