"""What goes wrong on the way and at Microsoft's: the one module here that knows how the sandbox is told to fail."""

from __future__ import annotations

from collections import Counter

import httpx

from sandbox import Sandbox, Tenant
from sandbox.faults import CARRIER, Fault
from sandbox.transport import InProcess

_MISSING = frozenset({Fault.MISSING_ITEM, Fault.MISSING_ITEM_UNDONE})


def road(sandbox: Sandbox) -> httpx.AsyncBaseTransport:
    """The way into the sandbox without a network."""
    return InProcess(sandbox.app)


KINDS = {
    "in any way": frozenset(Fault),
    "after the work": frozenset(
        {
            Fault.ERROR_500_AFTER,
            Fault.ERROR_502_AFTER,
            Fault.ERROR_503_AFTER,
            Fault.ERROR_504_AFTER,
            Fault.DROPPED_AFTER,
            Fault.LATE_WRITE,
            Fault.LATE_WRITE_DROPPED,
            Fault.MISSING_ITEM,
            Fault.TAG_LOST_503,
        }
    ),
    "by losing the tag": frozenset({Fault.TAG_LOST_503}),
    "half way": frozenset({Fault.HALF_BODY, Fault.HALF_JSON, Fault.EMPTY_PAGE, Fault.LINK_EXPIRED, Fault.TOKEN_ENDED}),
}
"""How calls fail, by the words of a story."""


def bad(tenant: Tenant, rate: float, kinds: str, seed: int) -> None:
    """From now on each call fails with this probability, in one of these ways."""
    tenant.faults.draw(rate=rate, kinds=KINDS[kinds], seed=seed)


def fair(tenant: Tenant) -> None:
    """From now on all goes well."""
    tenant.faults.quiet()


def is_fair(tenant: Tenant) -> bool:
    """Whether all goes well."""
    return tenant.faults.are_quiet


def lost(tenant: Tenant) -> int:
    """How many answers may not have arrived so far: what Graph said in them nobody can heed."""
    met = tenant.faults.met.items()
    return sum(times for (fault, kind), times in met if kind == f"POST {CARRIER}" or fault in _MISSING)


def total(tenant: Tenant) -> int:
    """How often anything has gone wrong so far, late writes that are still to come in not told apart."""
    return sum(tenant.faults.met.values())


def met(tenant: Tenant) -> Counter[tuple[str, str]]:
    """What has gone wrong so far, by fault and by kind of call."""
    return Counter({(str(fault), kind): times for (fault, kind), times in tenant.faults.met.items()})
