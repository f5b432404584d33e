"""Settings of Fjällvik that post to channels."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from holdfast.core.settings import Channel, Credential, Day, Login, Post, Tenant, Via

LOGIN = Login(client_id=UUID("5e6f7a8b-9c0d-4e1f-8a2b-3c4d5e6f7a8b"), account="larande@fjallvik.example")
TENANT = Tenant(
    tenant_id=UUID("3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"),
    client_id=UUID("8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d"),
    credential=Credential.SECRET,
    login=LOGIN,
)


def channel(via: Via = Via.GRAPH, **more: Any) -> Channel:
    """A channel that is posted to on Fridays."""
    values = {
        "id": "utveckling",
        "team": "Utveckling",
        "channel": "Lärande",
        "audiences": ("alla",),
        "post": Post(every="week", day=Day.FRIDAY, at=time(14)),
        "via": via,
    }
    return Channel(**{**values, **more})
