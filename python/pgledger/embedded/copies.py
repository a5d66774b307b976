"""A copy of the programs that the server's account can read."""

import atexit
import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from .accounts import Account, run_as
from .errors import EmbeddedError


def _parts_to_copy(bin_dir: Path) -> dict[str, Path]:
    """Lists what the programs need, as relative target → source.

    Wheels put further libraries beside the package (Linux) or into it (macOS). The programs look
    for them by relative path, so the copy keeps these places.
    """
    install = bin_dir.parent
    package = install.parent
    libraries = {
        f"{package.name}.libs": package.with_name(f"{package.name}.libs"),
        f"{package.name}/.dylibs": package / ".dylibs",
    }
    return {
        f"{package.name}/{install.name}": install,
        **{target: source for target, source in libraries.items() if source.is_dir()},
    }


def _listing(root: Path) -> dict[str, int]:
    """Returns the files below a directory with their sizes, without what no program reads."""
    found: dict[str, int] = {}
    for directory, names, files in os.walk(root):
        if Path(directory) == root:
            names[:] = [name for name in names if name not in {"include", "doc"}]
        for name in files:
            path = Path(directory) / name
            found[str(path.relative_to(root))] = path.lstat().st_size
    return found


def is_ours(directory: Path) -> bool:
    """Whether a directory belongs to root and nobody else may write into it."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022


def cache_directory() -> Path:
    """Returns a directory for copies that other accounts can read and only root can write."""
    base = Path("/Library/Caches" if sys.platform == "darwin" else "/var/cache")
    candidate = base / "pgledger"
    try:
        candidate.mkdir(mode=0o755, exist_ok=True)
    except OSError:
        candidate = Path("/nonexistent")
    if is_ours(candidate):
        candidate.chmod(0o755)
        return candidate
    # Nobody can have prepared a directory with a random name. It costs a new copy each time.
    private = Path(tempfile.mkdtemp(prefix="pgledger-"))
    atexit.register(_remove_tree_of, private, os.getpid())
    private.chmod(0o755)
    return private


def _remove_tree_of(directory: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(directory, ignore_errors=True)


def copy_programs(bin_dir: Path) -> Path:
    """Copies the programs to where any account can read them, once for each version of them."""
    parts = _parts_to_copy(bin_dir)
    listings = {target: _listing(source) for target, source in parts.items()}
    postgres = (bin_dir / "postgres").stat()
    key = hashlib.sha256(
        repr((str(bin_dir), postgres.st_mtime_ns, sorted(listings.items()))).encode()
    ).hexdigest()[:16]
    cache = cache_directory()
    final = cache / f"programs-{key}"
    copied_bin = final / bin_dir.parent.parent.name / bin_dir.parent.name / bin_dir.name
    if is_ours(final):
        # Programs that clean caches remove single old files.
        if all(_listing(final / target) == listing for target, listing in listings.items()):
            return copied_bin
        aside = Path(tempfile.mkdtemp(prefix="old-", dir=cache))
        with contextlib.suppress(OSError):
            final.rename(aside / "programs")
        shutil.rmtree(aside, ignore_errors=True)
    stage = Path(tempfile.mkdtemp(prefix="new-", dir=cache))
    try:
        for target, source in parts.items():
            shutil.copytree(
                source,
                stage / target,
                symlinks=True,
                ignore=lambda directory, names, top=source: (
                    [name for name in names if name in {"include", "doc"}]
                    if Path(directory) == top
                    else []
                ),
            )
        for directory, _, files in os.walk(stage):
            Path(directory).chmod(0o755)
            for name in files:
                path = Path(directory) / name
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & 0o111 else 0o644)
        try:
            stage.rename(final)
        except OSError as error:
            # Another process made the same copy first.
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST} or not is_ours(final):
                raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return copied_bin


def _can_run(account: Account, bin_dir: Path) -> bool:
    try:
        return run_as(account, [str(bin_dir / "postgres"), "--version"]).returncode == 0
    except OSError:
        return False


def readable_programs(account: Account | None, bin_dir: Path) -> Path:
    """Returns the programs where the account can run them: as they are, or a copy."""
    if account is None:
        return bin_dir
    if _can_run(account, bin_dir):
        return bin_dir
    copy = copy_programs(bin_dir)
    if _can_run(account, copy):
        return copy
    raise EmbeddedError(
        f"the account {account.name}, which the server runs as, cannot run {bin_dir / 'postgres'}",
        "Install the programs where every user may read them.",
    )
