"""A JSON API for posts with Litestar. Run it: uvicorn examples.litestar_app:app"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from litestar import Controller, Litestar, Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.di import Provide
from litestar.response import Redirect

from blogsvc import BlogService, Page, PostRecord, PostRepository, PostSummary
from blogsvc.errors import BlogError
from blogsvc.posts import Status

from .http_errors import answer_to


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    async with BlogService() as blog:
        app.state.blog = blog
        yield


async def posts_of(state: State) -> PostRepository:
    blog: BlogService = state.blog
    return blog.posts


@dataclass
class PostIn:
    title: str
    content: str
    slug: str | None = None
    tags: list[str] = field(default_factory=list)
    status: Status = "draft"


class PostController(Controller):
    path = "/posts"

    @post()
    async def create(self, data: PostIn, posts: PostRepository) -> PostRecord:
        return await posts.create(
            data.title, data.content, slug=data.slug, status=data.status, tags=data.tags
        )

    @get()
    async def page(self, posts: PostRepository, after: str | None = None) -> Page[PostRecord]:
        return await posts.page(after=after)

    @get("/{id:int}")
    async def read(self, id: int, posts: PostRepository) -> PostRecord:
        return await posts.get(id)

    @post("/{id:int}/publish", status_code=200)
    async def publish(self, id: int, posts: PostRepository) -> PostRecord:
        return await posts.publish(id)

    @delete("/{id:int}")
    async def remove(self, id: int, posts: PostRepository) -> None:
        await posts.delete(id)


@get("/titles")
async def titles(
    posts: PostRepository, tag: str | None = None, after: str | None = None
) -> Page[PostSummary]:
    """The published posts without their contents, latest first."""
    return await posts.summaries(visible=True, order="published", tag=tag, after=after)


@get("/tags")
async def tags(posts: PostRepository) -> dict[str, int]:
    return await posts.tags(visible=True)


@get("/blog/{slug:str}")
async def by_slug(slug: str, posts: PostRepository) -> Response[PostRecord] | Redirect:
    post = await posts.get_by_slug(slug)
    if post.slug != slug:  # one that it had before
        return Redirect(f"/blog/{quote(post.slug, safe='')}", status_code=301)
    return Response(post)


def answer_error(request: Request[Any, Any, Any], error: BlogError) -> Response[dict[str, str]]:
    detail, status = answer_to(error)
    return Response({"detail": detail}, status_code=status)


app = Litestar(
    [PostController, titles, tags, by_slug],
    lifespan=[lifespan],
    dependencies={"posts": Provide(posts_of)},
    exception_handlers={BlogError: answer_error},
)
