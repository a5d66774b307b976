"""What is handed out installs by itself, and migrates a database with nothing else at hand."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

import psycopg
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import pgledger
from support.database import NewDatabase

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMMAND_SECONDS = 300

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """Runs a command that sees nothing of this checkout or of the environment of the tests."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "PYTHON")) and name != "VIRTUAL_ENV"
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@dataclass(frozen=True)
class Artifacts:
    """What one build made: the wheel comes out of the sdist."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    out = tmp_path_factory.mktemp("dist with a space")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return Artifacts(sdist, wheel)


class Installation:
    """An environment with one artifact and what it depends on."""

    def __init__(self, directory: Path, artifact: Path) -> None:
        self.directory = directory
        venv.create(directory / "venv", with_pip=False)
        # The extra brings libpq, which the machine may lack; versions are those of the tests.
        self._pip(
            "install",
            "--quiet",
            "--disable-pip-version-check",
            f"--constraint={(ROOT / '.ci/requirements-run.txt').as_uri()}",
            f"pgledger[binary] @ {artifact.as_uri()}",
        )

    def _pip(self, *arguments: str) -> str:
        python = self.directory / "venv" / "bin" / "python"
        pip = (sys.executable, "-m", "pip", "--python", str(python))
        return run(*pip, *arguments, cwd=self.directory)

    def run(self, program: str, *arguments: str) -> str:
        return run(self.directory / "venv" / "bin" / program, *arguments, cwd=self.directory)

    def packages(self) -> set[str]:
        listed = self._pip("list", "--format=freeze", "--disable-pip-version-check")
        return {line.partition("==")[0] for line in listed.splitlines() if "==" in line}


@pytest.fixture(scope="session")
def from_wheel(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("from wheel"), artifacts.wheel)


def sql_files(top: Path) -> dict[str, bytes]:
    """Returns the files below sql/ that the package needs, by their path from there."""
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*.sql")}


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def test_the_link_to_sql_is_a_relative_link() -> None:
    link = ROOT / "python/pgledger/sql"
    if not (ROOT / "PKG-INFO").exists():
        # In an unpacked sdist the files themselves stand there.
        assert link.is_symlink()
        assert link.readlink() == Path("../../sql")
    assert sql_files(link) == sql_files(ROOT / "sql")


def test_the_wheel_holds_every_sql_file_and_the_type_marker(artifacts: Artifacts) -> None:
    with zipfile.ZipFile(artifacts.wheel) as archive:
        packed = {
            str(PurePosixPath(name).relative_to("pgledger/sql")): archive.read(name)
            for name in archive.namelist()
            if name.startswith("pgledger/sql/") and name.endswith(".sql")
        }
        assert "pgledger/py.typed" in archive.namelist()
        strangers = {
            name
            for name in archive.namelist()
            if not name.startswith(("pgledger/", f"pgledger-{pgledger.__version__}.dist-info/"))
        }
    assert packed == sql_files(ROOT / "sql")
    assert len(packed) > 10
    assert not strangers


def test_the_sdist_holds_every_sql_file_in_both_places(artifacts: Artifacts) -> None:
    top = artifacts.sdist.name.removesuffix(".tar.gz")
    packed: dict[str, dict[str, bytes]] = {"sql": {}, "python/pgledger/sql": {}}
    with tarfile.open(artifacts.sdist) as archive:
        for member in archive.getmembers():
            path = PurePosixPath(member.name).relative_to(top)
            for place, files in packed.items():
                if path.is_relative_to(place) and path.suffix == ".sql":
                    content = archive.extractfile(member)
                    assert content is not None
                    files[str(path.relative_to(place))] = content.read()
        names = {PurePosixPath(name).name for name in archive.getnames()}
    for files in packed.values():
        assert files == sql_files(ROOT / "sql")
    assert {"LICENSE", "Makefile", "CHANGELOG.md", "README.md", "conftest.py"} <= names


def test_metadata_says_which_python_and_which_dependencies(artifacts: Artifacts) -> None:
    found = metadata(artifacts.wheel)
    assert found["Version"] == pgledger.__version__
    assert found["License-Expression"] == "MIT"
    python = SpecifierSet(found["Requires-Python"])
    assert python.contains("3.11.0")
    assert not python.contains("3.10.99")
    prefix = "Programming Language :: Python :: 3."
    minors = {
        int(value.removeprefix(prefix))
        for value in found.get_all("Classifier", [])
        if value.startswith(prefix)
    }
    assert minors == {11, 12, 13, 14}
    required = {
        requirement.name
        for requirement in map(Requirement, found.get_all("Requires-Dist", []))
        if requirement.marker is None
    }
    assert required == {"psycopg", "python-ulid"}


def test_lower_bounds_are_those_of_the_run_with_the_lowest_dependencies() -> None:
    pinned: dict[str, set[str]] = {}
    for line in (ROOT / ".ci/requirements-lowest.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(
                {"python_version": "3.11"}
            ):
                versions = {specifier.version for specifier in requirement.specifier}
                pinned.setdefault(requirement.name, set()).update(versions)
    extras = PROJECT["optional-dependencies"].values()
    declared = [Requirement(text) for text in PROJECT["dependencies"]]
    declared += [Requirement(text) for extra in extras for text in extra]
    for requirement in declared:
        (bound,) = requirement.specifier
        assert bound.operator == ">="
        names = [requirement.name, *(f"{requirement.name}-{extra}" for extra in requirement.extras)]
        for name in names:
            (lowest,) = pinned[name]
            assert re.fullmatch(re.escape(bound.version) + r"(\.0)*", lowest), name


def test_the_wheel_installs_into_an_empty_environment(from_wheel: Installation) -> None:
    assert from_wheel.packages() == {
        "pgledger",
        "psycopg",
        "psycopg-binary",
        "python-ulid",
        "typing_extensions",
    }
    assert "migrate" in from_wheel.run("pgledger", "--help")
    shown = from_wheel.run("python", "-c", "import pgledger; print(pgledger.__version__)")
    assert shown.strip() == pgledger.__version__


def test_the_wheel_migrates_a_database(from_wheel: Installation, database: NewDatabase) -> None:
    dsn = database()
    from_wheel.run("pgledger", "migrate", dsn)
    with psycopg.connect(dsn) as conn:
        row = conn.execute("select name from pgledger_create_account('cash', 'USD')").fetchone()
    assert row == ("cash",)


def test_the_sdist_installs_and_migrates_a_database(
    artifacts: Artifacts, tmp_path: Path, database: NewDatabase
) -> None:
    directory = tmp_path / "from sdist"
    directory.mkdir()
    dsn = database()
    Installation(directory, artifacts.sdist).run("pgledger", "migrate", dsn)
    with psycopg.connect(dsn) as conn:
        row = conn.execute("select count(*) from pgledger_accounts_view").fetchone()
    assert row == (0,)
