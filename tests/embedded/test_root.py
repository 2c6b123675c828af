"""As root: the server runs as another account, which gets no more than it needs."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from blogsvc import config, embedded
from blogsvc.embedded import programs
from blogsvc.embedded.account import server_account

from ..support import ROOT
from .processes import reachable_directory, refusal, the_account_can_read_the_programs, users

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs the server itself")

_KILLED_WHILE_COPYING = """
import os, shutil, signal, sys
from pathlib import Path
from blogsvc import embedded

copy = shutil.copytree

def copy_and_die(*arguments, **options):
    copy(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

shutil.copytree = copy_and_die
embedded.start(Path(sys.argv[1]))
"""


@pytest.fixture
def home(reachable: Path) -> Path:
    """A home that only its owner, root, can enter."""
    (reachable / "home").mkdir(mode=0o700)
    return reachable / "home"


@pytest.fixture(scope="module")
def closed_site() -> Iterator[Path]:
    """A directory of Python packages, with the wheel, under a home that is closed to others."""
    package = programs.program("postgres").parents[2]
    unused = shutil.ignore_patterns("include", "*.a")
    with reachable_directory() as directory:
        (directory / "home").mkdir(mode=0o700)
        site = directory / "home" / "site"
        for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, site / part, ignore=unused)
        (site / package.name / "__init__.py").touch()
        yield site


def using(site: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(site)}


def modes(*paths: Path) -> dict[Path, int]:
    """Return the modes of the paths and of every directory above them."""
    return {each: each.stat().st_mode for path in paths for each in (path, *path.parents)}


def running_from(data_dir: Path) -> Path:
    """Return the program that the server of a data directory is."""
    process = (data_dir / "pgdata" / "postmaster.pid").read_text().splitlines()[0]
    return Path(f"/proc/{process}/exe").readlink()


def test_roots_own_data_are_where_another_account_can_reach_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert config.data_dir() == Path("/var/lib/blogsvc")
    monkeypatch.setenv("BLOGSVC_DATA_DIR", "/srv/blog")
    assert config.data_dir() == Path("/srv/blog")


def test_an_ordinary_users_own_data_are_in_the_users_data_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = platformdirs.user_data_path("blogsvc", appauthor=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert config.data_dir() == own
    monkeypatch.delattr(os, "geteuid")  # as on Windows
    assert config.data_dir() == own


@as_root
def test_a_directory_that_we_make_lets_the_account_pass_whatever_the_umask(
    data_dir: Path,
) -> None:
    place = data_dir / "a" / "b"
    with users(place, umask=0o077) as [user]:
        assert user.url
        assert pwd.getpwuid((place / "pgdata").stat().st_uid).pw_name in ("postgres", "nobody")
    for directory in (data_dir, place.parent, place):
        assert directory.stat().st_mode & 0o777 == 0o711
    assert (place / "pgdata").stat().st_mode & 0o777 == 0o700


@as_root
def test_a_closed_home_stays_closed_and_the_error_names_two_ways_out(
    home: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = home / "not, 'mine'"
    inner.mkdir(mode=0o700)
    before = modes(inner)
    said = refusal(inner / "data")
    assert f"may not pass through {home} and {inner}." in said
    assert "PostgreSQL refuses to run as root" in said
    assert "BLOGSVC_DATA_DIR=/var/lib/blogsvc" in said
    assert modes(inner) == before
    assert list(inner.iterdir()) == []

    monkeypatch.setenv("BLOGSVC_DATA_DIR", str(data_dir))
    embedded.start().release()
    assert modes(inner) == before

    monkeypatch.setenv("BLOGSVC_DATA_DIR", str(inner / "data"))
    subprocess.run(said.rpartition("let that account pass: ")[2], shell=True, check=True)
    embedded.start().release()


@as_root
def test_a_closed_directory_for_the_data_themselves_is_named(home: Path) -> None:
    assert f"chmod o+x {home}" in refusal(home)
    assert list(home.iterdir()) == []


@as_root
def test_a_directory_that_is_closed_to_the_accounts_own_group_is_named(home: Path) -> None:
    os.chown(home, 0, server_account().gid)
    home.chmod(0o701)
    said = refusal(home)
    assert said.endswith(f"chmod g+x {home}")
    home.chmod(0o711)
    embedded.start(home).release()


@as_root
def test_programs_that_the_account_can_read_are_not_copied(data_dir: Path) -> None:
    if not the_account_can_read_the_programs():
        pytest.skip("this environment is closed to the server's account")
    embedded.start(data_dir).release()
    assert not (data_dir / "programs").exists()


@as_root
def test_programs_in_a_closed_home_are_copied_and_the_home_stays_closed(
    data_dir: Path, closed_site: Path
) -> None:
    before = modes(data_dir.parent, closed_site)
    with users(data_dir, env=using(closed_site), umask=0o077) as [user]:
        assert user.url
        assert running_from(data_dir).is_relative_to(data_dir / "programs")
    assert modes(data_dir.parent, closed_site) == before


@as_root
def test_a_path_from_which_a_copy_could_not_run_is_told(data_dir: Path, closed_site: Path) -> None:
    with users(data_dir / 'a "name" of $HOME', env=using(closed_site)) as [user]:
        said = user.process.communicate()[1]
    assert "PostgreSQL's programs cannot run from" in said
    assert "Name another directory in BLOGSVC_DATA_DIR" in said


@as_root
@pytest.mark.parametrize("directories", [0o700, 0o755], ids=["closed", "opened by hand"])
def test_programs_that_were_installed_under_a_strict_umask_are_copied(
    data_dir: Path, closed_site: Path, reachable: Path, directories: int
) -> None:
    site = reachable / "site"
    shutil.copytree(closed_site, site)
    for path in (site, *site.rglob("*")):
        # As pip does it: a program gets the right to run for everybody, and nothing else.
        file = 0o711 if path.stat().st_mode & 0o100 else 0o600
        path.chmod(directories if path.is_dir() else file)
    with users(data_dir, env=using(site)) as [user]:
        assert user.url
        assert running_from(data_dir).is_relative_to(data_dir / "programs")
    assert site.stat().st_mode & 0o777 == directories


@as_root
def test_processes_that_need_a_copy_at_the_same_moment_share_it(
    data_dir: Path, closed_site: Path
) -> None:
    with users(data_dir, 4, env=using(closed_site)) as started:
        assert len({user.url for user in started}) == 1
    assert not list(data_dir.glob("programs.*"))


@as_root
def test_a_copy_that_was_cut_off_is_made_anew(data_dir: Path, closed_site: Path) -> None:
    command = [sys.executable, "-c", _KILLED_WHILE_COPYING, str(data_dir)]
    killed = subprocess.run(command, cwd=ROOT, env=using(closed_site), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in data_dir.glob("programs*")] == ["programs.new"]
    with users(data_dir, env=using(closed_site)) as [user]:
        assert user.url
    assert [path.name for path in data_dir.glob("programs*")] == ["programs"]


@as_root
def test_a_copy_is_renewed_when_the_wheel_has_another_version(
    data_dir: Path, closed_site: Path
) -> None:
    with users(data_dir, env=using(closed_site)) as [user]:
        assert user.url
    (data_dir / "programs" / "kept").touch()
    with users(data_dir, env=using(closed_site)) as [user]:
        assert user.url
    assert (data_dir / "programs" / "kept").exists()
    (data_dir / "programs" / "VERSION").write_text("0.0.1")
    (data_dir / "programs.old" / "left over").mkdir(parents=True)  # by a renewal that was killed
    with users(data_dir, env=using(closed_site)) as [user]:
        assert user.url
    assert [path.name for path in data_dir.glob("programs*")] == ["programs"]
    assert not (data_dir / "programs" / "kept").exists()


@as_root
def test_programs_are_not_copied_to_where_others_can_write(
    data_dir: Path, closed_site: Path
) -> None:
    data_dir.mkdir(mode=0o711)
    os.chown(data_dir, *server_account())
    with users(data_dir, env=using(closed_site)) as [user]:
        said = user.process.communicate()[1]
    assert f"run: chown root {data_dir} && chmod 711 {data_dir}" in said
    assert not list(data_dir.glob("programs*"))


@as_root
def test_a_copy_whose_version_is_a_link_is_made_anew(data_dir: Path, closed_site: Path) -> None:
    with users(data_dir, env=using(closed_site)) as [user]:
        assert user.url
    version = (data_dir / "programs" / "VERSION").rename(data_dir / "VERSION")
    (data_dir / "programs" / "VERSION").symlink_to(version)
    with users(data_dir, env=using(closed_site)) as [user]:
        assert user.url
    assert not (data_dir / "programs" / "VERSION").is_symlink()
