"""The mode invoice: the end of a period, in which every subscription gets its invoice."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scripts.performance.advance import SUBSCRIPTIONS_A_CALL, advance_together, explain_advance
from scripts.performance.console import TICK_SECONDS, Progress, note
from scripts.performance.databases import APP_ID, Control, connect, scalar, settle
from scripts.performance.drivers import new_driver
from scripts.performance.errors import CheckFailed
from scripts.performance.events import Events, Past, UsageBatches, ingest
from scripts.performance.many_lines import measure_many_lines
from scripts.performance.options import Options
from scripts.performance.report import Report, add_percentiles, add_rivals, usage_figures
from scripts.performance.servers import Target
from scripts.performance.slices import Comparison
from scripts.performance.tenants import (
    FEATURE,
    PERIOD_DAYS,
    Tenants,
    make_features,
    make_priced_plan,
    open_tenants,
    subscribe_until,
)
from scripts.performance.verify import require_good_books
from scripts.performance.work import Side, Slice

# Metered features that the plan has a price for.
PRICED_FEATURES = tuple(f"{FEATURE}_{number}" for number in range(1, 6))
# Long enough to make subscriptions before their period ends.
LEAST_PERIOD_SECONDS = 10.0
SECONDS_A_SUBSCRIPTION = 0.015
# One subscription in so many is invoiced while the server times its functions.
EXPLAINED_SHARE = 10
# Turns that two databases take.
SLICES = 10


@dataclass(frozen=True, slots=True)
class Subject:
    """A database in which a period comes to its end."""

    name: str
    dsn: str
    connection: Control
    tenants: Tenants


def new_subject(
    options: Options, name: str, dsn: str, connection: Control, ends_at: datetime
) -> Subject:
    """Subscribes tenants to a plan with prices, in a period that ends at that time."""
    tenants = open_tenants(connection, options.tenants)
    make_features(connection, tenants, PRICED_FEATURES)
    tiers = [
        {"up_to": "1000", "unit_amount": "0.05"},
        {"up_to": "10000", "unit_amount": "0.03"},
        {"unit_amount": "0.01"},
    ]
    plan_id = make_priced_plan(
        connection, tenants, "plan", {"model": "graduated", "tiers": tiers}, PRICED_FEATURES
    )
    subscribe_until(connection, tenants, plan_id, ends_at)
    return Subject(name, dsn, connection, tenants)


def events_side(options: Options, subject: Subject) -> Side:
    # An hour less than subscriptions are old, for clocks that differ.
    hours = PERIOD_DAYS * 24 - 1
    calls = math.ceil(options.events / options.batch_size / options.workers)
    past = Past(hours, 0, steps=calls)
    events = Events(subject.tenants, options.batch_size, past, features=PRICED_FEATURES)
    return Side(subject.dsn, UsageBatches(events))


def measure_invoice(options: Options, target: Target, connection: Control) -> Report:
    """The end of a period: every subscription is moved on and invoiced."""
    report = Report(figures=usage_figures(options, connection))
    with ExitStack() as stack:
        databases = [("ledger", target.dsn, connection)]
        if options.baseline is not None:
            other = stack.enter_context(closing(connect(options.baseline)))
            databases.append(("baseline", options.baseline, other))
        ends_at = datetime.now(UTC) + timedelta(
            seconds=LEAST_PERIOD_SECONDS + SECONDS_A_SUBSCRIPTION * options.tenants * len(databases)
        )
        subjects = [
            new_subject(options, name, dsn, session, ends_at) for name, dsn, session in databases
        ]
        race = InvoiceRace(stack, subjects, options.workers)
        begun = race.run("Making the invoices at the start", 1)["ledger"]
        if datetime.now(UTC) >= ends_at:
            raise CheckFailed("making the subscriptions took too long; ask for fewer --tenants")
        sides = {subject.name: events_side(options, subject) for subject in subjects}
        with new_driver(options, target, sides) as driver:
            for name in sides:
                events = ingest(driver, name, options.events, options.batch_size, options.workers)
        for subject in subjects:
            settle(subject.connection, "invoices", "invoice_lines", "subscription_changes")
        await_time(ends_at)

        most = options.tenants // EXPLAINED_SHARE
        explained = [
            explain_advance(subject.dsn, subject.connection, subject.tenants.surface, most)
            for subject in subjects
        ]
        # Alone, there is nobody to take turns with.
        done = race.run("Making the period's invoices", SLICES if subjects[1:] else 1)
        for subject in subjects:
            require_all_invoices(subject)
        report.add(f"Events: {events}", events=events)
        invoices = sum(part.rows for part in begun)
        report.add(f"Invoices at the start: {invoices}", start_invoices=invoices)
        add_advanced(report, Comparison(done))
        report.lines += explained[0].lines
        report.figures.update(explained[0].figures)
        # Last, so that these invoices are not among those that were counted.
        measure_many_lines(connection, subjects[0].tenants, report)
        for subject in subjects[1:]:
            require_good_books(subject.connection)
    return report


class InvoiceRace:
    """Sessions that move subscriptions on: as many in each database, which take turns."""

    def __init__(self, stack: ExitStack, subjects: Sequence[Subject], workers: int) -> None:
        self._subjects = subjects
        self._sessions = {
            subject.name: [
                stack.enter_context(closing(connect(subject.dsn))) for _ in range(workers)
            ]
            for subject in subjects
        }

    def run(self, title: str, slices: int) -> dict[str, list[Slice]]:
        """Moves all on that are due, in about so many slices; invoices are what is counted."""
        count = self._subjects[0].tenants.count
        note(title)
        done: dict[str, list[Slice]] = {subject.name: [] for subject in self._subjects}
        with Progress(count * len(self._subjects), "invoices") as progress:
            while True:
                turn: list[tuple[str, Slice]] = []
                for subject in self._subjects:
                    sessions = self._sessions[subject.name]
                    most = None if slices == 1 else math.ceil(count / slices / len(sessions))
                    part = advance_together(sessions, subject.tenants.surface, most, progress)
                    made = Slice(part.invoices, part.seconds, array("d", part.calls))
                    turn.append((subject.name, made))
                if not any(part.rows for _, part in turn):
                    return done
                for name, made in turn:
                    done[name].append(made)
                if slices == 1:
                    return done


def await_time(wanted: datetime) -> None:
    """Waits until it is past, by a second for clocks that differ."""
    note("Waiting for the period's end")
    seconds = (wanted - datetime.now(UTC)).total_seconds() + 1
    deadline = time.monotonic() + seconds
    with Progress(max(seconds, 1), "s") as progress:
        while time.monotonic() < deadline:
            time.sleep(min(TICK_SECONDS, max(0.0, deadline - time.monotonic())))
            progress.tick()


def require_all_invoices(subject: Subject) -> None:
    tenants = subject.tenants
    present = scalar(
        subject.connection,
        f"""
        select count(*)
        from {tenants.surface}.ledger_invoices
        where app_id = %s and kind = 'period' and starts_with(tenant_id, %s)
          and status <> 'draft'
        """,
        (APP_ID, tenants.prefix),
    )
    if present != tenants.count:
        raise CheckFailed(f"{tenants.count} subscriptions have {present} invoices")


def add_advanced(report: Report, done: Comparison) -> None:
    ours = done.total("ledger")
    report.add(f"Invoices: {ours.rows}", invoices=ours.rows)
    report.add(f"Seconds: {ours.seconds:.1f}", seconds=ours.seconds)
    report.add(
        f"Subscriptions/second: {ours.per_second:.1f}", subscriptions_per_second=ours.per_second
    )
    add_percentiles(report, ours.latencies, f"call of {SUBSCRIPTIONS_A_CALL}")
    add_rivals(report, done, noun="subscription")
