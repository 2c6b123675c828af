"""A server that has gone under those who use it is started again at their next call."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService, Migrator, embedded
from blogsvc.database import endpoint
from blogsvc.embedded import program, watchdog
from blogsvc.errors import NotOpen, OutcomeUnknown, Unavailable

from ..support import PATIENCE, ROOT, becomes_true, eventually
from .processes import (
    embedded_url,
    nothing_left,
    postmaster,
    processes_of,
    refusal,
    server_processes,
    sockets_of,
    times_started,
    users,
)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"
)

_SERVES = """
import asyncio, sys
from blogsvc import BlogService

async def main():
    async with BlogService(acquire_timeout=60) as blog:
        print("open", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            await asyncio.sleep(0.05)  # sees which of its connections have been closed
            print(*(post.title for post in (await blog.posts.page()).items), flush=True)

asyncio.run(main())
"""

_STARTS = """
import sys
from pathlib import Path
from blogsvc import embedded

embedded.server.GONE_TIMEOUT = 0.2
embedded.start(Path(sys.argv[1]))
"""


def kill_the_postmaster(cluster: Path) -> None:
    os.kill(postmaster(cluster), signal.SIGKILL)


def kill_everything(cluster: Path) -> None:
    for line in processes_of(cluster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(line.split()[0]), signal.SIGKILL)


def stop_with_pg_ctl(cluster: Path) -> None:
    owner = (cluster / "pgdata").stat()
    subprocess.run(
        [program("pg_ctl"), "-D", cluster / "pgdata", "-m", "fast", "stop"],
        check=True,
        cwd="/",
        capture_output=True,
        **watchdog.run_as(owner.st_uid, owner.st_gid),
    )


def kill_it_and_remove_its_sockets(cluster: Path) -> None:
    sockets = sockets_of(cluster)
    kill_everything(cluster)
    shutil.rmtree(sockets)


ways_to_go = pytest.mark.parametrize(
    "lose",
    [kill_the_postmaster, kill_everything, stop_with_pg_ctl, kill_it_and_remove_its_sockets],
)


@pytest.fixture
def here(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of every service in this test."""
    monkeypatch.setenv("BLOGSVC_DATA_DIR", str(cluster))
    return cluster


def service() -> BlogService:
    return BlogService(acquire_timeout=PATIENCE)


async def away(lose: Callable[[Path], None], cluster: Path) -> None:
    """Make the server go, and let this loop see that its connections are closed."""
    before = set(server_processes(cluster))
    # Without a pause of this loop, so that nothing starts the server again before it is gone.
    lose(cluster)
    assert eventually(lambda: not before & set(server_processes(cluster)))
    for _ in range(10):
        await asyncio.sleep(0)


async def titles(blog: BlogService) -> list[str]:
    return [post.title for post in (await blog.posts.page(order="oldest")).items]


@ways_to_go
async def test_the_next_call_starts_it_again_with_all_that_was_acknowledged(
    here: Path, lose: Callable[[Path], None]
) -> None:
    async with service() as blog:
        await blog.posts.create("Before", "")
        await away(lose, here)
        await blog.posts.create("After", "")
        assert await titles(blog) == ["Before", "After"]
        assert [line for line in processes_of(here) if "watchdog.py" in line]


@ways_to_go
async def test_a_migrator_starts_it_again_under_an_open_service(
    here: Path, lose: Callable[[Path], None]
) -> None:
    async with service() as blog:
        await blog.posts.create("Before", "")
        await away(lose, here)
        assert all(version.state == "applied" for version in await Migrator().status())
        assert await titles(blog) == ["Before"]


async def test_a_server_whose_socket_was_deleted_is_started_again(here: Path) -> None:
    async with service() as blog:
        await blog.posts.create("Before", "")
        shutil.rmtree(sockets_of(here))
        async with service() as other:
            assert await titles(other) == ["Before"]
        with contextlib.suppress(Unavailable):
            await titles(blog)  # its connection was cut when the server was started again
        assert await titles(blog) == ["Before"]


async def test_calls_at_work_get_their_errors_and_the_next_one_an_answer(here: Path) -> None:
    async with service() as blog, service() as other:
        post = await blog.posts.create("Before", "")

        async def write_in_a_transaction() -> None:
            async with blog.transaction():
                await blog.posts.update(post.id, title="In a transaction")

        with pytest.raises(Unavailable):
            async with other.transaction():
                await other.posts.update(post.id, title="In the way")
                writes = [
                    asyncio.ensure_future(blog.posts.update(post.id, title="Alone")),
                    asyncio.ensure_future(write_in_a_transaction()),
                ]
                await becomes_true(lambda: are_waiting(embedded_url(here), len(writes)))
                await away(kill_the_postmaster, here)
        alone, inside = await asyncio.gather(*writes, return_exceptions=True)
        assert isinstance(alone, OutcomeUnknown)
        assert isinstance(inside, Unavailable)
        assert (await blog.posts.get(post.id)).title == "Before"
        assert (await other.posts.get(post.id)).title == "Before"


async def are_waiting(url: str, number: int) -> bool:
    connection = await asyncpg.connect(url)
    try:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return bool(await connection.fetchval(waiting) == number)
    finally:
        await connection.close()


async def test_many_tasks_start_it_once(here: Path) -> None:
    async with service() as blog:
        posts = [await blog.posts.create(f"Post {number}", "") for number in range(20)]
        before = times_started(here)
        await away(kill_everything, here)
        found = await asyncio.gather(*(blog.posts.get(post.id) for post in posts))
        assert found == posts
        assert times_started(here) == before + 1


class Serving:
    """A process with an open service that answers each line it is sent with all titles."""

    def __init__(self, data_dir: Path) -> None:
        environment = {**os.environ, "BLOGSVC_DATA_DIR": str(data_dir)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def ask(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def three(cluster: Path) -> Iterator[list[Serving]]:
    """Three processes with an open service on the same data."""
    started = [Serving(cluster) for _ in range(3)]
    try:
        assert [one.answer() for one in started] == ["open"] * 3
        yield started
    finally:
        for one in started:
            one.process.communicate(timeout=PATIENCE)


async def test_several_processes_start_it_once(here: Path, three: list[Serving]) -> None:
    await Migrator().upgrade()
    async with service() as blog:
        await blog.posts.create("Kept", "")
    before = times_started(here)
    pids = set(server_processes(here))
    kill_everything(here)
    assert eventually(lambda: not pids & set(server_processes(here)))
    for one in three:
        one.ask()
    assert [one.answer() for one in three] == ["Kept"] * 3
    assert times_started(here) == before + 1


async def test_a_process_that_is_killed_changes_nothing_for_the_others(
    here: Path, three: list[Serving]
) -> None:
    before = server_processes(here)[0], times_started(here)
    three[0].process.kill()
    three[0].process.wait()
    async with service() as blog:
        await blog.posts.create("Kept", "")
    three[1].ask()
    assert three[1].answer() == "Kept"
    assert (server_processes(here)[0], times_started(here)) == before


async def test_a_server_that_cannot_be_started_again_says_why_and_which_directory(
    here: Path,
) -> None:
    async with service() as blog:
        await blog.posts.create("Before", "")
        settings = here / "pgdata" / "postgresql.conf"
        fit = settings.read_text()
        settings.write_text(fit + "\nmax_connections = 'no number'\n")
        await away(kill_the_postmaster, here)
        with pytest.raises(Unavailable) as caught:
            await blog.posts.create("After", "")
        assert 'invalid value for parameter "max_connections"' in str(caught.value)
        assert "BLOGSVC_DATA_DIR" in str(caught.value)
        assert "DATABASE_URL" not in str(caught.value)
        settings.write_text(fit)
        assert await titles(blog) == ["Before"]


async def test_a_server_that_lost_its_data_is_not_started_with_an_empty_database(
    here: Path,
) -> None:
    async with service() as blog:
        kept = (here / "pgdata").rename(here / "kept")
        await away(kill_everything, here)
        with pytest.raises(Unavailable, match="data of the embedded PostgreSQL are gone"):
            await titles(blog)
        kept.rename(here / "pgdata")
        assert await titles(blog) == []


def test_nobody_waits_for_a_server_that_takes_long_to_stop(
    cluster: Path, reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded.server, "STOP_TIMEOUT", PATIENCE)
    slow = embedded.start(cluster)
    start = watchdog.open_lock(cluster, "start.lock")
    fcntl.flock(start, fcntl.LOCK_EX)  # as another process does that starts or stops it
    stopping = threading.Thread(target=slow.release)
    stopping.start()
    try:
        subprocess.run(["cp", "-Rp", cluster, reachable / "other"], check=True)
        (reachable / "other" / "pgdata" / "postmaster.pid").unlink()
        embedded.start(reachable / "other").release()
        assert stopping.is_alive()
    finally:
        os.close(start)
        stopping.join()


def test_ending_the_use_of_a_server_that_hangs_takes_seconds(cluster: Path) -> None:
    use = embedded.start(cluster)
    process = postmaster(cluster)
    os.kill(process, signal.SIGSTOP)
    try:
        ending = threading.Thread(target=use.release)
        ending.start()
        ending.join(PATIENCE - 10)  # pg_ctl alone would wait for a minute
        assert not ending.is_alive()
    finally:
        os.kill(process, signal.SIGCONT)
        ending.join()


async def test_closing_does_not_wait_for_a_start_that_is_under_way(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_RELEASE_TIMEOUT", 0.2)
    blog = await service().open()
    start = watchdog.open_lock(here, "start.lock")
    fcntl.flock(start, fcntl.LOCK_EX)  # as another process does that starts or stops it
    try:
        await away(kill_everything, here)
        call = asyncio.ensure_future(blog.ping())
        await asyncio.sleep(0.1)
        async with asyncio.timeout(PATIENCE):
            await blog.close()
            with pytest.raises(NotOpen):
                await call
    finally:
        os.close(start)


@ways_to_go
async def test_closing_beside_a_server_that_has_gone_leaves_nothing(
    here: Path, lose: Callable[[Path], None]
) -> None:
    blog = await service().open()
    sockets = sockets_of(here)
    await away(lose, here)
    await blog.close()
    # The pool may have begun to start it again in the meantime.
    assert await asyncio.to_thread(nothing_left, here)
    assert eventually(lambda: not sockets.exists())


@ways_to_go
def test_no_socket_directory_of_a_server_that_has_gone_is_left(
    cluster: Path, lose: Callable[[Path], None]
) -> None:
    use = embedded.start(cluster)
    sockets = sockets_of(cluster)
    lose(cluster)
    use.release()
    assert not sockets.exists()


def test_the_watchdog_removes_the_socket_directory_of_a_server_that_pg_ctl_stopped(
    cluster: Path,
) -> None:
    with users(cluster) as [user]:
        assert user.url
        sockets = sockets_of(cluster)
        stop_with_pg_ctl(cluster)
        user.kill()
        assert nothing_left(cluster)
    assert not sockets.exists()


def test_a_server_that_hangs_is_not_started_twice(
    cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded.server, "GONE_TIMEOUT", 0.2)
    use = embedded.start(cluster)
    process = postmaster(cluster)
    os.kill(process, signal.SIGSTOP)
    try:
        assert "it hangs" in refusal(cluster)
    finally:
        os.kill(process, signal.SIGCONT)
    again = embedded.start(cluster)
    assert postmaster(cluster) == process
    again.release()
    use.release()


def test_a_server_whose_socket_others_still_see_is_not_stopped(cluster: Path) -> None:
    private = ["unshare", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*private, "true"]).returncode:
        pytest.skip("this account cannot play a program with a /tmp of its own")
    use = embedded.start(cluster)
    process = postmaster(cluster)
    # As systemd's PrivateTmp does it.
    hidden = f'mount -t tmpfs none {sockets_of(cluster)} && exec "$@"'
    ended = subprocess.run(
        [*private, "sh", "-c", hidden, "sh", sys.executable, "-c", _STARTS, str(cluster)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "runs in another container" in ended.stderr
    assert postmaster(cluster) == process
    use.release()
