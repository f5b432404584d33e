"""App registrations: how an application signs in, and what it may do."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

_OUTLOOK = ("Calendars.", "MailboxSettings.", "Mail.", "Contacts.")
"""How the permissions begin that can be limited to mailboxes (§6 of the notes on Graph)."""


@dataclass(slots=True, eq=False)
class Application:
    """One registration. Tests may change its ``roles``; they count from the next token on.

    ``mailboxes`` limits the Outlook permissions to these accounts by RBAC for Applications: they are then in no token.
    """

    client_id: str
    name: str
    secrets: list[str] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    mailboxes: frozenset[str] | None = None
    certificates: dict[str, Certificate] = field(default_factory=dict)
    """By both thumbprints, as they stand in the header of an assertion."""
    public: bool = False
    """Whether people may sign in to it without it proving who it is: "Allow public client flows"."""
    redirects: set[str] = field(default_factory=set)
    """Where the sign-in page may lead back to; of ``http://localhost`` any port and no other path will do."""
    scopes: set[str] = field(default_factory=set)
    """What it may do in the name of who signs in, by an administrator's consent for everybody."""

    def trust(self, pem: str | bytes) -> None:
        """Register a certificate to sign in with."""
        certificate = load_pem_x509_certificate(pem.encode() if isinstance(pem, str) else pem)
        for algorithm in (SHA1(), SHA256()):  # noqa: S303 - Entra's older form of a thumbprint
            thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).decode().rstrip("=")
            self.certificates[thumbprint] = certificate

    def limit_to(self, account_ids: Iterable[str]) -> None:
        """Limit the Outlook permissions to some mailboxes."""
        self.mailboxes = frozenset(account_ids)

    @property
    def token_roles(self) -> list[str]:
        """The permissions that its tokens list."""
        limited = self.mailboxes is not None
        return sorted(role for role in self.roles if not (limited and role.startswith(_OUTLOOK)))

    def scoped(self, account_id: str) -> frozenset[str]:
        """The permissions it has for this mailbox besides those in its token."""
        if self.mailboxes is None or account_id not in self.mailboxes:
            return frozenset()
        return frozenset(role for role in self.roles if role.startswith(_OUTLOOK))
