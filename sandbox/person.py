"""Somebody with Outlook and Teams in front of them: what people do to blocks, meetings, groups and messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from sandbox import responses
from sandbox.directory import Account, Group
from sandbox.event import Address, Event
from sandbox.mailbox import Mailbox
from sandbox.teams import GENERAL, Channel, Message
from sandbox.tenant import Tenant


class Person:
    """What an account's owner does in a tenant. Raises ``LookupError`` where there is nothing to do it in or to.

    Events go by their ids, of either form, as Graph and ``Tenant.calendar`` tell them; new ones are answered by theirs.
    Nothing that people do counts as an application's write, or its mail.
    """

    def __init__(self, tenant: Tenant, account: Account) -> None:
        self._tenant = tenant
        self.account = account

    @property
    def mailbox(self) -> Mailbox:
        """The person's mailbox."""
        return self._tenant.mailbox(self.account.id)

    # What stands in the calendar already

    def move(self, event_id: str, starts: datetime, ends: datetime | None = None) -> None:
        """Drag an event or one date of a series to other instants; without an end it keeps its length."""
        self.mailbox.move_occurrence(event_id, starts, ends)

    def resize(self, event_id: str, minutes: int) -> None:
        """Make an event or one date of a series longer or shorter."""
        starts = self.mailbox.seen(self.mailbox.find(event_id)).starts
        self.mailbox.move_occurrence(event_id, starts, starts + timedelta(minutes=minutes))

    def move_series(self, event_id: str, at: time) -> None:
        """Give a whole series another time of day, which forgets what was done to single dates."""
        self.mailbox.move_series(event_id, at)

    def delete(self, event_id: str) -> None:
        """Delete a single event, or one date of a series."""
        found = self.mailbox.find(event_id)
        if found.day is None and found.event.is_series:
            raise ValueError("This is the id of a series: delete_series takes it as a whole.")
        self.mailbox.remove(found)

    def delete_series(self, event_id: str) -> None:
        """Delete the whole series that a date belongs to."""
        self.mailbox.delete_event(event_id)

    def show_as(self, event_id: str, status: str) -> None:
        """Set an event, a series or one date of it to free, tentative, busy or whatever else."""
        self.mailbox.edit(event_id, showAs=status)

    def reword(self, event_id: str, *, subject: str | None = None, text: str | None = None) -> None:
        """Write something else over the subject or the body of an event, a series or one date of it."""
        words: dict[str, Any] = {} if subject is None else {"subject": subject}
        if text is not None:
            words["body"] = {"contentType": "text", "content": text}
        self.mailbox.edit(event_id, **words)

    def copy(self, event_id: str, starts: datetime | None = None) -> str:
        """Copy a single event, or one date of a series as a single event, to an instant if one is given."""
        return self._copied(event_id, starts, whole=False)

    def copy_series(self, event_id: str) -> str:
        """Copy the whole series that a date belongs to."""
        return self._copied(event_id, None, whole=True)

    # Meetings

    def book(self, subject: str, starts: datetime, ends: datetime, **values: Any) -> str:  # noqa: ANN401 - Graph's own
        """Put an appointment of one's own in the calendar; ``sensitivity="private"`` hides what it is."""
        return self._id(self.mailbox.book(subject, starts, ends, **values))

    def invite(
        self,
        people: Iterable[Account],
        subject: str,
        starts: datetime,
        ends: datetime,
        *,
        recurrence: Mapping[str, Any] | None = None,
        **values: Any,  # noqa: ANN401 - Graph's properties in Graph's form
    ) -> str:
        """Call a meeting with colleagues, each of whom finds it in their calendar, tentative until they answer."""
        guests = list(people)
        me = self.mailbox.owner
        attendees = [Address(one.display_name, one.address) for one in guests]
        event = self.mailbox.book(subject, starts, ends, attendees=attendees, recurrence=recurrence, **values)
        for one in guests:
            if one.mailbox is not None:
                one.mailbox.copy(event, me)
        return self._id(event)

    def be_invited(
        self,
        organizer: Address,
        subject: str,
        starts: datetime,
        ends: datetime,
        *,
        recurrence: Mapping[str, Any] | None = None,
        **values: Any,  # noqa: ANN401 - Graph's properties in Graph's form
    ) -> str:
        """Find the meeting of somebody outside the organisation in the calendar, tentative until it is answered."""
        box = self.mailbox
        event = box.book(
            subject, starts, ends, organizer=organizer, attendees=[box.owner], recurrence=recurrence, **values
        )
        return self._id(event)

    def accept(self, event_id: str) -> None:
        """Say yes to a meeting, a series of them, or one date."""
        self._respond(event_id, "accepted")

    def tentatively_accept(self, event_id: str) -> None:
        """Say perhaps."""
        self._respond(event_id, "tentativelyAccepted")

    def decline(self, event_id: str) -> None:
        """Say no."""
        self._respond(event_id, "declined")

    # Oneself

    def be_away(self, first: date, last: date | None = None) -> str:
        """Have an out-of-office event over whole days, both included."""
        subject = "Frånvarande" if self._tenant.language == "sv" else "Out of office"
        midnight = datetime.combine(first, time())
        ends = datetime.combine(last or first, time()) + timedelta(days=1)
        return self.book(subject, midnight, ends, showAs="oof", isAllDay=True)

    def change_zone(self, zone_name: str) -> None:
        """Set the mailbox to another zone."""
        self.mailbox.time_zone = zone_name

    def join(self, group: Group) -> None:
        """Become a member of a group, and of its team, where that is told to everybody."""
        if self.account not in group.members:
            group.members.append(self.account)
            if group.team is not None:
                group.team.channel(GENERAL).announce()

    def leave(self, group: Group) -> None:
        """Belong to a group no more, nor to any other within it."""
        if self.account in group.owners:
            group.owners.remove(self.account)
        for one in [group, *(member for member in group.transitive_members() if isinstance(member, Group))]:
            if self.account in one.members:
                one.members.remove(self.account)

    # In Teams, where one has to be a member of the channel: raises ``ValueError`` otherwise

    def post(self, channel: Channel, content: str, *, subject: str | None = None, **values: Any) -> str:  # noqa: ANN401
        """Begin a thread. ``content`` is HTML, whatever it holds; ``mentions`` are Graph's JSON."""
        return self._in(channel).add(self.account, content, subject=subject, **values).id

    def reply(self, channel: Channel, message_id: str, content: str, **values: Any) -> str:  # noqa: ANN401
        """Reply to a message, or to one of the replies to it."""
        message = self._message(channel, message_id)
        return channel.add(self.account, content, root=message.root or message, **values).id

    def edit_message(self, channel: Channel, message_id: str, content: str) -> None:
        """Write something else over one's own message or reply."""
        channel.edit(self._own(channel, message_id), content)

    def delete_message(self, channel: Channel, message_id: str) -> None:
        """Take one's own message or reply away; owners of the team may take anybody's."""
        message = self._message(channel, message_id)
        if self.account not in channel.team.owners:
            message = self._own(channel, message_id)
        channel.delete(message)

    def react(self, channel: Channel, message_id: str, kind: str = "like") -> None:
        """React to a message or a reply."""
        channel.react(self._message(channel, message_id), self.account, kind)

    def unreact(self, channel: Channel, message_id: str, kind: str = "like") -> None:
        """Take a reaction back."""
        channel.unreact(self._message(channel, message_id), self.account, kind)

    def join_channel(self, channel: Channel) -> None:
        """Become a member of a private channel of one's team."""
        if self.account not in channel.private_members:
            channel.private_members.append(self.account)
        self._in(channel)

    def leave_channel(self, channel: Channel) -> None:
        """Belong to a private channel no more."""
        channel.private_members.remove(self.account)

    def _in(self, channel: Channel) -> Channel:
        if self.account not in channel.members:
            raise ValueError(f"{self.account.display_name} is not a member of {channel.name}.")
        return channel

    def _message(self, channel: Channel, message_id: str) -> Message:
        message = self._in(channel).message(message_id)
        if message is None or message.deleted is not None:
            raise LookupError(f"There is no message {message_id} in {channel.name}.")
        return message

    def _own(self, channel: Channel, message_id: str) -> Message:
        message = self._message(channel, message_id)
        if message.sender is not self.account:
            raise ValueError("These are somebody else's words.")
        return message

    def _respond(self, event_id: str, response: str) -> None:
        found = self.mailbox.find(event_id)
        what = self.mailbox.seen(found)
        if what.event.organizer is None:
            raise ValueError("One's own meeting cannot be answered.")
        responses.tell(self._tenant, self.mailbox, what, response)
        self.mailbox.respond(found, response)

    def _copied(self, event_id: str, starts: datetime | None, *, whole: bool) -> str:
        found = self.mailbox.find(event_id)
        copy = self.mailbox.duplicate(found._replace(day=None) if whole else found)
        if starts is not None:
            self.mailbox.move_occurrence(self._id(copy), starts)
        return self._id(copy)

    def _id(self, event: Event) -> str:
        return self.mailbox.id_of(event)
