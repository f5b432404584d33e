"""What the rest of the room asks of a source of access tokens. ``auth.py`` has the real one."""

from __future__ import annotations

from typing import Protocol


class Tokens(Protocol):
    """Access tokens: for the application itself, or in the name of an account that signed in."""

    async def token(self) -> str:
        """A token that Graph takes for some minutes more. Raises ``NotSignedIn`` or ``Unreachable``."""
        ...

    async def renew(self, rejected: str, claims: str | None) -> str:
        """Another token than ``rejected``, which Graph would not take, however many ask at once.

        ``claims`` is what Graph wants of it, from the 401's challenge. Raises ``NotSignedIn`` or ``Unreachable``.
        """
        ...

    async def roles(self) -> frozenset[str]:
        """The permissions that the token lists, of one kind or the other. Raises ``NotSignedIn`` or ``Unreachable``."""
        ...
