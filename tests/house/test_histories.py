"""``scripts/histories.py`` takes as many steps as it is told, and says what came of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def histories(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/histories.py"), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
        env=os.environ | environment,
    )


@pytest.mark.slow
def test_a_few_steps_end_as_the_model_has_them() -> None:
    done = histories("--steps=40", "--seed=3", "--workers=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^40 steps of seed 3 in \d+:\d\d: as the model has them$", done.stdout, re.M)
    assert "4 passed" in done.stdout


@pytest.mark.slow
def test_histories_that_cannot_be_lived_are_a_failure() -> None:
    # Nothing tried is nothing found out.
    done = histories("--steps=4", "--workers=1", PYTEST_ADDOPTS="-k no-such-test")
    assert done.returncode == 1
    assert "NOT as the model has them" in done.stdout


def test_no_steps_are_a_mistake() -> None:
    done = histories("--steps=0")
    assert done.returncode == 2
    assert "--steps must be at least 1" in done.stderr
