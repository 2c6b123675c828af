"""As root: whatever the server's account puts in the way, root follows it nowhere."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit

import pytest

from blogsvc import embedded
from blogsvc.embedded.account import server_account

from ..support import eventually
from .processes import ask, postmaster, processes_of, refusal, users

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="an ordinary user has no other rights than its server"
)

SECRET = "the secret of somebody else"


@pytest.fixture
def secret(reachable: Path) -> Path:
    """A file of root's that nobody else can read."""
    file = reachable / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    return file


@pytest.fixture
def place() -> Iterator[Path]:
    """A path for a socket directory, where we make them."""
    path = Path(tempfile.mkdtemp(prefix="blogsvc-"))
    path.rmdir()
    yield path
    if path.is_symlink():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def stop_after_writing_down(cluster: Path, sockets: Path) -> None:
    """Kill the server, write down another socket directory for it, and end its last use."""
    use = embedded.start(cluster)
    pid_file = cluster / "pgdata" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    os.kill(postmaster(cluster), signal.SIGKILL)
    assert eventually(lambda: not [p for p in processes_of(cluster) if "watchdog.py" not in p])
    pid_file.write_text("\n".join([*lines[:4], str(sockets), *lines[5:]]) + "\n")
    use.release()


def give_to_the_account(*paths: Path) -> None:
    for path in paths:
        os.chown(path, *server_account(), follow_symlinks=False)


def test_a_directory_of_roots_stays_where_it_is_written_down(cluster: Path, place: Path) -> None:
    place.mkdir(mode=0o700)
    (place / ".s.PGSQL.5432").touch()
    stop_after_writing_down(cluster, place)
    assert (place / ".s.PGSQL.5432").exists()


def test_a_directory_that_others_can_enter_stays(cluster: Path, place: Path) -> None:
    place.mkdir()
    place.chmod(0o755)
    (place / ".s.PGSQL.5432").touch()
    give_to_the_account(place)
    stop_after_writing_down(cluster, place)
    assert (place / ".s.PGSQL.5432").exists()


def test_what_is_no_socket_stays_in_a_socket_directory(cluster: Path, place: Path) -> None:
    place.mkdir(mode=0o700)
    (place / "precious").touch()
    give_to_the_account(place)
    stop_after_writing_down(cluster, place)
    assert (place / "precious").exists()


def test_a_link_in_the_place_of_a_socket_directory_is_not_followed(
    cluster: Path, place: Path, reachable: Path
) -> None:
    (reachable / "elsewhere").mkdir(mode=0o700)
    (reachable / "elsewhere" / ".s.PGSQL.5432").touch()
    place.symlink_to(reachable / "elsewhere")
    give_to_the_account(reachable / "elsewhere", place)
    stop_after_writing_down(cluster, place)
    assert (reachable / "elsewhere" / ".s.PGSQL.5432").exists()


def test_a_directory_where_we_make_none_stays(cluster: Path, reachable: Path) -> None:
    (reachable / "blogsvc-theirs").mkdir(mode=0o700)
    give_to_the_account(reachable / "blogsvc-theirs")
    stop_after_writing_down(cluster, reachable / "blogsvc-theirs")
    assert (reachable / "blogsvc-theirs").exists()


def test_a_link_in_a_socket_directory_is_removed_and_not_what_it_names(
    cluster: Path, place: Path, secret: Path
) -> None:
    place.mkdir(mode=0o700)
    (place / ".s.PGSQL.5432").symlink_to(secret)
    give_to_the_account(place)
    stop_after_writing_down(cluster, place)
    assert secret.read_text() == SECRET
    assert not place.exists()


@pytest.mark.parametrize("name", ["users.lock", "start.lock", "server.lock", "watchdog.lock"])
def test_a_link_in_the_place_of_a_lock_is_refused(
    cluster: Path, reachable: Path, name: str
) -> None:
    (cluster / name).unlink()
    (cluster / name).symlink_to(reachable / "made by root")
    assert "BLOGSVC_DATA_DIR" in refusal(cluster)
    assert not (reachable / "made by root").exists()


def test_a_link_in_the_place_of_the_log_is_replaced(cluster: Path, secret: Path) -> None:
    (cluster / "postgres.log").unlink()
    (cluster / "postgres.log").symlink_to(secret)
    embedded.start(cluster).release()
    assert (secret.read_text(), secret.stat().st_uid) == (SECRET, 0)
    assert "starting PostgreSQL" in (cluster / "postgres.log").read_text()


def test_a_link_to_another_file_of_the_accounts_is_no_log(cluster: Path, reachable: Path) -> None:
    (reachable / "theirs").touch()
    give_to_the_account(reachable / "theirs")
    (cluster / "postgres.log").unlink()
    (cluster / "postgres.log").symlink_to(reachable / "theirs")
    embedded.start(cluster).release()
    assert (reachable / "theirs").read_text() == ""


def test_a_file_of_roots_in_the_place_of_the_log_is_not_given_away(
    cluster: Path, secret: Path
) -> None:
    (cluster / "postgres.log").unlink()
    (cluster / "postgres.log").hardlink_to(secret)
    embedded.start(cluster).release()
    assert (secret.read_text(), secret.stat().st_uid) == (SECRET, 0)


def test_an_error_does_not_tell_what_a_link_in_the_place_of_the_log_names(
    data_dir: Path, secret: Path
) -> None:
    data_dir.mkdir(mode=0o711)
    (data_dir / "postgres.log").symlink_to(secret)
    # Files of a megabyte at most are not enough for initdb, which fails before there is a log.
    with users(data_dir, preexec_fn=lambda: setrlimit(RLIMIT_FSIZE, (10**6, 10**6))) as [user]:
        said = user.process.communicate()[1]
    assert "initdb: removing contents" in said
    assert SECRET not in said


def test_an_error_does_not_tell_what_a_link_in_the_place_of_the_version_names(
    cluster: Path, secret: Path
) -> None:
    (cluster / "pgdata" / "PG_VERSION").unlink()
    (cluster / "pgdata" / "PG_VERSION").symlink_to(secret)
    said = refusal(cluster)
    assert "BLOGSVC_DATA_DIR" in said
    assert SECRET not in said


def test_an_error_does_not_tell_what_stands_in_the_place_of_the_version(cluster: Path) -> None:
    (cluster / "pgdata" / "PG_VERSION").write_text(SECRET)
    assert "does not hold a version" in refusal(cluster)


def test_a_link_in_the_place_of_the_process_file_is_removed(cluster: Path, secret: Path) -> None:
    (cluster / "pgdata" / "postmaster.pid").symlink_to(secret)
    embedded.start(cluster).release()
    assert secret.read_text() == SECRET


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(cluster: Path) -> None:
    os.mkfifo(cluster / "pgdata" / "postmaster.pid")
    use = embedded.start(cluster)
    assert ask(use.url, "SELECT 1") == 1
    use.release()


def test_what_the_server_says_is_cut_and_made_fit_for_a_terminal(cluster: Path) -> None:
    (cluster / "pgdata" / "postgresql.conf").write_text("nonsense = 1\n")
    with (cluster / "postgres.log").open("a") as log:
        log.write("\x1b[2J" * 100_000)
    said = refusal(cluster)
    assert "nonsense" in said
    assert "\x1b" not in said
    assert len(said) < 20_000


def test_a_link_in_the_place_of_a_new_cluster_is_refused(data_dir: Path, reachable: Path) -> None:
    (reachable / "elsewhere").mkdir()
    (reachable / "elsewhere" / "precious").touch()
    data_dir.mkdir(mode=0o711)
    (data_dir / "pgdata.new").symlink_to(reachable / "elsewhere")
    assert "BLOGSVC_DATA_DIR" in refusal(data_dir)
    assert (reachable / "elsewhere" / "precious").exists()
    assert (reachable / "elsewhere").stat().st_uid == 0
