"""The faults that ``scripts/mutants.py`` plants, and how it does so."""

from typing import Final

from scripts.planted import billing_money, billing_rights, moving, standing_books, waiting_money
from scripts.planted.fault import Fault

FAULTS: Final[tuple[Fault, ...]] = (
    *moving.FAULTS,
    *waiting_money.FAULTS,
    *standing_books.FAULTS,
    *billing_money.FAULTS,
    *billing_rights.FAULTS,
)
