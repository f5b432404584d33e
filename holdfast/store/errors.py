"""What can be wrong with the places where things are remembered."""

from __future__ import annotations


class StateUnusable(Exception):
    """The place is not a store of ours, cannot be opened or does not answer. The message says what to do."""
