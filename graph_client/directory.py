"""Groups and the people in them: the port ``Directory``. Look-ups take the typed road, long lists the bulk road."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from graph_client import translate
from graph_client.batch import Call, Dispatcher
from graph_client.errors import gap_of
from graph_client.permissions import LIST_MEMBERS, READ_ACCOUNTS
from holdfast.core.model import Group, Person

if TYPE_CHECKING:
    from graph_client.typed import TypedGraph

OF_PEOPLE = "id,displayName,mail,userPrincipalName,accountEnabled,userType"
"""What is asked of accounts."""

_PAGE = 999
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class GraphDirectory:
    """Fills the port ``Directory``. ``typed`` makes Microsoft's client when it is first needed."""

    def __init__(self, dispatcher: Dispatcher, typed: Callable[[], TypedGraph]) -> None:
        self._dispatcher = dispatcher
        self._typed = typed

    async def groups(self, text: str) -> Sequence[Group]:
        """All groups whose id, mail address or display name is ``text``; empty when there is none."""
        typed = self._typed()
        if _ID.fullmatch(text):
            found = await typed.group(text)
            if found is not None:
                return [found]
        return await typed.groups_called(text)

    async def members(self, group_id: str) -> AsyncIterator[Person]:
        """Everyone in the group, through nested groups, each once (``api/group-list-transitivemembers.md``).

        Raises ``Gone`` for an unknown group, and ``Denied`` where accounts come without the properties that tell
        people: that is a missing permission, not a missing mailbox.
        """
        path = f"/groups/{quote(group_id, safe='')}/transitiveMembers/microsoft.graph.user"
        first = Call(f"group {group_id}", "GET", f"{path}?$select={OF_PEOPLE}&$top={_PAGE}", LIST_MEMBERS)
        async for page in self._dispatcher.pages(first):
            for raw in page:
                person = translate.understood(translate.person, raw)
                if person is None:
                    raise gap_of(READ_ACCOUNTS, "Graph shows that accounts exist, but not what they are.")
                yield person
