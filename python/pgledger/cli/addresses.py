"""How to name a database, and how to reach it."""

import shlex
from typing import TYPE_CHECKING, Any, Final

from pgledger.embedded import DEFAULT_PORT, EmbeddedServer

if TYPE_CHECKING:
    import psycopg

EMBEDDED_DATABASE: Final = "pgledger"


def psql_command(server: EmbeddedServer) -> str:
    """Returns the shell command that connects to an embedded server."""
    psql = server.bin_dir / "psql"
    words = [str(psql) if psql.is_file() else "psql", "-h", server.host]
    if server.port != DEFAULT_PORT:
        words += ["-p", str(server.port)]
    return shlex.join([*words, "-U", server.user, EMBEDDED_DATABASE])


def address_of(connection: "psycopg.Connection[Any]") -> str:
    """Says which database a connection is to."""
    info = connection.info
    return f"database {info.dbname} at {info.host or 'the default host'}:{info.port}"
