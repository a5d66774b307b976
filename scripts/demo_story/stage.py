"""The server that the story is told on, with pgledger in it."""

import contextlib
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

import psycopg

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import Progress, load_files, migrate
from scripts.demo_story.page import DATABASE, Page

ROLE: Final = "teller"


def seconds(start: float) -> str:
    return f"{time.monotonic() - start:.1f} s"


@contextlib.contextmanager
def started_server(page: Page) -> Generator[EmbeddedServer]:
    start = time.monotonic()
    page.progress("Starting a PostgreSQL server in a temporary directory ...")
    with EmbeddedServer.temporary() as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            version = connection.info.server_version
            connection.execute(f"create database {DATABASE}".encode())
        page.clear()
        name = f"PostgreSQL {version // 10000}.{version % 10000}"
        page.line(f"{name} started in a temporary directory  ({seconds(start)})")
        yield server


def install(page: Page, dsn: str) -> None:
    """Migrates, shows how far it is, and makes the role that the story is told by."""
    total = len(load_files())
    start = time.monotonic()
    done: dict[str, int] = {}

    def tell(progress: Progress) -> None:
        if progress.event == "applied":
            module = str(Path(progress.name).parent)
            done[module] = done.get(module, 0) + 1
            count = sum(done.values())
            filled = 30 * count // total
            bar = "#" * filled + "." * (30 - filled)
            page.progress(f"Installing pgledger [{bar}] {count}/{total}")

    migrate(dsn, on_progress=tell)
    page.clear()
    page.line(f"pgledger installed: {sum(done.values())} files  ({seconds(start)})")
    for module, count in done.items():
        page.line(page.dim(f"  {module:<30}{count:>4} file{'s' if count > 1 else ''}"))
    with psycopg.connect(dsn) as connection:
        connection.execute(
            f"create role {ROLE} login in role pgledger_poster, pgledger_auditor".encode()
        )
    page.line(f"psql is connected as {ROLE}, an ordinary role, which was granted")
    page.line("pgledger_poster (moves money and bills) and pgledger_auditor (verifies).")
