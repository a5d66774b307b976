"""Which tests a function has, as the maps of the folders of ``sql/repeatable`` say it."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from scripts.planted.fault import REPEATABLE, ROOT, Fault

# What looks at everything, or at how it is made, is slow and comes last.
BROAD: Final = ("bindings", "house", "install", "integrations", "seeds")
_SECTION: Final = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)


def _names(section: str, line: str) -> list[str]:
    found = re.search(rf"^- {line}: (.*)$", section, re.MULTILINE)
    return re.findall(r"`([^`]+)`", found[1]) if found else []


@cache
def _maps(root: Path) -> dict[str, tuple[frozenset[str], tuple[str, ...]]]:
    """Returns each public function's helpers and tests."""
    return {
        name: (frozenset(_names(section, "helpers")), tuple(_names(section, "tests")))
        for path in sorted((root / REPEATABLE).glob("*/README.md"))
        for name, section in _SECTION.findall(path.read_text(encoding="utf-8"))
    }


@cache
def _functions(root: Path) -> Counter[str]:
    """Returns of how many public functions each file of tests is a test."""
    return Counter(test for _, tests in _maps(root).values() for test in tests)


@cache
def _files(root: Path) -> tuple[str, ...]:
    return tuple(str(path.relative_to(root)) for path in sorted(root.glob("tests/*/test_*.py")))


def folder_of(fault: Fault) -> str:
    """Returns the folder of tests that has the name of the file's own."""
    return f"tests/{fault.file.partition('/')[0].partition('_')[2]}"


def mapped_tests(fault: Fault, root: Path = ROOT) -> list[str]:
    """Returns the files of tests of a function, those first that have the fewest functions."""
    maps = _maps(root)
    functions = _functions(root)
    found = {
        test
        for name, (helpers, tests) in maps.items()
        if fault.function == name or fault.function in helpers
        for test in tests
        if test.split("/")[1] not in BROAD
    }
    own = folder_of(fault)
    return sorted(found, key=lambda test: (not test.startswith(own), functions[test], test))


def first_tests(fault: Fault, root: Path = ROOT) -> list[str]:
    """Returns the files of tests to try first.

    Raises:
        ValueError: The fault names one that there is not.
    """
    if not fault.tests:
        return mapped_tests(fault, root)
    return [_file_of(name, root) for name in fault.tests.split()]


def _file_of(name: str, root: Path) -> str:
    found = [path for path in _files(root) if path.endswith(f"/test_{name}.py")]
    if len(found) != 1:
        raise ValueError(f"tests/*/test_{name}.py: there are {len(found)} such files")
    return found[0]


def all_tests(fault: Fault, root: Path = ROOT) -> list[str]:
    """Returns what is tried when the first tests found nothing: their folder, and the others."""
    folder = folder_of(fault)
    rest = [test for test in mapped_tests(fault, root) if not test.startswith(f"{folder}/")]
    return [*([folder] if (root / folder).is_dir() else []), *rest]


def in_order(tests: Iterable[str]) -> list[str]:
    """Returns each once, in the order in which they came."""
    return list(dict.fromkeys(tests))
