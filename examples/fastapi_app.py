"""A JSON API for posts with FastAPI. Run it: uvicorn examples.fastapi_app:app"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from blogsvc import BlogService, Page, PostRecord, PostRepository, PostSummary, SearchHit
from blogsvc.errors import BlogError, InvalidCursor, InvalidPost, InvalidQuery

from .http_errors import answer_to


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with BlogService() as blog:
        app.state.blog = blog
        yield


def posts_of(request: Request) -> PostRepository:
    blog: BlogService = request.app.state.blog
    return blog.posts


Posts = Annotated[PostRepository, Depends(posts_of)]
Status = Literal["draft", "published", "archived"]


Title = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PostIn(Body):
    title: Title
    content: str
    slug: str | None = None
    status: Status = "draft"
    tags: list[str] = []


class PostPatch(Body):
    """What is left out stays as it is; null is for `published_at` only."""

    title: Title = ""
    content: str = ""
    slug: str = ""
    published_at: AwareDatetime | None = None
    expected_version: int | None = None


class PublishIn(Body):
    at: AwareDatetime | None = None


class Problem(BaseModel):
    detail: str


FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 404, 409, 503)
}
app = FastAPI(title="Posts", lifespan=lifespan, responses=FAILURES)


@app.exception_handler(BlogError)
async def answer_error(request: Request, error: BlogError) -> JSONResponse:
    if isinstance(error, InvalidPost):
        # In the words in which FastAPI itself tells of a field that does not fit.
        flaw = {"loc": ["body", error.field], "msg": error.reason, "type": "invalid"}
        return JSONResponse({"detail": [flaw]}, 422)
    if isinstance(error, InvalidQuery | InvalidCursor):
        flaw = {"loc": ["query"], "msg": error.public, "type": "invalid"}
        return JSONResponse({"detail": [flaw]}, 422)
    detail, status = answer_to(error)
    return JSONResponse({"detail": detail}, status)


@app.post("/posts", status_code=201)
async def create_post(post: PostIn, posts: Posts) -> PostRecord:
    return await posts.create(
        post.title, post.content, slug=post.slug, status=post.status, tags=post.tags
    )


@app.get("/posts")
async def list_posts(
    posts: Posts,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: str | None = None,
) -> Page[PostRecord]:
    return await posts.page(status=status, limit=limit, after=after)


@app.get("/titles")
async def list_titles(
    posts: Posts, tag: str | None = None, after: str | None = None
) -> Page[PostSummary]:
    """The published posts without their contents, latest first."""
    return await posts.summaries(visible=True, order="published", tag=tag, after=after)


@app.get("/tags")
async def count_tags(posts: Posts) -> dict[str, int]:
    return await posts.tags(visible=True)


@app.get("/blog/{slug}", response_model=PostRecord, responses={301: {"description": "It moved."}})
async def read_by_slug(slug: str, posts: Posts) -> Any:
    post = await posts.get_by_slug(slug)
    if post.slug != slug:  # one that it had before
        return RedirectResponse(f"/blog/{quote(post.slug, safe='')}", 301)
    return post


@app.get("/posts/{id}")
async def read_post(id: int, posts: Posts) -> PostRecord:
    return await posts.get(id)


@app.patch("/posts/{id}")
async def change_post(id: int, patch: PostPatch, posts: Posts) -> PostRecord:
    return await posts.update(id, **patch.model_dump(exclude_unset=True))


@app.post("/posts/{id}/publish")
async def publish_post(id: int, when: PublishIn, posts: Posts) -> PostRecord:
    return await posts.publish(id, at=when.at)


@app.delete("/posts/{id}", status_code=204)
async def delete_post(id: int, posts: Posts) -> None:
    await posts.delete(id)


@app.get("/search")
async def search_posts(posts: Posts, q: str, after: str | None = None) -> Page[SearchHit]:
    return await posts.search(q, visible=True, after=after)
