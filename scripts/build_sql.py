"""Writes the SQL that is made from other SQL: ``build_sql.py [--check]``.

That is the list of versioned files which the schema itself holds, and sql/pgledger.sql, the whole
schema in one file.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SQL = ROOT / "sql"
SCRIPT = SQL / "pgledger.sql"
LIST = SQL / "repeatable" / "00_core" / "versioned_files.sql"

# Builds from this tree's files, whichever pgledger is installed.
sys.path.insert(0, str(ROOT / "python"))

from pgledger.migrate import MigrationError, dump, load_files  # noqa: E402


def versioned_files(sql_dir: Path) -> str:
    """Returns the file whose function says in the database which versioned files made it."""
    files = [file for file in load_files(sql_dir) if file.kind == "versioned"]
    rows = ",\n".join(f"    ('{file.name}',\n      '{file.sha256}')" for file in files)
    return f"""\
/*
The versioned files that made this schema. Written by scripts/build_sql.py; do not edit.

pgledger.schema_history has the same, but a dump of the schema alone leaves its rows out. Then
`pgledger migrate` reads them here, in the body: it does not call the function.
*/
create or replace function pgledger.versioned_files()
returns table (
  name text,
  sha256 text
)
language sql
immutable
parallel safe
as $$
  values
{rows}
$$;

comment on function pgledger.versioned_files is
  'The versioned files that made this schema: also where a dump left the history out.';

revoke all on function pgledger.versioned_files from public;
"""


def write(path: Path, content: bytes) -> None:
    """Writes a file beside its place and renames it, so that nobody reads half of it."""
    descriptor, stage = tempfile.mkstemp(prefix=".pgledger-", suffix=".sql", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(stage).chmod(0o644)
    Path(stage).replace(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if a file is stale"
    )
    arguments = parser.parse_args()
    # The script holds the list, so the list comes first.
    made: list[tuple[Path, Callable[[Path], str]]] = [
        (LIST, versioned_files),
        (SCRIPT, lambda sql_dir: dump(sql_dir=sql_dir)),
    ]
    for path, make in made:
        try:
            wanted = make(SQL).encode()
        except MigrationError as error:
            print(f"build_sql.py: {error}", file=sys.stderr)
            return 1
        present = path.read_bytes() if path.exists() else None
        name = path.relative_to(ROOT)
        if present == wanted:
            print(f"{name} is fresh")
        elif arguments.check:
            state = "missing" if present is None else "stale"
            print(f"{name} is {state}; write it with: python scripts/build_sql.py", file=sys.stderr)
            return 1
        else:
            write(path, wanted)
            print(f"{name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
