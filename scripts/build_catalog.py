"""Writes all that is made from a migrated database's catalog: ``build_catalog.py [--check]``.

That is Python's calls, rows and errors (python/pgledger/_generated, errors.py), the reference
(docs/reference), the map of each folder of SQL (its README.md), and the list of owners, rights and
guards (sql/repeatable/10_ledger/expected_guards.sql), which sql/pgledger.sql contains. It runs on a
PostgreSQL 18 of its own, in a temporary directory. The words about a function, column or error are
the comment or the row that the database has, so they are changed in one place: the SQL file.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "python" / "pgledger"
REFERENCE: Final = ROOT / "docs" / "reference"


def use_bare_package() -> None:
    """Makes pgledger's modules importable without its ``__init__``.

    ``__init__`` imports the generated files, which may be missing or broken. The modules are those
    of this tree, whichever pgledger is installed.
    """
    path = ROOT / "python" / "pgledger"
    package = ModuleType("pgledger")
    package.__path__ = [str(path)]
    found = re.search(r'^__version__ = "(.*)"$', (path / "__init__.py").read_text(), re.MULTILINE)
    assert found is not None, "the package says its version in this form"
    package.__dict__["__version__"] = found[1]
    sys.modules["pgledger"] = package


sys.path.insert(0, str(ROOT))
use_bare_package()

from pgledger.embedded import EmbeddedError  # noqa: E402
from pgledger.migrate import MigrationError  # noqa: E402
from scripts.generated import guards, maps, python, reference  # noqa: E402
from scripts.generated.catalog import REPEATABLE, CommentError, read_catalog  # noqa: E402
from scripts.generated.database import GUARDS, migrated_database  # noqa: E402


def laid_out(path: Path, text: str) -> str:
    """Returns a Python module's text as Ruff lays it out, without unused imports."""
    for arguments in (
        ("format", "--quiet"),
        ("check", "--fix", "--quiet", "--exit-zero", "--select", "F401,I001,RUF022"),
        ("format", "--quiet"),
    ):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(path), "-"],
            input=text,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        ).stdout
    return text


def wanted_files() -> dict[Path, str]:
    """Returns what each generated file should hold."""
    with migrated_database() as connection:
        catalog = read_catalog(connection)
        rooms = maps.maps(catalog, connection)
        listed = guards.expected_guards(connection)
    files = {PACKAGE / name: text for name, text in python.modules(catalog).items()}
    files |= {REFERENCE / name: text for name, text in reference.pages(catalog).items()}
    files |= {REPEATABLE / name: text for name, text in (rooms | {GUARDS: listed}).items()}
    return {
        path: laid_out(path, text) if path.suffix == ".py" else text for path, text in files.items()
    }


def leftovers(wanted: Mapping[Path, str]) -> list[Path]:
    """Returns pages of the reference that are no longer generated."""
    return sorted(set(REFERENCE.glob("*.md")) - wanted.keys())


def build(wanted: Mapping[Path, str], *, check: bool) -> list[Path]:
    """Returns the files that are stale, and writes them anew unless checking."""
    stale = []
    for path, text in wanted.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in leftovers(wanted):
        stale.append(path)
        if not check:
            path.unlink()
    return stale


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    check = parser.parse_args().check
    try:
        stale = build(wanted_files(), check=check)
    except (CommentError, EmbeddedError, MigrationError) as error:
        print(f"build_catalog.py: {error}", file=sys.stderr)
        return 1
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is stale: run make fmt", file=sys.stderr)
        else:
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
