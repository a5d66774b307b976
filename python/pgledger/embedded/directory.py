"""The directory of a server: made, or checked, before anything is put into it."""

import errno
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from .accounts import Account, can_enter, find_account, first_closed, run_as
from .environment import server_environment
from .errors import EmbeddedError
from .postmaster import data_of
from .programs import major_of

# sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included.
SOCKET_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103


def prepare_directory(directory: Path) -> Account | None:
    """Makes the directory if it is missing, and refuses one that cannot be used.

    Returns:
        The account that the server is to run as; None for the present user's.
    """
    if (directory / "PG_VERSION").exists():
        raise EmbeddedError(
            f"{directory} is a data directory of another PostgreSQL server",
            "Name a directory that is empty or does not exist yet.",
        )
    account = find_account(data_of(directory))
    try:
        created = _create(directory, account)
        names = {path.name for path in directory.iterdir()}
    except OSError as error:
        raise EmbeddedError(f"cannot use the directory {directory}: {error.strerror}") from None
    if names and not names & {"pgdata", "start.lock"}:
        raise EmbeddedError(
            f"{directory} is not empty, and what is in it is no embedded server's",
            "Name a directory that is empty or does not exist yet.",
        )
    if account is not None:
        # An empty directory of root's was given to us; we change the owner of no other one.
        is_given = not names and directory.stat().st_uid == 0
        if created or (is_given and not can_enter(account, directory)):
            os.chown(directory, account.uid, account.gid)
        _check_passage(directory, directory, account)
    elif not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        owner = directory.stat().st_uid
        raise EmbeddedError(
            f"{directory} belongs to user number {owner}, and this one may not write there",
            "Run this as that user, or name another directory.",
        )
    return account


def _create(directory: Path, account: Account | None) -> bool:
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    if not missing:
        return False
    if not missing[-1].parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    _check_passage(missing[-1].parent, directory, account)
    for path in reversed(missing[1:]):
        path.mkdir(exist_ok=True)
        if account is not None:
            # We made it, so we open it for passing, whatever the umask says.
            path.chmod(0o755)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        # Another process made it first. If it is a file, whoever reads it next finds out.
        return False
    return True


def _check_passage(way: Path, directory: Path, account: Account | None) -> None:
    """Refuses a directory that the server's account cannot reach; it opens none on the way."""
    if account is None:
        return
    closed = first_closed(account, way)
    if closed is not None:
        raise EmbeddedError(
            f"the account {account.name}, which the server runs as under root, "
            f"cannot pass through {closed} to {directory}",
            "Choose a directory that every user can reach, for example below /var/lib, or "
            f"open this one for passing: chmod o+x {shlex.quote(str(closed))}",
        )


def check_version(directory: Path, bin_dir: Path) -> None:
    """Refuses data whose major version is not that of the programs."""
    try:
        text = (data_of(directory) / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return
    major = major_of(bin_dir)
    if text != str(major):
        raise EmbeddedError(
            f"the data in {directory} is of PostgreSQL {text}, the server is {major}",
            f"Use PostgreSQL {text}, or name another directory and move the data with pg_dump.",
        )


def initialize(
    directory: Path, initdb: Path, account: Account | None, *, user: str, sync: bool
) -> None:
    """Makes the data directory under another name and renames it, so it is never there in part."""
    for left in directory.glob("pgdata.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    stage = Path(tempfile.mkdtemp(prefix="pgdata.new-", dir=directory))
    try:
        if account is not None:
            os.chown(stage, account.uid, account.gid)
        major = major_of(initdb.parent) or 0
        # This locale sorts by code point and knows all letters, the same way on every system.
        if major >= 17:
            locales = [["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
        else:
            locales = [["--lc-collate=C", "--lc-ctype=C.UTF-8", "--locale=C"], ["--locale=C"]]
        answer = ""
        for locale in locales:
            done = run_as(
                account,
                [
                    str(initdb),
                    f"--pgdata={stage}",
                    f"--username={user}",
                    "--auth-local=trust",
                    "--auth-host=reject",
                    "--encoding=UTF8",
                    *locale,
                    *([] if sync else ["--no-sync"]),
                ],
                env=server_environment(),
            )
            answer = done.stdout
            if done.returncode == 0:
                stage.rename(data_of(directory))
                return
        raise EmbeddedError(f"initdb could not make {data_of(directory)}:\n{answer.strip()}")
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def choose_socket_directory(directory: Path, port: int, account: Account | None) -> Path:
    """Makes the directory of the socket: in the server's own, or elsewhere if paths get too long.

    Returns:
        The directory. If it is elsewhere, it has to be removed with the server.
    """
    chosen = directory / "socket"
    name = str(chosen / f".s.PGSQL.{port}")
    # libpq reads a comma as the end of a host name.
    if len(os.fsencode(name)) <= SOCKET_PATH_BYTES and "," not in name:
        if chosen.is_symlink():
            raise EmbeddedError(f"{chosen} is a link")
        chosen.mkdir(mode=0o700, exist_ok=True)
    else:
        base = tempfile.gettempdir()
        if len(os.fsencode(base)) > SOCKET_PATH_BYTES - 40 or "," in base:
            base = "/tmp"  # noqa: S108 - mkdtemp makes a private directory in it
        chosen = Path(tempfile.mkdtemp(prefix="pgledger-", dir=base))
    try:
        if account is not None:
            os.chown(chosen, account.uid, account.gid, follow_symlinks=False)
        chosen.chmod(0o700)
    except BaseException:
        if chosen.parent != directory:
            shutil.rmtree(chosen, ignore_errors=True)
        raise
    return chosen
