"""A new public function is its file, its test and its guide; ``make fmt`` makes the rest.

CONTRIBUTING.md's worked example is added to a copy of this tree, and found in Python, in the
reference, in the map of its folder and among the grants.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from support.example import EXAMPLE

ROOT: Final = Path(__file__).resolve().parents[2]
NAME: Final = next(Path(name).stem for name in EXAMPLE if name.endswith(".sql"))
METHOD: Final = NAME.removeprefix("pgledger_")


def files() -> list[str]:
    """Returns the files of this tree that are its own, whether committed yet or not."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [name for name in listed.stdout.split("\0") if name]
    # An sdist has no history and nothing else.
    return [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not path.is_dir()]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of this tree with the example in it, after what ``make fmt`` runs."""
    tree = tmp_path_factory.mktemp("scratch copy")
    for name in files():
        source, target = ROOT / name, tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.exists():
            shutil.copy2(source, target)
    for name, text in EXAMPLE.items():
        (tree / name).write_text(text, encoding="utf-8")
    guide = tree / "docs" / "concepts.md"
    guide.write_text(guide.read_text() + f"\n`{NAME}` counts accounts.\n", encoding="utf-8")
    for script in ("build_sql.py", "build_catalog.py", "build_sync.py"):
        run(tree, f"scripts/{script}")
    return tree


def run(tree: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        # The copy's package, not the one that is installed.
        env={**os.environ, "PYTHONPATH": str(tree / "python")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_example_is_not_there_yet():
    assert set(EXAMPLE) == {
        f"sql/repeatable/10_ledger/{NAME}.sql",
        f"tests/ledger/test_{METHOD}.py",
    }
    assert not any((ROOT / name).exists() for name in EXAMPLE)


def test_python_calls_it_on_both_kinds_of_connection(copy):
    for kind, keyword in (("async", "async def"), ("sync", "def")):
        text = (copy / f"python/pgledger/_generated/ledger_{kind}.py").read_text()
        assert f"    {keyword} {METHOD}(\n" in text
        assert f"``{NAME}``" in text
    for name in EXAMPLE:
        if name.endswith(".py"):
            assert " passed" in run(copy, "-m", "pytest", "-q", name)


def test_the_reference_the_roles_and_the_map_know_it(copy):
    page = (copy / "docs/reference/ledger.md").read_text()
    assert f"### {NAME}\n\n    {NAME}(app_id text default '') returns bigint\n" in page
    assert f"[`{NAME}`](ledger.md#{NAME})" in (copy / "docs/reference/README.md").read_text()
    roles = (copy / "docs/reference/roles.md").read_text()
    # Who posts and who audits reads as well; a tenant's role does not.
    assert f"| `{NAME}` | yes | yes | yes |  |" in roles
    room = (copy / "sql/repeatable/10_ledger/README.md").read_text().partition(f"### {NAME}\n")[2]
    entry = room.partition("\n### ")[0]
    assert f"`tests/ledger/test_{METHOD}.py`" in entry
    assert "`docs/concepts.md`" in entry
    assert "- reads: `accounts`" in entry


def test_the_single_file_installs_it_and_nothing_is_stale(copy):
    assert f"create or replace function public.{NAME}(" in (copy / "sql/pgledger.sql").read_text()
    for script in ("build_sql.py", "build_catalog.py", "build_sync.py"):
        run(copy, f"scripts/{script}", "--check")


def test_the_rules_of_the_house_take_it_as_it_is(copy):
    """Nothing else has to be typed: no list of functions, of calls or of privileges."""
    printed = run(
        copy,
        *("-m", "pytest", "-q"),
        *("tests/bindings/test_signatures.py", "tests/house/test_comments.py"),
        *("tests/house/test_layout.py", "tests/house/test_privileges.py"),
        *("tests/house/test_catalog.py", "--deselect"),
        # What a transfer costs is no matter of this function's.
        "tests/house/test_catalog.py::test_a_transfer_takes_few_bytes",
    )
    assert " passed" in printed
