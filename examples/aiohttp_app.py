"""A JSON API for posts with aiohttp. Run it: python -m examples.aiohttp_app"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from blogsvc import BlogService
from blogsvc.errors import BlogError

from .http_errors import answer_to

BLOG = web.AppKey("blog", BlogService)
routes = web.RouteTableDef()
answer = partial(web.json_response, dumps=partial(json.dumps, default=str))


async def open_blog(app: web.Application) -> AsyncIterator[None]:
    async with BlogService() as blog:
        app[BLOG] = blog
        yield


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BlogError as error:
        detail, status = answer_to(error)
        return answer({"detail": detail}, status=status)


@routes.post("/posts")
async def create_post(request: web.Request) -> web.Response:
    given = await request.json()
    post = await request.app[BLOG].posts.create(
        given.get("title"),
        given.get("content"),
        slug=given.get("slug"),
        status=given.get("status", "draft"),
        tags=given.get("tags", ()),
    )
    return answer(asdict(post), status=201)


@routes.get("/posts")
async def list_posts(request: web.Request) -> web.Response:
    page = await request.app[BLOG].posts.page(after=request.query.get("after"))
    return answer(asdict(page))


@routes.get(r"/posts/{id:\d+}")
async def read_post(request: web.Request) -> web.Response:
    post = await request.app[BLOG].posts.get(int(request.match_info["id"]))
    return answer(asdict(post))


@routes.get("/titles")
async def list_titles(request: web.Request) -> web.Response:
    """Answer the published posts without their contents, latest first."""
    page = await request.app[BLOG].posts.summaries(
        visible=True,
        order="published",
        tag=request.query.get("tag"),
        after=request.query.get("after"),
    )
    return answer(asdict(page))


@routes.get("/tags")
async def count_tags(request: web.Request) -> web.Response:
    return answer(await request.app[BLOG].posts.tags(visible=True))


@routes.get("/blog/{slug}")
async def read_by_slug(request: web.Request) -> web.Response:
    slug = request.match_info["slug"]
    post = await request.app[BLOG].posts.get_by_slug(slug)
    if post.slug != slug:  # one that it had before
        raise web.HTTPMovedPermanently(f"/blog/{quote(post.slug, safe='')}")
    return answer(asdict(post))


@routes.delete(r"/posts/{id:\d+}")
async def delete_post(request: web.Request) -> web.Response:
    await request.app[BLOG].posts.delete(int(request.match_info["id"]))
    return web.Response(status=204)


def make_app() -> web.Application:
    app = web.Application(middlewares=[answer_errors])
    app.cleanup_ctx.append(open_blog)
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
