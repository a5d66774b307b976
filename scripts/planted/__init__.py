"""The faults that ``scripts/mutants.py`` plants, and how it does so."""

from typing import Final

from scripts.planted import (
    billing_money,
    billing_rights,
    moving,
    rights,
    standing_books,
    taking_back,
    waiting_money,
)
from scripts.planted.fault import Fault

FAULTS: Final[tuple[Fault, ...]] = (
    *moving.FAULTS,
    *taking_back.FAULTS,
    *waiting_money.FAULTS,
    *standing_books.FAULTS,
    *rights.FAULTS,
    *billing_money.FAULTS,
    *billing_rights.FAULTS,
)
