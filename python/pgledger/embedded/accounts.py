"""The account of the operating system that the server runs as, if the present one is root."""

import contextlib
import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import EmbeddedError

# Accounts that a server may run as under root, in order of preference. If none exists, the first is
# made.
ACCOUNTS: Final = ("embedded_postgres", "postgres", "_postgres")


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's account that the server runs as."""

    name: str
    uid: int
    gid: int


def find_account(data: Path) -> Account | None:
    """Returns whom to run the server as, or None for the present user.

    If root finds existing data, the owner of the data is the answer: PostgreSQL must own its
    directory.
    """
    if os.geteuid() != 0:
        return None
    if data.exists():
        owner = data.stat().st_uid
        if owner != 0:
            try:
                entry = pwd.getpwuid(owner)
            except KeyError:
                raise EmbeddedError(
                    f"the data in {data} belongs to user number {owner}, which has no account here",
                    "Create an account of that number, or give the directory to another one with "
                    f"chown -R ACCOUNT {shlex.quote(str(data))}",
                ) from None
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    return _create_account(ACCOUNTS[0])


def _create_account(name: str) -> Account:
    no_login = "/usr/sbin/nologin" if Path("/usr/sbin/nologin").exists() else "/bin/false"
    attempts = (
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", no_login, name],
        ["adduser", "-S", "-D", "-H", "-s", no_login, name],
    )
    answers: list[str] = []
    for command in attempts:
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        with contextlib.suppress(KeyError):
            # It does not matter if another process has made it in the meantime.
            entry = pwd.getpwnam(name)
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
        answers.append(f"{command[0]}: {(done.stderr or done.stdout).strip()}")
    raise EmbeddedError(
        "PostgreSQL does not run as root, and no account to run it as could be made"
        + (f" ({'; '.join(answers)})" if answers else ""),
        f"Create one with: useradd --system {name}, or run this as an ordinary user.",
    )


def run_as(
    account: Account | None, command: Sequence[str], *, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command as the account, outside the present directory, and returns its output."""
    return subprocess.run(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env=env,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def can_enter(account: Account | None, directory: Path) -> bool:
    """Whether the account can pass through a directory."""
    if account is None:
        return os.access(directory, os.X_OK)
    return run_as(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)]).returncode == 0


def first_closed(account: Account | None, directory: Path) -> Path | None:
    """Returns the topmost directory on the way that the account cannot enter, or None."""
    if can_enter(account, directory):
        return None
    for parent in [*reversed(directory.parents), directory]:
        if not can_enter(account, parent):
            return parent
    return directory
