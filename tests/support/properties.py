"""How hard property tests try, and from where they start.

``PGLEDGER_HYPOTHESIS=10`` multiplies the number of examples by ten, ``0.1`` divides it; tests that
count in steps pass their number through ``scaled``. An ordinary run tries the same cases each time
and keeps nothing for the next. ``PGLEDGER_SEED=7`` chooses other cases, the same for each 7: so
``make hunt`` looks for new ones, and so they are repeated.
"""

import os
import random
from types import CodeType

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from hypothesis.internal.conjecture import providers

SCALE = float(os.environ.get("PGLEDGER_HYPOTHESIS", "1"))
SEED = int(os.environ["PGLEDGER_SEED"]) if os.environ.get("PGLEDGER_SEED") else None
EXAMPLES = 100
# A test that calls one of these tries many cases, though it may be no property by itself.
TRIERS = {"given", "drawn", "scaled", "dice_of", "run_state_machine_as_test"}


def scaled(number: int) -> int:
    """Returns a number of examples or steps under today's scale, at least 1."""
    return max(1, round(number * SCALE))


def seed_of(*names: object) -> int:
    """Returns the seed of what has these names, under today's seed."""
    return random.Random(repr((SEED, *names))).getrandbits(64)


def dice_of(*names: object) -> random.Random:
    """Returns what chooses the cases of a test, or of the part of it that has these names."""
    return random.Random(seed_of(*names))


# Hypothesis also draws numbers that it reads in the modules that happen to be loaded. Which those
# are depends on the tests that ran before, and cases would with them.
providers.is_local_module_file = lambda path: False  # type: ignore[assignment, attr-defined]

settings.register_profile(
    "pgledger",
    max_examples=scaled(EXAMPLES),
    derandomize=SEED is None,
    # A case that was found once would fail every later run, until its directory is removed.
    database=None,
    # A database answers when it can; how fast it has to be is the benchmark's business.
    deadline=None,
    print_blob=True,
    # One database serves all examples of a test, and tests are written for that.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("pgledger")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Hands the seed to Hypothesis's own plug-in, which has not been configured yet."""
    if SEED is not None:
        config.option.hypothesis_seed = str(SEED)


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that ``make hunt`` repeats."""
    for item in items:
        function = getattr(item, "function", None)
        if function is not None and (
            is_hypothesis_test(function) or _names(function.__code__) & TRIERS
        ):
            item.add_marker("hunted")
