"""Writes the lock files with the newest versions: run by ``make lock``, with Python 3.11.

No address of a package index is written down: whoever installs chooses one.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = [
    *(sys.executable, "-m", "piptools", "compile", "--quiet", "--upgrade"),
    *("--strip-extras", "--allow-unsafe"),
    *("--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links"),
]
# In this order, because each may build on the one before.
LOCKS = {
    "run": [
        *("--extra", "binary", "--extra", "embedded"),
        *("--build-deps-for", "editable", "pyproject.toml"),
    ],
    "test": [".ci/requirements-test.in"],
    "dev": [".ci/requirements-dev.in"],
    "lock": [".ci/requirements-lock.in"],
}


def main() -> None:
    if sys.version_info[:2] != (3, 11):
        # Every newer Python can install what the oldest one can, and not the other way round.
        sys.exit("lock files are written with Python 3.11: make clean lock PYTHON=python3.11")
    for name, sources in LOCKS.items():
        subprocess.run(
            [*COMPILE, "--output-file", f".ci/requirements-{name}.txt", *sources],
            check=True,
            cwd=ROOT,
            env={**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"},
        )


if __name__ == "__main__":
    main()
