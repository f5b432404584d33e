"""What is not certain about Graph, and how much it lets through: one frozen value each, to be replaced by a test.

Section numbers are those of ``graph-facts.md``, the project's notes on what Graph really does, which mark what its
documentation does not confirm.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """How a tenant behaves where documentation is silent or disagrees with itself. The defaults are the likeliest."""

    duplicate_status: int = 409
    """A second create with one transactionId answers 409 in most client code, 400 in some (§1.2)."""

    duplicate_tells_existing: bool = True
    """The refusal of a duplicate names the event in ``@event.existingEventId``, as seen in the field (§1.2)."""

    remembers_transactions_of_deleted: bool = True
    """A transactionId stays taken after its event is gone (§1.2: not documented)."""

    range_end_only_keeps_exceptions: bool = False
    """A patch of nothing but ``range.endDate`` keeps exceptions, gaps and occurrence ids (§3.4)."""

    recurrence_patch_keeps_tag: bool = True
    """A patch of a master's recurrence leaves its extended properties, where it does not bring them itself (§3.4)."""

    master_changes_reach_exceptions: bool = False
    """New words or show-as of a master are those of its exceptions too, over what was changed on these (§3.4)."""

    last_occurrence_takes_series: bool = True
    """Deleting the last occurrence removes the series, instead of leaving a master without instances (§3.3)."""

    original_start_is_the_slot: bool = True
    """``originalStart`` of a moved date is its slot and not the time it was moved to: older reports doubt it (§3.3)."""

    cancelled_occurrences_can_be_selected: bool = True
    """``$select=cancelledOccurrences`` works, instead of answering 400 as where only beta knew it (§3.3)."""

    declined_meetings_go: bool = True
    """Declining removes a meeting from the calendar, instead of leaving it there as free (§1.5)."""

    copies_carry_tag: bool = True
    """What a person copies in Outlook has the original's extended properties (§1.6)."""

    occurrences_carry_tag: bool = True
    """Occurrences show the master's extended properties where these are expanded (§1.6)."""

    tag_values_ignore_case: bool = True
    """Filters compare values of extended properties without regard to case; names they compare exactly (§1.6)."""

    view_filters_tags: bool = False
    """``$filter`` by an extended property works on calendarView and instances, instead of answering 400 (§1.6)."""

    start_date_must_match: bool = True
    """A ``range.startDate`` other than the date of ``start`` is refused, instead of winning over it (§3.2)."""

    largest_page: int = 1000
    """Events that one page has at most (§1.0)."""

    larger_pages_are_refused: bool = True
    """A ``$top`` above that answers 400, instead of a page of so many (§1.0)."""

    widest_view_days: int = 1826
    """A calendarView or instances window wider than about five years is refused (§1.3)."""

    expired_link_status: int = 400
    """A nextLink that is too old answers 400 as in the directory, or 410 as a delta link does (§7)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an application may ask for (§4). Windows begin with the first call in them."""

    concurrent_per_mailbox: int = 4
    concurrent_per_application: int | None = None
    """Calls in flight over all mailboxes: an older text of Microsoft's says four, the current one speaks of none."""

    calls_per_mailbox: int = 10_000
    mailbox_window: float = 600.0
    """Seconds."""

    units_per_tenant: int | None = None
    """Identity resource units in a window; None is Microsoft's figure for the size of the tenant."""

    unit_window: float = 10.0
    """Seconds."""

    concurrency_retry_after: int = 5
    """Seconds that a call over the concurrency limit is told to wait; not documented."""

    schedules: int = 20
    """Mailboxes of one getSchedule, members of groups one by one: documented; a hundred were seen to pass (§1.7)."""

    batch_size: int = 20
    batch_outlook_lanes: int = 4
    """Items of one batch that Graph sends to Outlook at a time."""


@dataclass(frozen=True, slots=True)
class TeamsFacts:
    """How Teams behaves where documentation is silent or disagrees with itself. The defaults are the likeliest."""

    too_large_status: int = 413
    """A post that is too large answers 413, or 400 (§2)."""

    application_post_status: int = 403
    """An application that posts for itself answers 403, or 401 ``Unauthorized`` as in older reports (§2)."""

    unreferenced_cards_are_refused: bool = True
    """A card that the body does not refer to answers 400, instead of being there and not being shown (§2)."""


@dataclass(frozen=True, slots=True)
class TeamsLimits:
    """How much an application may ask of Teams in a tenant (§2 and §4), by kind of call and by place."""

    message_bytes: int = 28 * 1024
    """Of a whole post: words, mentions and cards. The older figure; a newer one of 100 KB is not confirmed."""

    per_channel: int = 4
    """Calls a second about one channel, or about one team as such."""

    posts_per_day: int = 3_000
    """Messages and replies a day into one channel."""

    reading_messages: int = 20
    """Calls a second."""

    posting_messages: int = 50
    listing_channels: int = 60
    other_calls: int = 30

    while_time_stands: bool = False
    """Whether figures per second hold where the clock stands: one call after the other is all at one instant there."""

    largest_page: int = 50
    """Messages on a page; 20 unless more are asked for (§1.0)."""

    expanded_replies: int = 1_000
    """Replies that come with a message, before a link leads to the others (§1.11)."""

    delta_months: int = 8
    """How far back a first round of changes goes (§1.11)."""


@dataclass(frozen=True, slots=True)
class NotificationFacts:
    """How change notifications behave where documentation is silent or disagrees with itself (§5)."""

    write_permission_subscribes: bool = True
    """Calendars.ReadWrite alone makes a subscription; the reference asks for a read permission (§1.1)."""

    longer_is_refused: bool = True
    """An end later than the longest one answers 400, instead of being brought forward to it (§5.1)."""

    client_state_is_told: bool = True
    """Reading a subscription tells its ``clientState``, instead of null."""

    renewals_validate: bool = False
    """A renewal asks the notification URL for a new handshake: reported of renewals that timed out like this."""

    occurrences_notify_too: bool = False
    """What happens to one date is told by its own id as well, and not only by the series' (§3.3)."""

    creations_update_too: bool = False
    """An ``updated`` follows every ``created`` within a second (§5.1)."""

    drops_are_missed: bool = True
    """Who did not take notifications for too long is told ``missed`` afterwards (§5.4)."""


@dataclass(frozen=True, slots=True)
class NotificationLimits:
    """How many subscriptions there may be, how long, and how notifications are delivered (§5)."""

    longest_minutes: int = 10_080
    shortest_minutes: int = 45
    client_state: int = 128
    """Characters."""

    per_mailbox: int = 1_000
    """Subscriptions to one mailbox, of all applications together."""

    writes: int = 1_000
    calls: int = 5_000
    window: float = 20.0
    """Seconds in which an application may write, and call, so often (§4)."""

    while_time_stands: bool = False
    """Whether these hold where the clock stands: one call after the other is all at one instant there."""

    page: int = 100
    """Subscriptions on a page of the list; not documented."""

    handshake_seconds: float = 10.0
    first_attempt_seconds: float = 3.0
    """A first attempt that takes longer has failed, even if a 2xx comes then."""

    retry_seconds: float = 10.0
    first_retry_after: float = 30.0
    """Each retry waits twice as long as the one before; with which wait it begins is not documented."""

    give_up_after: float = 4 * 3_600.0
    items_per_post: int = 20
    """Not documented."""

    endpoint_window: float = 600.0
    judged_from: int = 100
    """Answers in the window from which an endpoint is judged: an older text's figure, the newest gives none."""

    slow_over: float = 3.0
    slow_share: float = 0.10
    drop_over: float = 10.0
    drop_share: float = 0.15
    punished_for: float = 600.0
    """How long notifications to a slow endpoint are delayed, and those to a slower one dropped."""

    reauthorize_within: float = 900.0
    """How long after ``reauthorizationRequired`` delivery pauses; not documented, but it is told every 15 minutes."""

    latency: tuple[float, float] = (0.0, 0.0)
    """Seconds from a change to its first delivery, drawn evenly: of events it is "unknown", of mail up to minutes."""
