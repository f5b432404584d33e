"""Mail, over the bulk road: the port ``Mail``.

Not by the SDK, which would send a mail again after a 503 of unknown outcome.
"""

from __future__ import annotations

from urllib.parse import quote

from graph_client.batch import Call, Dispatcher
from graph_client.permissions import SEND_MAIL


class GraphMail:
    """Fills the port ``Mail`` over ``$batch``. Raises nothing but what ``holdfast.core.errors`` draws."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def send(self, sender: str, to: str, subject: str, html: str) -> None:
        """Have a mail sent, and kept in the sender's Sent Items (``api/user-sendmail.md``).

        Graph accepts it without promising anything; ``Unreachable`` means that it may be on its way all the same.
        """
        message = {
            "subject": subject,
            "body": {"contentType": "html", "content": html},
            "toRecipients": [{"emailAddress": {"address": to}}],
        }
        body = {"message": message, "saveToSentItems": True}
        await self._dispatcher.ok(Call(sender, "POST", f"/users/{quote(sender, safe='')}/sendMail", SEND_MAIL, body))
