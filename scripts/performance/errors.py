"""Why a measurement ends without figures."""

from __future__ import annotations


class CheckFailed(Exception):
    """The measurement cannot be made or went wrong; the text says why and what to do."""
