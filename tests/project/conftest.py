"""The wheel, and an environment where it is installed and no checkout can be found."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from ..support import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built here and now without a download."""
    place = tmp_path_factory.mktemp("wheel")
    building = ("build", "--wheel", "--no-isolation", "--outdir", str(place))
    subprocess.run([sys.executable, "-m", *building], cwd=ROOT, check=True)
    [path] = place.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment that holds the wheel, and shares what it depends on."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    library = place / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    # With the environment's own Python, which the programs then start with.
    pip = (sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"))
    installing = ("install", "--no-deps", "--no-index", "--quiet", str(wheel))
    subprocess.run([*pip, *installing], check=True)
    # After the wheel on the path, and without its .pth files: the checkout must not be found.
    (library / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return place / "bin"
