"""The version of this package, and of which other versions it can be promised that they fit."""

import re
from typing import Final

_STAGES: Final = {"dev": 0, "a": 1, "b": 2, "rc": 3, "": 4}


def package_version() -> str:
    """Returns the version; only when called, because the package imports this module."""
    from pgledger import __version__

    return __version__


def version_key(version: str) -> tuple[tuple[int, ...], int, int] | None:
    """Returns what orders versions; None for what is none."""
    found = re.match(r"(\d+(?:\.\d+)*)(?:[._-]?(dev|a|b|rc)\.?(\d*))?", version)
    if found is None:
        return None
    release = [int(part) for part in found[1].split(".")]
    while release and release[-1] == 0:
        release.pop()
    return tuple(release), _STAGES[found[2] or ""], int(found[3] or 0)


def is_newer(version: str, than: str) -> bool:
    """Whether one version of the package comes after another; False if that is unclear."""
    one, other = version_key(version), version_key(than)
    return one is not None and other is not None and one > other


def works_with(version: str, ours: str) -> bool:
    """Whether a program of our version works with a database of another one, not older.

    It does with those of the same release and of the next one, where a release is what the first
    two numbers name. Which minor release is a major one's last, nobody knows beforehand; so X.0
    counts as the next after each of them.
    """
    there, here = version_key(version), version_key(ours)
    if there is None or here is None:
        return False
    major, minor = (*there[0], 0, 0)[:2]
    our_major, our_minor = (*here[0], 0, 0)[:2]
    if major == our_major:
        return minor - our_minor in {0, 1}
    return major == our_major + 1 and minor == 0
