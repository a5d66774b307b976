"""Whether psycopg can be used here: it needs PostgreSQL's own client library, libpq."""

import importlib
from typing import Final

INSTALL_LIBPQ: Final = (
    "Install it with: pip install 'pgledger[binary]'; or install the system's own, for example "
    "with: apt install libpq5"
)


def driver_problem() -> str | None:
    """Returns why psycopg cannot be imported; None where it can."""
    try:
        importlib.import_module("psycopg")
    except ImportError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0].rstrip(".:") if lines else type(error).__name__
        return f"psycopg needs PostgreSQL's client library, libpq: {reason}"
    return None
