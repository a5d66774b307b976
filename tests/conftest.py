"""The plug-ins that every test may use; what each brings is said at its head."""

import os
import signal

# The tests' linked roles are trusted; what happens otherwise has a test of its own.
os.environ["PGLEDGER_TRUST_LINKED"] = "1"

# Whoever ignores a signal, as nohup does with one and a shell's background with the other, hands
# that on to every program it starts, and some tests are about what these do when it comes. A
# handler is not handed on.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = (
    "support.properties",
    "support.server",
    "support.cli",
    "support.database",
    "support.clock",
    "support.waiting",
    "support.psql",
)
