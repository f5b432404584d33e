"""A storage account of Azure: where it is, as whom Holdfast comes to it, and what its refusals mean."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from holdfast.store.errors import StateUnusable

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential
    from azure.core.credentials_async import AsyncTokenCredential

    Credential = AzureNamedKeyCredential | AsyncTokenCredential

_OF_AZURE = re.compile(r"\.(table|queue|blob)\.")
"""What is in the host of an account's service in every cloud."""

TABLE_ROLE, QUEUE_ROLE = "Storage Table Data Contributor", "Storage Queue Data Contributor"
"""Azure's names of the roles that let an identity read and write tables, and put messages on queues."""


@dataclass(frozen=True, slots=True)
class Account:
    """The addresses of an account's tables and queues, without a slash at the end, and how to sign in.

    With ``key``, the account's own, for simulators; else ``in_azure`` as the app's managed identity, by ``client_id``
    where the app has several, and elsewhere as whoever is signed in to Azure's command line, if anybody is.
    """

    tables: str
    queues: str
    key: str | None = field(default=None, repr=False)
    client_id: str | None = None
    in_azure: bool = True

    @classmethod
    def at(
        cls, tables: str, *, queues: str | None, key: str | None, client_id: str | None, in_azure: bool = True
    ) -> Account:
        """The account with these addresses; without one for queues they are where Azure has them beside the tables.

        Raises ``ValueError`` with what is wrong and what to do.
        """
        host = urlsplit(tables).hostname or ""
        if queues is None:
            if ".table." not in host:
                raise ValueError(
                    f"HOLDFAST_STATE is {tables}, which does not tell where the queues are. Set HOLDFAST_QUEUES to "
                    "their address."
                )
            queues = tables.replace(".table.", ".queue.", 1)
        if key is None and not (tables.startswith("https://") and queues.startswith("https://")):
            raise ValueError(
                "A storage account takes a sign-in by https alone. Write https:// in HOLDFAST_STATE and "
                "HOLDFAST_QUEUES, or set HOLDFAST_STORAGE_KEY for a simulator."
            )
        if key is not None:
            try:
                base64.b64decode(key, validate=True)
            except binascii.Error:
                raise ValueError("HOLDFAST_STORAGE_KEY is no account key: it is not base64. Copy it anew.") from None
        return cls(tables.rstrip("/"), queues.rstrip("/"), key, client_id, in_azure)

    @asynccontextmanager
    async def credential(self) -> AsyncIterator[Credential]:
        """What signs requests. Nothing is asked for before the first of them."""
        if self.key is not None:
            from azure.core.credentials import AzureNamedKeyCredential  # noqa: PLC0415 - for who keeps state there

            yield AzureNamedKeyCredential(name_of(self.tables), self.key)
            return
        from azure.identity.aio import (  # noqa: PLC0415 - as above
            AzureCliCredential,
            ChainedTokenCredential,
            ManagedIdentityCredential,
        )

        identity = ManagedIdentityCredential(client_id=self.client_id)
        async with identity if self.in_azure else ChainedTokenCredential(AzureCliCredential(), identity) as signed_in:
            yield signed_in


@contextmanager
def understood(url: str, role: str) -> Iterator[None]:
    """Raise ``StateUnusable`` for what a storage service refuses, and for one that does not answer."""
    from azure.core.exceptions import (  # noqa: PLC0415 - as above
        AzureError,
        ClientAuthenticationError,
        HttpResponseError,
    )

    try:
        yield
    except ClientAuthenticationError as error:
        raise StateUnusable(
            f"{url} does not let Holdfast in: {_said(error)}. Give the app's managed identity the role {role} on the "
            "storage account, and set AZURE_CLIENT_ID where the app has several identities. On a laptop, run "
            "`az login` as somebody with that role; a simulator needs HOLDFAST_STORAGE_KEY."
        ) from error
    except HttpResponseError as error:
        forbidden = error.status_code == 403  # noqa: PLR2004 - the HTTP status
        cure = (
            f"Give the app's managed identity the role {role} on the storage account, and let its network through the "
            "account's firewall."
            if forbidden
            else "Look at the storage account's health in the Azure portal; nothing is done twice when it is run again."
        )
        raise StateUnusable(f"{url} refuses with {error.status_code}: {_said(error)}. {cure}") from error
    except AzureError as error:
        raise StateUnusable(
            f"{url} does not answer: {_said(error)}. Check the address in HOLDFAST_STATE and HOLDFAST_QUEUES, and the "
            "network."
        ) from error


def name_of(url: str) -> str:
    """The name of the account that an address is of: the first label of the host, or of the path with a simulator."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return host.split(".")[0] if _OF_AZURE.search(host) else parts.path.strip("/").split("/")[0]


def _said(error: Exception) -> str:
    code = getattr(error, "error_code", None)
    first = str(error).strip().splitlines()
    return str(getattr(code, "value", code) or (first[0].rstrip(".") if first else type(error).__name__))
