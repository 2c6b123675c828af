"""Each example is started for real and used over HTTP."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from blogsvc import BlogService
from blogsvc.errors import Unavailable

from ..support import ROOT

SERVERS = {
    "fastapi": ["-m", "uvicorn", "examples.fastapi_app:app", "--port", "{port}"],
    "litestar": ["-m", "uvicorn", "examples.litestar_app:app", "--port", "{port}"],
    "aiohttp": ["-m", "examples.aiohttp_app"],
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(name: str, database: str) -> Iterator[str]:
    """Start an example on a database and yield its address."""
    port = free_port()
    with tempfile.TemporaryFile() as output:  # a pipe that nobody reads would fill up
        process = subprocess.Popen(
            [sys.executable, *(part.format(port=port) for part in SERVERS[name])],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database, "PORT": str(port)},
            stdout=output,
            stderr=output,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            if not answers(address, process):
                output.seek(0)
                pytest.fail(f"the example did not start:\n{output.read().decode()}")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{address}/posts")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return True
    return False


@pytest.mark.parametrize("name", SERVERS)
def test_an_example_serves_posts(name: str, blog_url: str) -> None:
    with served(name, blog_url) as address, httpx.Client(base_url=address) as http:
        created = http.post("/posts", json={"title": "Hello", "content": "First"})
        assert created.status_code == 201, created.text
        post = created.json()
        assert (post["slug"], post["status"], post["version"]) == ("hello", "draft", 1)
        assert http.get(f"/posts/{post['id']}").json() == post
        page: dict[str, Any] = http.get("/posts").json()
        assert (page["items"], page["next"]) == ([post], None)
        missing = http.get("/posts/4711")
        assert (missing.status_code, missing.json()) == (404, {"detail": "No post has this id."})
        assert http.post("/posts", json={"title": " ", "content": ""}).status_code == 422
        assert http.get("/posts", params={"after": "forged"}).status_code == 422
        assert http.delete(f"/posts/{post['id']}").status_code == 204
        assert http.delete(f"/posts/{post['id']}").status_code == 404


@pytest.mark.parametrize("name", SERVERS)
async def test_an_example_lists_titles_and_redirects_from_a_former_slug(
    name: str, blog_url: str
) -> None:
    async with BlogService(blog_url) as blog:
        post = await blog.posts.create(
            "Hello", "Some *text*", slug="old", status="published", tags=["a", "b"]
        )
        await blog.posts.update(post.id, slug="né w/?")
        await blog.posts.create("Draft", "", tags=["a"])
    with served(name, blog_url) as address:
        async with httpx.AsyncClient(base_url=address) as http:
            titles = (await http.get("/titles", params={"tag": "a"})).json()["items"]
            assert [(each["title"], each["excerpt"], each["tags"]) for each in titles] == [
                ("Hello", "Some text", ["a", "b"])
            ]
            assert "content" not in titles[0]
            assert (await http.get("/titles", params={"tag": "c"})).json()["items"] == []
            assert (await http.get("/tags")).json() == {"a": 1, "b": 1}
            moved = await http.get("/blog/old")
            assert (moved.status_code, moved.headers["location"]) == (
                301,
                "/blog/n%C3%A9%20w%2F%3F",
            )
            assert (await http.get("/blog/nothing")).status_code == 404
            made = await http.post(
                "/posts",
                json={
                    "title": "T",
                    "content": "",
                    "slug": "of-its-own",
                    "status": "published",
                    "tags": ["c"],
                },
            )
            assert (made.status_code, made.json()["tags"]) == (201, ["c"])
            there = await http.get("/blog/of-its-own")
            assert (there.status_code, there.json()["slug"]) == (200, "of-its-own")


@pytest.mark.parametrize("name", SERVERS)
async def test_an_example_tells_its_clients_nothing_of_the_server_that_is_not_available(
    name: str, blog_url: str
) -> None:
    owner = await asyncpg.connect(blog_url)
    role = f"blogsvc_role_{uuid.uuid4().hex[:12]}"
    await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    try:
        await owner.execute(f"GRANT SELECT ON posts, aerich TO {role}")
        parts = urlsplit(blog_url)
        host = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=f"{role}:secret@{host}").geturl()
        with served(name, url) as address:
            await owner.execute(f"ALTER ROLE {role} CONNECTION LIMIT 0")
            await owner.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1",
                role,
            )
            for _ in range(3):  # a connection that was lost, and those that are refused
                answer = await asyncio.to_thread(httpx.get, f"{address}/posts/1")
                assert (answer.status_code, answer.json()) == (503, {"detail": Unavailable.public})
    finally:
        await owner.execute(f"DROP OWNED BY {role}")
        await owner.execute(f"DROP ROLE {role}")
        await owner.close()


@pytest.mark.parametrize(("name", "document"), [("fastapi", "openapi"), ("litestar", "schema")])
def test_a_record_is_described_in_the_openapi_document(
    name: str, document: str, blog_url: str
) -> None:
    path = {"openapi": "/openapi.json", "schema": "/schema/openapi.json"}[document]
    with served(name, blog_url) as address:
        schemas = httpx.get(address + path).json()["components"]["schemas"]
    record = next(schema for key, schema in schemas.items() if key.endswith("PostRecord"))
    assert set(record["properties"]) >= {"id", "title", "published_at", "version"}


def test_the_fastapi_example_withstands_fuzzing(blog_url: str, tmp_path: Path) -> None:
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_schema_conformance"
    )
    with served("fastapi", blog_url) as address, httpx.Client(base_url=address) as http:
        http.post("/posts", json={"title": "Hello", "content": "First"})
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"),
                *("--checks", checks, "--max-examples", "40", "--seed", "1", "--no-color"),
                *("--phases", "examples,coverage,fuzzing,stateful", "--request-timeout", "20"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_worker_runs_to_its_end(blog_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.worker"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": blog_url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0 posts archived\n"


def test_a_users_own_test_gets_a_real_database_in_one_line(server: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "examples"],
        cwd=ROOT,
        env={**os.environ, "BLOGSVC_TEST_URL": server},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout
