"""A JSON API on one pool, each request in one transaction of Tortoise and the repository.

aerich --app blogsvc upgrade && aerich upgrade && uvicorn shop.app:app
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from tortoise.contrib.fastapi import RegisterTortoise
from tortoise.exceptions import DoesNotExist
from tortoise.transactions import in_transaction

from blogsvc import BlogService, Page, PostRecord
from blogsvc.errors import BlogError, InvalidPost, PostNotFound
from blogsvc.models import Post, tortoise_pool

from .models import Author, Comment, Tag
from .settings import TORTOISE_ORM


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with (
        RegisterTortoise(app, config=TORTOISE_ORM),
        BlogService(pool=await tortoise_pool()) as blog,
    ):
        app.state.blog = blog
        yield


def blog_of(request: Request) -> BlogService:
    blog: BlogService = request.app.state.blog
    return blog


Blog = Annotated[BlogService, Depends(blog_of)]
app = FastAPI(title="Shop", lifespan=lifespan)


class PostIn(BaseModel):
    title: str
    content: str
    authors: list[str] = []
    tags: list[str] = []


class CommentIn(BaseModel):
    text: str


@app.exception_handler(BlogError)
async def answer_error(request: Request, error: BlogError) -> JSONResponse:
    status = {PostNotFound: 404, InvalidPost: 422}.get(type(error), 500)
    return JSONResponse({"detail": error.public}, status)


@app.exception_handler(DoesNotExist)
async def answer_missing(request: Request, error: DoesNotExist) -> JSONResponse:
    return JSONResponse({"detail": "There is nothing of this name."}, 404)


@app.post("/posts", status_code=201)
async def create_post(given: PostIn, blog: Blog) -> PostRecord:
    async with in_transaction() as connection, blog.transaction(connection=connection):
        record = await blog.posts.create(given.title, given.content, status="published")
        post = Post.from_record(record)
        for name in given.authors:
            author, _ = await Author.get_or_create(name=name)
            await author.posts.add(post)
        for name in given.tags:
            # A tag that does not exist is refused, and with it the post.
            await (await Tag.get(name=name)).posts.add(post)
    return record


@app.put("/tags/{name}", status_code=204)
async def write_tag(name: str, description: str = "") -> None:
    await Tag.update_or_create(name=name, defaults={"description": description})


@app.get("/posts")
async def list_posts(blog: Blog, after: str | None = None) -> Page[PostRecord]:
    return await blog.posts.page(visible=True, order="published", after=after)


@app.get("/posts/{slug}")
async def read_post(slug: str, blog: Blog) -> dict[str, Any]:
    record = await blog.posts.get_by_slug(slug)
    comments = Comment.filter(post_id=record.id).order_by("id")
    return {
        "title": record.title,
        "authors": await Author.filter(posts=record.id).values_list("name", flat=True),
        "tags": await Tag.filter(posts=record.id).values_list("name", flat=True),
        "comments": await comments.values_list("text", flat=True),
    }


@app.post("/posts/{slug}/comments", status_code=201)
async def add_comment(slug: str, given: CommentIn, blog: Blog) -> dict[str, int]:
    record = await blog.posts.get_by_slug(slug)
    comment = await Comment.create(post=Post.from_record(record), text=given.text)
    return {"id": comment.id}


@app.get("/authors/{name}/posts")
async def posts_of(name: str) -> list[dict[str, Any]]:
    posts = Post.visible().filter(authors__name=name).order_by("-published_at")
    return await posts.values("slug", "title")


@app.delete("/posts/{slug}", status_code=204)
async def delete_post(slug: str, blog: Blog) -> None:
    await blog.posts.delete((await blog.posts.get_by_slug(slug)).id)
