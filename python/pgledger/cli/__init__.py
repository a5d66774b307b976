"""The command line: what ``pgledger --help`` lists."""

from .entry import main

__all__ = ["main"]
