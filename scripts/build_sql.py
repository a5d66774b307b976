"""Writes sql/pgledger.sql, the whole schema in one file: ``build_sql.py [--check]``."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "sql" / "pgledger.sql"

# Builds from this tree's files, whichever pgledger is installed.
sys.path.insert(0, str(ROOT / "python"))

from pgledger.migrate import MigrationError, dump  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if the file is stale"
    )
    arguments = parser.parse_args()
    try:
        wanted = dump(sql_dir=ROOT / "sql").encode()
    except MigrationError as error:
        print(f"build_sql.py: {error}", file=sys.stderr)
        return 1
    present = TARGET.read_bytes() if TARGET.exists() else None
    name = TARGET.relative_to(ROOT)
    if present == wanted:
        print(f"{name} is fresh")
        return 0
    if arguments.check:
        state = "missing" if present is None else "stale"
        print(f"{name} is {state}; write it with: python scripts/build_sql.py", file=sys.stderr)
        return 1
    # Written beside and renamed into place, so that nobody reads half of it.
    descriptor, stage = tempfile.mkstemp(prefix=".pgledger-", suffix=".sql", dir=TARGET.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(wanted)
    Path(stage).chmod(0o644)
    Path(stage).replace(TARGET)
    print(f"{name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
