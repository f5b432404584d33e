"""What is asked of Microsoft 365 and what is stored, name by name, with the text of the data sheet that tells it.

Tests hold these tables to every request, every table of the store and every stored value: who asks for another property
or stores another field tells it here, and so on the sheet.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.core import permissions
from holdfast.core.model import Overlap, Protection
from holdfast.core.overlap import ASKED_OF_OTHERS
from holdfast.core.settings import BlockZone, Mode, Settings, Via
from holdfast.core.settings.recurring import Quietest


class Use(enum.StrEnum):
    """What settings may switch on, beyond the blocks themselves."""

    UNATTENDED = "unattended"
    PROTECTED = "protected"
    NOTES = "notes"
    DECLINES = "declines"
    QUIETEST = "quietest"
    OWN_ZONES = "own-zones"
    TOLD = "told"
    CHANNELS = "channels"
    ACCOUNT = "account"
    WORKFLOW = "workflow"
    REPLIES = "replies"
    PACKS = "packs"
    LEADERS = "leaders"
    OPT_OUT = "opt-out"


def uses(settings: Settings) -> frozenset[Use]:
    """What these settings switch on."""
    overlaps = {block.overlap for block in settings.blocks}
    by_graph = [channel for channel in settings.channels if channel.via is Via.GRAPH]
    switched = {
        Use.UNATTENDED: settings.mode is Mode.KEEP,
        Use.PROTECTED: any(block.protection is not Protection.SOFT for block in settings.blocks),
        Use.NOTES: Overlap.NOTIFY in overlaps,
        Use.DECLINES: Overlap.DECLINE in overlaps,
        Use.QUIETEST: any(isinstance(block.at, Quietest) for block in settings.blocks),
        Use.OWN_ZONES: any(block.time_zone is BlockZone.MAILBOX for block in settings.blocks),
        Use.TOLD: settings.tenant.notification_url is not None,
        Use.CHANNELS: bool(settings.channels),
        Use.ACCOUNT: bool(by_graph),
        Use.WORKFLOW: len(by_graph) < len(settings.channels),
        Use.REPLIES: any(channel.share_prompt for channel in by_graph),
        Use.PACKS: any(channel.agenda_pack for channel in settings.channels),
        Use.LEADERS: bool(settings.messages),
        Use.OPT_OUT: any(audience.opt_out for audience in settings.audiences.values()),
    }
    return frozenset(use for use, is_on in switched.items() if is_on)


@dataclass(frozen=True, slots=True)
class Asked:
    """One kind of thing that is read: the ``name`` of its texts, the properties by Graph's names, the permissions.

    It is read where one of ``uses`` is switched on, and always where none is named.
    """

    name: str
    properties: tuple[str, ...]
    permissions: tuple[str, ...]
    uses: frozenset[Use] = frozenset()


_WATCH = frozenset({Use.NOTES, Use.DECLINES})

ASKED = (
    Asked("groups", ("id", "displayName", "mail"), (permissions.GROUP_MEMBERS,)),
    Asked(
        "people",
        ("id", "displayName", "mail", "userPrincipalName", "accountEnabled", "userType"),
        (permissions.GROUP_MEMBERS, permissions.USERS),
    ),
    Asked("mailbox", ("userPurpose", "workingHours", "timeZone"), (permissions.MAILBOX_SETTINGS,)),
    Asked(
        "ours",
        (
            *("id", "type", "createdDateTime", "start", "end", "originalStart", "showAs", "recurrence"),
            *("transactionId", "singleValueExtendedProperties", "body"),
        ),
        (permissions.CALENDARS,),
    ),
    Asked("lost", ("id", "type", "transactionId"), (permissions.CALENDARS,)),
    Asked("away", ("id", "type", "start", "end", "showAs"), (permissions.CALENDARS,), frozenset({Use.PROTECTED})),
    Asked("others", ASKED_OF_OTHERS, (permissions.CALENDARS,), _WATCH | {Use.CHANNELS}),
    Asked("free", ("availabilityView", "workingHours"), (permissions.CALENDARS,), _WATCH | {Use.QUIETEST}),
    Asked("changes", ("changeType", "id", "@odata.etag"), (permissions.BEING_TOLD,), frozenset({Use.TOLD})),
    Asked(
        "teams",
        ("id", "displayName"),
        (permissions.FIND_TEAMS, permissions.FIND_CHANNELS),
        frozenset({Use.ACCOUNT}),
    ),
    Asked("posts", ("id", "from", "attachments", "webUrl"), (permissions.READ_POSTS,), frozenset({Use.ACCOUNT})),
    Asked(
        "replies",
        ("id", "from", "createdDateTime", "deletedDateTime", "messageType", "body", "webUrl"),
        (permissions.READ_POSTS,),
        frozenset({Use.REPLIES}),
    ),
)
"""Everything that is read of people or in their name."""


class Shield(enum.StrEnum):
    """Under what a row is kept."""

    OWN_ID = "own-id"
    PSEUDONYM = "pseudonym"
    SEALED = "sealed"
    NOBODY = "nobody"


class Term(enum.StrEnum):
    """How long a row is kept."""

    BLOCKS = "blocks"
    UNREAD = "unread"
    KEEP_DAYS = "keep-days"
    SUBSCRIBED = "subscribed"
    RUNS = "runs"
    NEXT_RUN = "next-run"
    WORKED_OFF = "worked-off"
    SIGNED_IN = "signed-in"
    APPROVED = "approved"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Kept:
    """One table: the texts about it are called by its name.

    ``told`` says by which text each column, as ``table.column``, and each field of a stored value, as ``Value.field``,
    is told.
    """

    table: str
    shield: Shield
    term: Term
    told: Mapping[str, tuple[str, ...]]
    uses: frozenset[Use] = field(default_factory=frozenset)


def _of(value: str, *fields: str) -> tuple[str, ...]:
    return tuple(f"{value}.{one}" for one in fields)


KEPT = (
    Kept(
        "placed",
        Shield.OWN_ID,
        Term.BLOCKS,
        {
            "person": (*_of("placed", "mailbox", "address", "name"), *_of("Placed", "mailbox", "address", "name")),
            "membership": (
                *_of("placed", "slots", "audiences", "declines"),
                *_of("Placed", "slots", "audiences", "declines"),
                *_of("SlotKey", "block", "slot"),
            ),
        },
    ),
    Kept(
        "known",
        Shield.OWN_ID,
        Term.UNREAD,
        {
            "mailbox": ("known.mailbox",),
            "read": ("known.at", "Known.read"),
            "series": (
                *("known.series", "Known.series"),
                *_of("ActualSeries", "event_id", "tag", "created", "range_ends", "starts", "zone"),
                *_of("Tag", "block", "generation", "fingerprint", "first", "last", "ending", "told"),
            ),
        },
    ),
    Kept(
        "profile",
        Shield.OWN_ID,
        Term.UNREAD,
        {
            "mailbox": ("profile.mailbox",),
            "read": ("profile.at", "Learned.at"),
            "habits": (
                *("profile.profile", "Learned.profile"),
                *_of("Profile", "purpose", "hours", "zone", "zone_since"),
                *_of("WorkingHours", "days", "starts", "ends", "zone"),
            ),
        },
    ),
    Kept(
        "touches",
        Shield.PSEUDONYM,
        Term.KEEP_DAYS,
        {
            "pseudonym": ("touches.who",),
            "days": ("touches.first", "touches.last"),
            "put-back": ("touches.touches", "Touches.put_back", *_of("DateKey", "block", "day")),
            "answered": ("Touches.answered", "Touches.pending"),
            "skipped": ("Touches.skipped",),
            "moved": ("Touches.moved",),
            "remade": ("Touches.remade", "Touches.left"),
            "stood": ("Touches.stood", *_of("Stood", "last", "meetings"), *_of("SeriesKey", "block", "generation")),
        },
    ),
    Kept(
        "sent",
        Shield.PSEUDONYM,
        Term.KEEP_DAYS,
        {"pseudonym": ("sent.who",), "about": ("sent.about", "sent.message"), "at": ("sent.at",)},
        _WATCH,
    ),
    Kept(
        "seen",
        Shield.OWN_ID,
        Term.UNREAD,
        {
            "mailbox": ("seen.mailbox",),
            "read": ("seen.at", "Seen.at"),
            "etags": ("seen.etags", "Seen.etags"),
        },
    ),
    Kept(
        "subscription",
        Shield.OWN_ID,
        Term.SUBSCRIBED,
        {
            "mailbox": ("subscription.mailbox", "Subscription.mailbox"),
            "promise": (
                *_of("subscription", "id", "expires", "mark"),
                *_of("Subscription", "id", "expires", "mark"),
            ),
        },
        frozenset({Use.TOLD}),
    ),
    Kept(
        "run",
        Shield.OWN_ID,
        Term.NEXT_RUN,
        {"report": ("run.run",)},
    ),
    Kept(
        "job_run",
        Shield.NOBODY,
        Term.RUNS,
        {
            "progress": (
                *_of("job_run", "id", "job", "began", "run"),
                *_of("Run", "id", "job", "began", "shards", "approved", "home", "note", "ended", "turned_by"),
            )
        },
    ),
    Kept(
        "shard",
        Shield.OWN_ID,
        Term.RUNS,
        {"outcome": _of("shard", "run", "stage", "number", "result")},
    ),
    Kept(
        "queue",
        Shield.OWN_ID,
        Term.WORKED_OFF,
        {"waiting": _of("queue", "id", "name", "text", "due", "dequeued")},
    ),
    Kept(
        "post",
        Shield.NOBODY,
        Term.STAYS,
        {
            "ledger": (
                *_of("post", "channel", "period", "state", "at", "holder", "until", "message", "url", "hours"),
                *_of("Entry", "channel", "period", "state", "at", "message_id", "url", "hours"),
            )
        },
        frozenset({Use.CHANNELS}),
    ),
    Kept(
        "sign_in",
        Shield.SEALED,
        Term.SIGNED_IN,
        {"tokens": (*_of("sign_in", "tokens", "since", "used"), *_of("SignedIn", "since", "used"))},
        frozenset({Use.ACCOUNT}),
    ),
    Kept(
        "approval",
        Shield.NOBODY,
        Term.APPROVED,
        {
            "settings": (
                *_of("approval", "fingerprint", "settings", "at", "groups", "complete"),
                *_of("Approval", "fingerprint", "settings", "at", "groups", "complete"),
            )
        },
    ),
    Kept(
        "choice",
        Shield.NOBODY,
        Term.STAYS,
        {"time": (*_of("choice", "block", "audience", "days", "at"), *_of("ChoiceKey", "block", "audience", "days"))},
        frozenset({Use.QUIETEST}),
    ),
    Kept(
        "facts",
        Shield.NOBODY,
        Term.STAYS,
        {
            "tenant": (
                "facts.facts",
                *_of("TenantFacts", "at", "range_end_keeps", "original_start_stays", "occurrences_carry_tag"),
                *_of("TenantFacts", "duplicate_refused", "duplicate_status", "duplicate_names_event"),
                *_of("TenantFacts", "duplicate_outlives_event", "tags_ignore_case", "last_takes_series"),
            )
        },
    ),
    Kept("floor", Shield.NOBODY, Term.STAYS, {"generation": _of("floor", "block", "generation")}),
    Kept("tick", Shield.NOBODY, Term.STAYS, {"job": _of("tick", "job", "slot")}),
)
"""Every table. Each row is the tenant's, whose id is in the column ``tenant``."""

NOT_KEPT = frozenset(_of("ActualSeries", "etag", "instances", "ahead"))
"""Fields of stored values that are left out when they are."""
