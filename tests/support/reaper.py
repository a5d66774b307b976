"""Stops a test server whose tests died: ``reaper.py DIRECTORY``, run as a process of its own.

It waits for the end of its standard input, whose other end the test process holds. A test run
that ends normally has stopped the server by then and nothing is left to do; one that was killed
could not, and the kernel closes the pipe for it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 10.0


def command_of(pid: int) -> str:
    """Returns the command line of a process, or '' when there is none of that number."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def stop(pid: int, directory: Path) -> None:
    # A pid file outlives a crash, and the number may be another program's by now.
    if str(directory) not in command_of(pid):
        return
    send(pid, signal.SIGQUIT)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while command_of(pid):
        if time.monotonic() > deadline:
            send(pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def main() -> None:
    directory = Path(sys.argv[1])
    sys.stdin.buffer.read()
    for pid_file in directory.glob("**/postmaster.pid"):
        stop(int(pid_file.read_text().split()[0]), directory)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
