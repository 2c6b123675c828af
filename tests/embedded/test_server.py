"""The embedded PostgreSQL: real processes start it, share it, die, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from blogsvc import BlogService, embedded
from blogsvc.database import Endpoint
from blogsvc.embedded import server

from ..support import eventually, run
from .processes import (
    ask,
    embedded_url,
    nothing_left,
    ordinary_user,
    postmaster,
    processes_of,
    the_account_can_read_the_programs,
    users,
)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"
)


def test_it_starts_in_an_empty_directory_and_is_gone_after_its_only_user(
    data_dir: Path,
) -> None:
    with users(data_dir) as [user]:
        assert ask(user.url, "SELECT 1") == 1
    assert nothing_left(data_dir)
    assert not (data_dir / "pgdata" / "postmaster.pid").exists()


def test_processes_that_start_at_the_same_moment_share_one_server(data_dir: Path) -> None:
    with users(data_dir, 5) as started:
        urls = {user.url for user in started}
        assert len(urls) == 1
        assert ask(urls.pop(), "SELECT 1") == 1
        for user in started[1:]:
            user.end()
        assert ask(embedded_url(data_dir), "SELECT 1") == 1


def test_users_that_end_at_the_same_moment_leave_nothing(cluster: Path) -> None:
    with users(cluster, 4) as started:
        for user in started:
            assert user.url
        for user in started:
            user.let_go()
    assert nothing_left(cluster)


def test_the_server_outlives_a_user_that_is_killed_and_ends_with_the_other(
    cluster: Path,
) -> None:
    with users(cluster, 2) as [one, other]:
        assert one.url == other.url
        one.kill()
        assert ask(embedded_url(cluster), "SELECT 1") == 1
    assert nothing_left(cluster)


def test_nothing_is_left_when_the_only_user_is_killed(cluster: Path) -> None:
    with users(cluster) as [user]:
        assert user.url
        user.kill()
        assert nothing_left(cluster)


def test_nothing_is_left_when_a_user_is_killed_while_the_server_starts(cluster: Path) -> None:
    with users(cluster) as [user]:
        assert eventually((cluster / "pgdata" / "postmaster.pid").exists)
        user.kill()
        assert nothing_left(cluster)


def test_a_user_killed_while_the_cluster_is_made_does_no_harm(data_dir: Path) -> None:
    with users(data_dir) as [user]:
        assert eventually((data_dir / "pgdata.new" / "PG_VERSION").exists)
        user.kill()
        with users(data_dir) as [other]:
            assert ask(other.url, "SELECT 1") == 1
    assert not (data_dir / "pgdata.new").exists()


def test_nothing_is_left_when_the_watchdog_was_killed_before_the_last_user_ended(
    cluster: Path,
) -> None:
    with users(cluster) as [user]:
        assert user.url
        [watchdog] = [line for line in processes_of(cluster) if "watchdog.py" in line]
        os.kill(int(watchdog.split()[0]), signal.SIGKILL)
    assert nothing_left(cluster)


def test_a_new_user_puts_a_watchdog_in_the_place_of_one_that_was_killed(cluster: Path) -> None:
    def watchdogs() -> list[str]:
        return [line for line in processes_of(cluster) if "watchdog.py" in line]

    with users(cluster) as [user]:
        assert user.url
        os.kill(int(watchdogs()[0].split()[0]), signal.SIGKILL)
        assert eventually(lambda: not watchdogs())
        with users(cluster) as [other]:
            assert other.url
            assert len(watchdogs()) == 1


def test_data_survive_a_restart(data_dir: Path) -> None:
    first = embedded.start(data_dir)
    ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    first.release()
    second = embedded.start(data_dir)
    try:
        assert ask(second.url, "SELECT answer FROM kept") == 42
    finally:
        second.release()


def test_after_a_kill_of_the_server_the_next_start_recovers_what_was_committed(
    data_dir: Path,
) -> None:
    use = embedded.start(data_dir)
    ask(use.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(data_dir), signal.SIGKILL)
    again = embedded.start(data_dir)
    try:
        assert ask(again.url, "SELECT answer FROM kept") == 42
        # Those who hold the server already find the new one under the URL that they have.
        assert again.url == use.url
    finally:
        again.release()
        use.release()


def test_a_process_id_that_somebody_else_has_by_now_is_left_in_peace(cluster: Path) -> None:
    with users(cluster) as [user]:
        assert user.url
        pid_file = cluster / "pgdata" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        os.kill(int(lines[0]), signal.SIGKILL)
        user.kill()
        assert nothing_left(cluster)
    bystander = subprocess.Popen(["sleep", "600"], **_as_owner(cluster))
    try:
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        with users(cluster) as [user]:
            assert ask(user.url, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def _as_owner(cluster: Path) -> dict[str, Any]:
    return {} if os.geteuid() else {"user": (cluster / "pgdata").stat().st_uid}


@pytest.mark.parametrize(
    "name",
    [
        "with a space",
        'it\'s "quoted", $HOME `id` \\ 100%',
        "länge/" + "/".join(["x" * 200, "y" * 200]),
    ],
    ids=["space", "quotes", "long"],
)
def test_any_path_can_hold_the_data(data_dir: Path, name: str) -> None:
    if '"' in name and not the_account_can_read_the_programs():
        pytest.skip("this environment's programs are copied there, and cannot run from there")
    with users(data_dir / name) as [user]:
        assert ask(user.url, "SELECT 1") == 1


def test_two_spellings_of_a_directory_are_one_server(cluster: Path) -> None:
    link = cluster.with_name("link")
    link.symlink_to(cluster)
    one, other = embedded.start(cluster), server.start(link / ".." / link.name)
    try:
        assert one.url == other.url
    finally:
        one.release()
        assert ask(other.url, "SELECT 1") == 1
        other.release()


def test_variables_of_postgresql_that_mean_other_servers_do_no_harm(
    cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGPORT": "6543",
        "PGHOST": "db.example",
        "PGDATA": "/nowhere",
        "PGOPTIONS": "-c nonsense=1",
        "PGSSLMODE": "verify-full",
        "PGSERVICE": "other",
        "PGUSER": "other",
        "PGDATABASE": "other",
        "PGTARGETSESSIONATTRS": "standby",
        "LC_ALL": "xx_XX.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    with users(cluster) as [user]:
        assert ask(user.url, "SELECT current_user") == "postgres"


@pytest.mark.parametrize(
    "place", ["/does/not/exist", "x" * 90, "with a space, and 'more'", "closed"]
)
def test_any_directory_for_temporary_files_will_do(
    cluster: Path, place: str, reachable: Path
) -> None:
    if not place.startswith("/"):
        (reachable / place).mkdir(mode=0o700)
    with users(cluster, env={**os.environ, "TMPDIR": str(reachable / place)}) as [user]:
        assert ask(user.url, "SELECT 1") == 1


def test_no_socket_directory_is_left_behind(cluster: Path, reachable: Path) -> None:
    place = reachable / "t"
    place.mkdir(mode=0o711)
    with users(cluster, env={**os.environ, "TMPDIR": str(place)}) as [user]:
        assert user.url
        assert len(list(place.glob("blogsvc-*"))) == 1
        os.kill(postmaster(cluster), signal.SIGKILL)
        user.kill()
        assert nothing_left(cluster)
    assert list(place.glob("blogsvc-*")) == []


def test_nobody_else_can_connect(cluster: Path) -> None:
    use = embedded.start(cluster)
    try:
        sockets = Path((cluster / "pgdata" / "postmaster.pid").read_text().splitlines()[4])
        assert sockets.stat().st_mode & 0o077 == 0
        assert ask(use.url, "SHOW listen_addresses") == ""
    finally:
        use.release()


def test_an_ordinary_user_can_run_it_and_has_no_home(data_dir: Path) -> None:
    options = ordinary_user()
    os.chown(data_dir.parent, options["user"], options["group"])
    with users(data_dir, 2, **options) as started:
        for user in started:
            assert user.url
        assert (data_dir / "pgdata").stat().st_uid == options["user"]
        started[0].kill()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only leaves again
def test_a_forked_child_has_no_hold_of_its_parents(cluster: Path) -> None:
    use = embedded.start(cluster)
    try:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                mine = embedded.start(cluster)
                use.release()
                mine.release()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ask(use.url, "SELECT 1") == 1
    finally:
        use.release()


async def test_a_start_that_is_cancelled_leaves_nothing(data_dir: Path) -> None:
    endpoint = Endpoint(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLOGSVC_DATA_DIR", str(data_dir))
        opening = asyncio.ensure_future(endpoint.hold())
        while not (data_dir / "pgdata.new").exists():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert await asyncio.to_thread(nothing_left, data_dir)


async def test_service_aerich_and_command_reach_the_same_server(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOGSVC_DATA_DIR", str(data_dir))
    with users(data_dir) as [user]:
        assert user.url
        upgraded = await run("aerich", "upgrade")
        assert upgraded.status == 0, upgraded.output
        async with BlogService(migrate=False) as blog:
            await blog.posts.create("Seen from everywhere", "")
        assert "Seen from everywhere" in (await run("blogsvc", "list")).output
        assert await asyncio.to_thread(ask, user.url, "SELECT count(*) FROM posts") == 1
