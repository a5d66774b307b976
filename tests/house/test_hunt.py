"""A hunt finds what fails, says how to repeat it, and ends when its time is over."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAD = """
import time
from hypothesis import given, settings
from hypothesis import strategies as st

"""
SOUND = """
@given(st.integers())
def test_sound(number):
    assert number == number

def test_no_property():
    raise AssertionError("is not hunted")
"""
PLANTED = """
@given(st.integers())
def test_planted(number):
    assert number < 1000
"""
ENDLESS = """
@given(st.integers())
def test_endless(number):
    time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Tests elsewhere have no names that pytest could be called with again.
    (ROOT / ".cache").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="hunt-", dir=ROOT / ".cache") as name:
        (Path(name) / "conftest.py").write_text('pytest_plugins = ("support.properties",)\n')
        yield Path(name)


def hunt(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, str(ROOT / "scripts/hunt.py"), *options),
            *("--log", str(folder / "log"), str(folder)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_planted_failure_is_found_once_and_can_be_repeated(folder: Path) -> None:
    (folder / "test_planted.py").write_text(HEAD + SOUND + PLANTED)
    found = hunt(folder, "--minutes=1", "--rounds=2")
    assert found.returncode == 1, found.stdout
    assert "Failing test case: test_planted" in found.stdout
    assert "number=1000" in found.stdout
    assert re.findall(r"round \d, seed \d+: (.*)", found.stdout) == [
        "1 passed, 1 failed",
        "1 passed, 0 failed",
    ]
    assert "2 rounds, 3 tests tried, 1 found" in found.stdout
    assert (folder / "log").read_text().count("test_planted FAILED") == 1
    assert not (folder / ".hypothesis").exists()
    (again,) = re.findall(r"^again: (.*)$", found.stdout, re.MULTILINE)
    repeated = subprocess.run(
        ["sh", "-c", again], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert repeated.returncode == 1
    assert "number=1000" in repeated.stdout


def test_a_hunt_that_finds_nothing_ends_in_time(folder: Path) -> None:
    (folder / "test_sound.py").write_text(HEAD + SOUND)
    start = time.monotonic()
    found = hunt(folder, "--minutes=0.1")
    assert found.returncode == 0, found.stdout
    assert time.monotonic() - start < 60
    assert re.search(r"\d+ rounds, \d+ tests tried, 0 found", found.stdout)


def test_the_clock_ends_a_test_that_goes_on(folder: Path) -> None:
    (folder / "test_endless.py").write_text(HEAD + ENDLESS)
    start = time.monotonic()
    found = hunt(folder, "--minutes=0.1")
    assert found.returncode == 0, found.stdout
    assert time.monotonic() - start < 60
    assert "0 passed, 0 failed, ended by the clock" in found.stdout


def test_a_hunt_without_tests_is_no_success(folder: Path) -> None:
    (folder / "test_broken.py").write_text(HEAD + "import nothing_of_that_name\n")
    found = hunt(folder, "--minutes=1")
    assert found.returncode == 2, found.stdout
    assert "nothing_of_that_name" in found.stdout


def test_the_same_seed_tries_the_same(folder: Path) -> None:
    (folder / "test_seed.py").write_text(
        HEAD
        + """
seen = []

@settings(max_examples=20)
@given(st.integers())
def test_seed(number):
    seen.append(number)

def test_print():
    print("seen", hash(tuple(seen)))
"""
    )

    def seen(**seed: str) -> list[str]:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")),
                *("--rootdir", str(ROOT), "-s", str(folder)),
            ],
            env={
                **{name: value for name, value in os.environ.items() if name != "PGLEDGER_SEED"},
                **seed,
            },
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return re.findall(r"seen (-?\d+)", run.stdout)

    usual, one, two = seen(), seen(PGLEDGER_SEED="1"), seen(PGLEDGER_SEED="2")
    assert len({*usual, *one, *two}) == 3
    assert seen() == usual
