"""What gets installed: a typed package with its data, and the console script."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        ".",
    ]
    subprocess.run(command, check=True)
    (built,) = folder.glob("tailored-*.whl")
    return zipfile.ZipFile(built)


def test_the_package_is_typed_and_carries_the_book_that_init_writes(wheel):
    names = wheel.namelist()
    assert "tailored/py.typed" in names
    assert any(name.startswith("tailored/starter/") and name.endswith(".yaml") for name in names)
    assert not any(name.startswith(("tests", "rules")) for name in names)


def test_the_package_brings_the_command(wheel):
    (entry,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "tailored = tailored.cli:main" in wheel.read(entry).decode()


def test_the_package_brings_the_plug_in_of_pytest(wheel):
    (entry,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "[pytest11]\ntailored = tailored.pytest_plugin" in wheel.read(entry).decode()


def test_the_package_carries_the_help_of_every_finding(wheel):
    assert wheel.read("tailored/diagnostics.md") == Path("docs/diagnostics.md").read_bytes()


def test_the_core_needs_few_packages(wheel):
    (metadata,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    lines = wheel.read(metadata).decode().splitlines()
    needed = [line for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert len(needed) == 4
