"""The mode entitlement: checks when events are many."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from scripts.performance.console import Progress, note
from scripts.performance.databases import APP_ID, Control, buffers_read, connect, scalar
from scripts.performance.drivers import new_driver
from scripts.performance.errors import CheckFailed
from scripts.performance.events import Events, Past, UsageBatches, ingest, settle_usage
from scripts.performance.options import GROWTH_START, Options
from scripts.performance.report import Report, add_percentiles, percentile, usage_figures
from scripts.performance.servers import Target
from scripts.performance.tenants import FEATURE, PERIOD_DAYS, Tenants, open_tenants, subscribe
from scripts.performance.verify import require_good_books
from scripts.performance.work import Side

CHECKS = 5_000
CHECKS_EXPLAINED = 100
CHECKS_COMPARED = 20


@dataclass(frozen=True, slots=True)
class Subject:
    """A database whose checks are timed; ``label`` begins the names of what is not ours."""

    label: str
    dsn: str
    connection: Control
    tenants: Tenants

    def name(self, what: str) -> str:
        return f"{self.label} {what}".strip()


@dataclass(slots=True)
class Checks:
    """Milliseconds of calls that took turns, and the most pages that a check touched."""

    times: dict[str, list[float]] = field(
        default_factory=lambda: {"check": [], "cached": [], "round trip": []}
    )
    buffers: int = 0

    def percentile(self, share: int) -> float:
        return percentile(sorted(self.times["check"]), share / 100)


def statements(subject: Subject) -> tuple[tuple[str, str], ...]:
    """What takes turns, and the name that its times have."""
    surface = subject.tenants.surface
    return (
        ("check", f"select * from {surface}.ledger_check_entitlement(%s, %s, %s)"),
        ("cached", f"select * from {surface}.ledger_get_cached_entitlement(%s, %s, %s)"),
        ("round trip", "select %s::text, %s::text, %s::text"),
    )


def keep_entitlements(subject: Subject) -> None:
    subject.connection.execute(
        f"""
        select count(*)
        from unnest(%s::text[]) as tenant (id)
        cross join lateral {subject.tenants.surface}.ledger_set_cached_entitlement(
          '{APP_ID}', tenant.id, '{FEATURE}', interval '1 hour'
        )
        """.encode(),
        (subject.tenants.ids,),
    )


def observe_checks(subjects: Sequence[Subject], count: int) -> list[Checks]:
    """Times checks of random tenants, cached ones, and statements that do nothing, all in turn."""
    results = [Checks() for _ in subjects]
    for subject in subjects:
        keep_entitlements(subject)
    turns = [
        (subject, statement.encode(), result.times[name])
        for subject, result in zip(subjects, results, strict=True)
        for name, statement in statements(subject)
    ]
    numbers = range(subjects[0].tenants.count)
    # The first time is for plans and for pages that are not in memory.
    for picked in (numbers, random.choices(numbers, k=count)):
        for _, _, milliseconds in turns:
            milliseconds.clear()
        with Progress(len(picked), "checks") as progress:
            for number in picked:
                for subject, statement, milliseconds in turns:
                    parameters = (APP_ID, subject.tenants.ids[number], FEATURE)
                    before = time.perf_counter()
                    found = subject.connection.execute(statement, parameters, prepare=True)
                    rows = found.fetchall()
                    milliseconds.append((time.perf_counter() - before) * 1000)
                    if not rows:
                        raise CheckFailed(f"no row came back from: {statement.decode()}")
                progress.step(1)
    for subject, result in zip(subjects, results, strict=True):
        check = dict(statements(subject))["check"]
        for tenant_id in random.choices(subject.tenants.ids, k=CHECKS_EXPLAINED):
            pages = buffers_read(subject.connection, check, (APP_ID, tenant_id, FEATURE))
            result.buffers = max(result.buffers, pages)
    return results


def require_exact_checks(connection: Control, tenants: Tenants) -> None:
    """Compares what checks say with what a sum of all events says."""
    for tenant_id in random.choices(tenants.ids, k=CHECKS_COMPARED):
        used, counted = (
            scalar(connection, statement, (APP_ID, tenant_id))
            for statement in (
                f"select used from {tenants.surface}.ledger_check_entitlement(%s, %s, '{FEATURE}')",
                """
                select coalesce(sum(usage_events.quantity), 0)
                from pgledger.meters
                inner join pgledger.usage_events on meters.key = usage_events.meter_key
                where meters.app_id = %s and meters.tenant_id = %s
                """,
            )
        )
        if used != counted:
            raise CheckFailed(f"tenant {tenant_id} has used {counted}, but a check says {used}")


def measure_entitlement(options: Options, target: Target, connection: Control) -> Report:
    """A check when there are very many events, over a check when there are few.

    Both times the events are spread over the same weeks, in which the limit's period lies.
    """
    start = min(GROWTH_START, options.events // 10)
    size = min(options.batch_size, start)
    checks = min(CHECKS, options.events)
    report = Report(figures=usage_figures(options, connection))
    report.figures["batch_size"] = size
    results: list[list[Checks]] = []
    present = 0
    with ExitStack() as stack:
        subjects = [new_subject(options, "", target.dsn, connection)]
        if options.baseline is not None:
            baseline = stack.enter_context(closing(connect(options.baseline)))
            subjects.append(new_subject(options, "baseline", options.baseline, baseline))
        sides = {
            subject.name(name): Side(subject.dsn, UsageBatches(events))
            for subject in subjects
            for name, events in spread_events(options, subject.tenants, size).items()
        }
        driver = stack.enter_context(new_driver(options, target, sides))
        for wanted, name in ((start, "small"), (options.events, "large")):
            more = wanted - present
            for subject in subjects:
                made = ingest(driver, subject.name(name), more, size, options.workers)
                settle_usage(subject.connection)
                require_exact_checks(subject.connection, subject.tenants)
            present += made
            note(f"Checking {checks} times")
            found = observe_checks(subjects, checks)
            report.add(f"Events, {name}: {present}", **{f"{name}_events": present})
            for subject, result in zip(subjects, found, strict=True):
                add_checks(report, subject.name(name), result)
            results.append(found)
        for subject in subjects[1:]:
            require_good_books(subject.connection)
    for place, subject in enumerate(subjects):
        add_growth(report, subject, *(found[place] for found in results))
    for name, found in zip(("small", "large"), results, strict=True):
        for result in found[1:]:
            add_baseline(report, name, found[0], result)
    return report


def new_subject(options: Options, label: str, dsn: str, connection: Control) -> Subject:
    """Tenants of a database, subscribed."""
    tenants = open_tenants(connection, options.tenants)
    note(f"Subscribing {options.tenants} tenants")
    subscribe(connection, tenants)
    return Subject(label, dsn, connection, tenants)


def spread_events(options: Options, tenants: Tenants, size: int) -> dict[str, Events]:
    # An hour less than subscriptions are old, for clocks that differ.
    hours = PERIOD_DAYS * 24 - 1
    calls = math.ceil(options.events / size / options.workers)
    return {
        "small": Events(tenants, size, Past(hours, 0)),
        "large": Events(tenants, size, Past(hours, 0, steps=calls)),
    }


def add_checks(report: Report, name: str, result: Checks) -> None:
    for what, milliseconds in result.times.items():
        add_percentiles(report, milliseconds, f"{name} {what}")
    report.add(
        f"{name} check most buffers read: {result.buffers}",
        **{f"{name.replace(' ', '_')}_check_buffers_read": result.buffers},
    )


def add_growth(report: Report, subject: Subject, small: Checks, large: Checks) -> None:
    for share in (50, 99):
        ratio = large.percentile(share) / small.percentile(share)
        report.add(
            f"{subject.name(f'p{share}')}, large over small: {ratio:.3f}",
            **{subject.name(f"p{share}_ratio").replace(" ", "_"): ratio},
        )


def add_baseline(report: Report, name: str, ours: Checks, baseline: Checks) -> None:
    """Checks in the time of one of the baseline's: more is faster, as with other ratios."""
    for share in (50, 99):
        ratio = baseline.percentile(share) / ours.percentile(share)
        report.add(
            f"Baseline ratio, {name}, p{share}: {ratio:.3f}",
            **{f"{name}_baseline_p{share}_ratio": ratio},
        )
