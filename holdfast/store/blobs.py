"""Reading one file from a storage account: the settings, where an app in Azure has them."""

from __future__ import annotations

from holdfast.store.account import name_of

ROLE = "Storage Blob Data Reader"
"""Azure's name of the role that lets an identity read blobs."""


class BlobUnreadable(Exception):
    """The blob is not there, not ours to read, or its account does not answer. The message says what to do."""


def read(url: str, *, key: str | None, client_id: str | None, in_azure: bool = True) -> bytes:
    """What stands in the blob at ``url``, as ``Account`` has it with ``key``, ``client_id`` and ``in_azure``.

    Waits for the answer. Raises ``BlobUnreadable``.
    """
    from azure.core.credentials import AzureNamedKeyCredential  # noqa: PLC0415 - for who keeps settings there
    from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError  # noqa: PLC0415 - as above
    from azure.identity import (  # noqa: PLC0415 - as above
        AzureCliCredential,
        ChainedTokenCredential,
        ManagedIdentityCredential,
    )
    from azure.storage.blob import BlobClient  # noqa: PLC0415 - as above

    identity: ManagedIdentityCredential | ChainedTokenCredential | None = None
    if key is None:
        identity = ManagedIdentityCredential(client_id=client_id)
        if not in_azure:
            identity = ChainedTokenCredential(AzureCliCredential(), identity)
    credential = identity or AzureNamedKeyCredential(name_of(url), key or "")
    try:
        with BlobClient.from_blob_url(url, credential=credential) as blob:
            return blob.download_blob().readall()
    except ResourceNotFoundError as error:
        raise BlobUnreadable(
            f"There is no settings file {url}. Upload one, such as `holdfast init` writes, or set HOLDFAST_SETTINGS to "
            "where it is."
        ) from error
    except HttpResponseError as error:
        raise BlobUnreadable(
            f"The settings file {url} cannot be read: {error.status_code or 'no sign-in'} "
            f"{_first_line(error)}. Give the app's managed identity the role {ROLE} on the storage account, set "
            "AZURE_CLIENT_ID where the app has several identities, and let its network through the account's firewall."
        ) from error
    except AzureError as error:
        raise BlobUnreadable(
            f"The settings file {url} cannot be read: {_first_line(error)}. Check the address in HOLDFAST_SETTINGS and "
            "the network."
        ) from error
    finally:
        if identity is not None:
            identity.close()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
