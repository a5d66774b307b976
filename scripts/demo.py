"""Walks through a story on a PostgreSQL of its own: ``python scripts/demo.py``, or ``make demo``.

Starts a server in a temporary directory, installs pgledger in it, and types into one psql session
what a person would type. What it prints is psql's own output. Every figure that the story tells is
checked, in psql's output and once more over a connection; a wrong one ends the demo with status 1.
The server and its directory are gone at the end, however it ends.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Shows this tree's pgledger, whichever is installed.
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

import psycopg  # noqa: E402

from pgledger.embedded import EmbeddedError  # noqa: E402
from pgledger.migrate import MigrationError  # noqa: E402
from scripts.demo_story.chapters import CHAPTERS  # noqa: E402
from scripts.demo_story.ending import read_back  # noqa: E402
from scripts.demo_story.errors import DemoError  # noqa: E402
from scripts.demo_story.page import DATABASE, Page  # noqa: E402
from scripts.demo_story.psql import PsqlSession  # noqa: E402
from scripts.demo_story.stage import ROLE, install, started_server  # noqa: E402
from scripts.demo_story.story import Story  # noqa: E402


def command() -> str:
    """Returns how to call pgledger from here, in the environment that runs this."""
    beside = Path(sys.executable).with_name("pgledger")
    if not beside.exists():
        return "pgledger"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


def tell_story(page: Page, chapters: Sequence[Callable[[Story], None]] = CHAPTERS) -> None:
    page.line(page.bold("pgledger: a ledger and a store for billing inside PostgreSQL"))
    page.line()
    with started_server(page) as server:
        dsn = server.dsn(DATABASE)
        install(page, dsn)
        environment = {**server.environment(DATABASE), "PGUSER": ROLE}
        with PsqlSession(server.program("psql"), environment) as psql:
            story = Story(page, psql)
            for chapter in chapters:
                chapter(story)
        found = read_back(dsn)
    page.gap(2)
    page.line(
        f"{story.statements} statements, {story.checks} checks, and {len(found)} balances read "
        "back: all as expected."
    )
    page.line("The server is stopped and its directory removed.")
    page.line()
    page.line(f"To type yourself: {command()} migrate --embedded ./money --keep-running")
    page.line("To read on:       docs/tutorial.md and docs/billing-tutorial.md")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.parse_args()
    page = Page(sys.stdout)
    try:
        tell_story(page)
    except KeyboardInterrupt:
        page.clear()
        print("\ndemo.py: interrupted; the server is stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    except (DemoError, EmbeddedError, MigrationError, psycopg.Error) as error:
        page.clear()
        print(f"\ndemo.py: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader, for example `head`, stopped reading. Python would report it again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
