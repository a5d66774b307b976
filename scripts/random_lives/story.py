"""Tells how two rhythms of a life differ, for somebody who is to find out why."""

from collections.abc import Iterator
from datetime import datetime

from scripts.random_lives.life import Life
from scripts.random_lives.living import Living, Outcome
from scripts.random_lives.rhythm import Rhythm
from scripts.random_lives.store import Session
from scripts.random_lives.trial import Difference, Trial


def tell(conn: Session, trial: Trial, found: Difference) -> str:
    """Returns the story of a difference: the terms, what was done when, and all invoices."""
    told = [found.what, *terms(trial.life.without_idle_plans())]
    for name, rhythm in (("this rhythm", trial.rhythm), ("the other", trial.other)):
        outcome = Living(conn, trial.life, rhythm).run()
        told += ["", f"{name}: {often(rhythm)}", *happened(outcome)]
    told.append("")
    for (number, item, period, slug), (this, that) in found.parts.items():
        which = f"{item} of {slug}, period of {day(period)}, subscription {number}"
        told.append(f"{which}: {this} in this rhythm, {that} in the other")
    return "\n".join(told)


def often(rhythm: Rhythm) -> str:
    besides = ", with previews" if rhythm.previews else ""
    besides += f", changes invoiced {rhythm.changes}" if rhythm.changes else ""
    if rhythm.every is None:
        return f"ledger_advance at the end{besides}"
    return f"ledger_advance ({rhythm.how}) every {rhythm.every}{besides}"


def terms(life: Life) -> Iterator[str]:
    for plan in life.plans:
        add_on = ", an add-on" if plan.add_on else ""
        yield f"plan {plan.slug}{add_on}, {life.currency}: base {dict(plan.base)}"
        if plan.priority:
            yield f"  priority {plan.priority}"
        if plan.trial_days:
            anchor = "its end" if plan.anchor_at_trial_end else "its start"
            yield f"  trial of {plan.trial_days} days, periods count from {anchor}"
        for price in plan.prices:
            yield f"  price {price}"
        if plan.allowances:
            yield f"  free: {plan.allowances}"


def happened(outcome: Outcome) -> Iterator[str]:
    for line in outcome.trail:
        yield f"  {line}"
    for invoice in outcome.invoices:
        about = f"{invoice['kind']} of {day(invoice['period_start'])}"
        yield f"  invoice {about}, {invoice['status']}: {invoice['total']}"
        for line in invoice["line_items"]:
            yield f"    {line['kind']} {line['item']} {line['amount']}: {line['description']}"


def day(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
