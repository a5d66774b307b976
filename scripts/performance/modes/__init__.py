"""What each --mode measures: a module for each kind of measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scripts.performance.databases import Control
from scripts.performance.modes.batcher import measure_batcher
from scripts.performance.modes.bytes import measure_bytes
from scripts.performance.modes.calls import measure_calls
from scripts.performance.modes.entitlement import measure_entitlement
from scripts.performance.modes.growth import measure_growth
from scripts.performance.modes.history import measure_history
from scripts.performance.modes.invoice import measure_invoice
from scripts.performance.modes.processor import measure_processor
from scripts.performance.modes.python import measure_python
from scripts.performance.modes.throughput import measure_throughput
from scripts.performance.modes.times import measure_times
from scripts.performance.modes.usage import measure_usage
from scripts.performance.options import Options
from scripts.performance.report import Report
from scripts.performance.servers import Target

MEASURES: Mapping[str, Callable[[Options, Target, Control], Report]] = {
    "single": measure_throughput,
    "batch": measure_throughput,
    "bulk": measure_throughput,
    "python": measure_python,
    "bytes": measure_bytes,
    "history": measure_history,
    "growth": measure_growth,
    "processor": measure_processor,
    "calls": measure_calls,
    "times": measure_times,
    "batcher": measure_batcher,
    "usage": measure_usage,
    "entitlement": measure_entitlement,
    "invoice": measure_invoice,
}
