"""Connecting, where the command needs it: help and scripts work without libpq."""

import argparse
import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from pgledger._driver import INSTALL_LIBPQ, driver_problem
from pgledger.embedded import EmbeddedServer

from .failures import Failure

if TYPE_CHECKING:
    import psycopg


@contextlib.contextmanager
def target(
    arguments: argparse.Namespace, *, create: bool = False
) -> Generator[tuple["psycopg.Connection[Any]", EmbeddedServer | None]]:
    """Connects as ``connecting.target`` does, once it is known that psycopg can be imported.

    Raises:
        Failure: There is no libpq, or no connection.
    """
    if problem := driver_problem():
        raise Failure(problem, INSTALL_LIBPQ)
    from .connecting import target as connected

    with connected(arguments, create=create) as both:
        yield both
