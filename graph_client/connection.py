"""Where to sign in, where Graph is, and whom to trust: all that is known of a tenant before the first call."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httpx


class Cloud(NamedTuple):
    """The sign-in service and Graph of one of Microsoft's clouds."""

    authority: str
    graph: str


CLOUDS = {
    "global": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "gcc-high": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "dod": Cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": Cloud("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
}
"""By the name the settings use (``concepts/deployments.md`` of Microsoft's Graph documentation)."""

SECRET, CERTIFICATE, MANAGED_IDENTITY = "secret", "certificate", "managed-identity"

_API_VERSION = "/v1.0"


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant and how to sign in there as an application. Made by ``to``, which checks everything.

    ``authority`` is the tenant's sign-in address, ``graph_url`` Graph's with its version, both without a trailing
    slash; ``resource`` is what tokens are asked for, whatever address Graph is reached under. ``well_known`` says that
    the authority is Microsoft's own, so that msal may ask Microsoft about it.
    """

    tenant_id: str
    client_id: str | None
    credential: str
    authority: str
    graph_url: str
    resource: str
    well_known: bool
    secret: str | None = field(default=None, repr=False)
    certificate_path: str | None = None
    ca_bundle: str | None = None

    @classmethod
    def to(
        cls,
        *,
        tenant_id: str,
        client_id: str | None,
        credential: str,
        cloud: str = "global",
        secret: str | None = None,
        certificate_path: str | None = None,
        authority: str | None = None,
        graph_url: str | None = None,
        ca_bundle: str | None = None,
    ) -> Self:
        """A connection to a tenant; ``authority`` and ``graph_url`` replace the cloud's own.

        An authority without a path gets the tenant's, a Graph address without one gets ``/v1.0``. ``ca_bundle`` is a
        PEM file of certificate authorities trusted besides the usual ones. Raises ``ValueError`` with a sentence for
        the admin: an address that is not https, an unreadable bundle, a credential without what it takes.
        """
        known = CLOUDS[cloud]
        if credential not in {SECRET, CERTIFICATE, MANAGED_IDENTITY}:
            raise ValueError(f'"{credential}" is no kind of credential.')
        if credential != MANAGED_IDENTITY and not client_id:
            raise ValueError(f"The credential {credential} needs tenant.client_id, the id of the app registration.")
        if credential == SECRET and not secret:
            raise ValueError("The credential secret needs HOLDFAST_CLIENT_SECRET.")
        if credential == CERTIFICATE and not certificate_path:
            raise ValueError("The credential certificate needs HOLDFAST_CERTIFICATE_PATH.")
        connection = cls(
            tenant_id=tenant_id,
            client_id=client_id,
            credential=credential,
            authority=_address("HOLDFAST_AUTHORITY", authority or known.authority, f"/{tenant_id}"),
            graph_url=_address("HOLDFAST_GRAPH_URL", graph_url or known.graph, _API_VERSION),
            resource=known.graph,
            well_known=not authority,
            secret=secret,
            certificate_path=certificate_path,
            ca_bundle=ca_bundle,
        )
        try:
            connection.trust()
        except OSError as error:
            raise ValueError(
                f"HOLDFAST_CA_BUNDLE: {ca_bundle} holds no certificates that can be read ({error})."
            ) from error
        return connection

    def trust(self) -> ssl.SSLContext:
        """A fresh TLS context that trusts the usual authorities and those of the bundle."""
        context = httpx.create_ssl_context()
        if self.ca_bundle:
            context.load_verify_locations(cafile=self.ca_bundle)
        return context

    def relative(self, link: str) -> str | None:
        """A full link of Graph's, such as a nextLink, relative to ``graph_url``; None where it leads anywhere else."""
        base, parts = urlsplit(self.graph_url), urlsplit(link)
        if (parts.scheme, parts.netloc.lower()) != (base.scheme, base.netloc.lower()):
            return None
        if not parts.path.startswith(f"{base.path}/"):
            return None
        return parts.path[len(base.path) :] + (f"?{parts.query}" if parts.query else "")


def _address(name: str, url: str, path: str) -> str:
    """The address, with ``path`` where it has none. Raises ``ValueError`` unless it is https to a host and no more."""
    parts = urlsplit(url)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme != "https" or not parts.hostname or not plain:
        raise ValueError(f'{name}: "{url}" is not an https address such as {CLOUDS["global"].graph}.')
    return url.rstrip("/") + ("" if parts.path.strip("/") else path)
