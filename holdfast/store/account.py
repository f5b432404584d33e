"""A storage account of Azure: where it is, as whom Holdfast comes to it, and what its refusals mean."""

from __future__ import annotations

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

TABLE_ROLE, QUEUE_ROLE = "Storage Table Data Contributor", "Storage Queue Data Contributor"
"""Azure's names of the roles that let an identity read and write tables, and put messages on queues."""


@dataclass(frozen=True, slots=True)
class Account:
    """The addresses of an account's tables and queues, without a slash at the end, and how to sign in.

    With ``key``, the account's own, for simulators; else as the app's managed identity, by ``client_id`` where the app
    has several.
    """

    tables: str
    queues: str
    key: str | None = field(default=None, repr=False)
    client_id: str | None = None

    @asynccontextmanager
    async def credential(self) -> AsyncIterator[Credential]:
        """What signs requests. Nothing is asked for before the first of them."""
        if self.key is not None:
            from azure.core.credentials import AzureNamedKeyCredential  # noqa: PLC0415 - for who keeps state there

            yield AzureNamedKeyCredential(_name(self.tables), self.key)
            return
        from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415 - as above

        async with ManagedIdentityCredential(client_id=self.client_id) as identity:
            yield identity


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
            "storage account, and set AZURE_CLIENT_ID where the app has several identities; a simulator needs "
            "HOLDFAST_STORAGE_KEY."
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


def _name(url: str) -> str:
    """The account's name: the first label of the host, or the path where a simulator has it there."""
    parts = urlsplit(url)
    return parts.path.strip("/") or (parts.hostname or "").split(".")[0]


def _said(error: Exception) -> str:
    code = getattr(error, "error_code", None)
    first = str(error).strip().splitlines()
    return str(getattr(code, "value", code) or (first[0].rstrip(".") if first else type(error).__name__))
