"""How hard Hypothesis tries.

``PGLEDGER_HYPOTHESIS=10`` multiplies the number of examples by ten, ``0.1`` divides it; tests that
count in steps pass their number through ``scaled``. Runs are random, and a failure prints the blob
that repeats it.
"""

import os

from hypothesis import HealthCheck, settings

SCALE = float(os.environ.get("PGLEDGER_HYPOTHESIS", "1"))
EXAMPLES = 100


def scaled(number: int) -> int:
    """Returns a number of examples or steps under today's scale, at least 1."""
    return max(1, round(number * SCALE))


settings.register_profile(
    "pgledger",
    max_examples=scaled(EXAMPLES),
    # A database answers when it can; how fast it has to be is the benchmark's business.
    deadline=None,
    print_blob=True,
    # One database serves all examples of a test, and tests are written for that.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("pgledger")
