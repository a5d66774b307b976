"""The command line: ``pgledger migrate | status | plan | dump | roles | verify | export``."""

from .entry import main

__all__ = ["main"]
