"""The processor time of one server process."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from scripts.performance.databases import Control, scalar
from scripts.performance.errors import CheckFailed


class BackendClock:
    """Processor time of the process behind a connection, user and system together.

    It is the kernel's clock of that process, in nanoseconds: what clock_getcpuclockid(3) names, and
    what utime and stime of /proc/PID/stat are made of, which count in hundredths of a second.
    """

    def __init__(self, connection: Control) -> None:
        if sys.platform != "linux":
            raise CheckFailed("the processor time of a backend can only be read on Linux")
        pid = int(scalar(connection, "select pg_backend_pid()"))
        try:
            name = Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
        except OSError:
            name = ""
        if not name.startswith("postgres"):
            raise CheckFailed(
                "the processor time of a backend can only be read on the machine of the server"
            )
        # As the kernel numbers the clock of a process: CPUCLOCK_SCHED of all its threads.
        self._clock = (~pid << 3) | 2

    def seconds(self) -> float:
        return time.clock_gettime(self._clock)
