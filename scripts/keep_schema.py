"""Keeps today's schema for the upgrade test: ``keep_schema.py``.

It compresses sql/pgledger.sql, without the comments for maintainers, into
tests/install/upgrades/NUMBER.sql.xz, NUMBER being that of the newest versioned file. The test
installs that, fills it by ``support.upgrades``, and migrates it to what the tree has then. Run it
in a clean tree, before the first change that a database has to survive; what is kept stays as it
is. Git's history would have the same, but not in a shallow clone.
"""

import lzma
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SQL = ROOT / "sql"
KEPT = ROOT / "tests" / "install" / "upgrades"


def kept_form(script: str) -> bytes:
    """Returns a script compressed, without the blocks of comment that begin a line."""
    plain = re.sub(r"^/\*.*?\*/\n", "", script, flags=re.DOTALL | re.MULTILINE)
    return lzma.compress(plain.encode(), preset=9 | lzma.PRESET_EXTREME)


def main() -> int:
    newest = max(path.name for path in (SQL / "migrations").glob("*.sql"))
    path = KEPT / f"{newest.split('_')[0]}.sql.xz"
    if path.exists():
        print(f"keep_schema.py: {path.relative_to(ROOT)} is there", file=sys.stderr)
        return 1
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(kept_form((SQL / "pgledger.sql").read_text(encoding="utf-8")))
    print(f"{path.relative_to(ROOT)} written, {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
