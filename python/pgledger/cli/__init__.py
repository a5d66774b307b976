"""The command line: ``pgledger migrate | status | plan | dump | roles | verify | import``."""

from .entry import main

__all__ = ["main"]
