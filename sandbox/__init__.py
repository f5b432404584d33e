"""A pretend Microsoft 365 tenant over HTTP: Entra's token endpoints and the part of Graph v1.0 that Holdfast uses.

It shares no code with the product, so that a misunderstanding of Graph has to be made twice to go unnoticed.
``docs/sandbox.md`` says what is simulated and what is not.
"""

from sandbox.app import Sandbox
from sandbox.clock import Clock
from sandbox.exchange import Exchange
from sandbox.facts import Facts, Limits, NotificationFacts, NotificationLimits, TeamsFacts, TeamsLimits
from sandbox.firm import firm
from sandbox.notices import LIFECYCLE, Mishap
from sandbox.person import Person
from sandbox.server import Server, serving
from sandbox.tenant import Tenant

__all__ = [
    "LIFECYCLE",
    "Clock",
    "Exchange",
    "Facts",
    "Limits",
    "Mishap",
    "NotificationFacts",
    "NotificationLimits",
    "Person",
    "Sandbox",
    "Server",
    "TeamsFacts",
    "TeamsLimits",
    "Tenant",
    "firm",
    "serving",
]
