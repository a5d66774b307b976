"""The chapters as they are told, in modules named as the folders of sql/repeatable."""

from collections.abc import Callable, Sequence
from typing import Final

from scripts.demo_story.chapters.advance import clock
from scripts.demo_story.chapters.catalogue import plan
from scripts.demo_story.chapters.entitlements import quota
from scripts.demo_story.chapters.invoices import invoice
from scripts.demo_story.chapters.ledger import CHAPTERS as LEDGER
from scripts.demo_story.chapters.payments import payment
from scripts.demo_story.chapters.subscriptions import subscription
from scripts.demo_story.chapters.usage import usage
from scripts.demo_story.story import Story

CHAPTERS: Final[Sequence[Callable[[Story], None]]] = (
    *LEDGER,
    plan,
    subscription,
    usage,
    quota,
    clock,
    invoice,
    payment,
)
