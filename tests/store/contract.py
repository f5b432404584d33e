"""What every filler of the port State promises. Subclass ``StateContract`` and give it a way to open one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from holdfast.core.desired import ChoiceKey
from holdfast.core.model import (
    ActualSeries,
    Fingerprint,
    Occurrence,
    Profile,
    Purpose,
    SlotKey,
    Tag,
    Weekday,
    WorkingHours,
)
from holdfast.core.tenant import TenantFacts
from holdfast.core.touches import DateKey, Touches
from holdfast.jobs.ports import (
    Approval,
    Entry,
    Known,
    Learned,
    Placed,
    PostState,
    SignedIn,
    State,
)
from holdfast.store.key import Key

KEY = Key(b"of these tests, and of 32 bytes .")
TENANT = "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"
OTHER_TENANT = "9d8c7b6a-5f4e-4d3c-8b2a-1f0e9d8c7b6a"
NOON = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
STOCKHOLM = timezone(timedelta(hours=1))

APPROVAL = Approval(
    fingerprint="00ff00ff00ff00ff",
    settings="version: 1\norganization:\n  name: Fjällvik AB\n",
    at=NOON,
    groups={"alla": ("Alla medarbetare", "g-alla"), "jour": ("jour@fjallvik.example", "g-jour")},
    complete=frozenset({"lartimmen", "fordjupning"}),
)
THURSDAYS, MONDAYS, MONTHLY = (
    SlotKey("lartimmen", "9ac19ac1"),
    SlotKey("lartimmen", "0be20be2"),
    SlotKey("fordjupning", "9ac19ac1"),
)
ANNA = Placed(
    "id-anna",
    "Anna.Öberg@fjallvik.example",
    frozenset({THURSDAYS, MONDAYS, MONTHLY}),
    frozenset({"alla", "utveckling"}),
    frozenset({"jour"}),
    "Anna Öberg",
)
SERIES = ActualSeries(
    event_id="AAk/+=",
    etag="",
    tag=Tag("lartimmen", 3, Fingerprint("9ac19ac1", "77fe77fe"), date(2026, 12, 3), date(2027, 5, 27)),
    created=datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC),
    range_ends=date(2027, 5, 27),
    starts=datetime(2026, 12, 3, 8, tzinfo=UTC),
    zone="Europe/Stockholm",
)
ENDED = replace(
    SERIES, event_id="AAk-old", tag=replace(SERIES.tag, generation=2, ending=True), range_ends=None, zone=None
)
KNOWN = Known(NOON, (SERIES, ENDED))
HOURS = WorkingHours(frozenset({Weekday.MONDAY, Weekday.THURSDAY}), time(7, 30), time(12), "Europe/Stockholm")
LEARNED = Learned(Profile(Purpose.USER, HOURS, "Europe/Helsinki", NOON - timedelta(days=30)), NOON)
CHOICES = {
    ChoiceKey("lartimmen", "alla", "thursday"): time(9, 30),
    ChoiceKey("lartimmen", "alla", "monday"): time(8),
    ChoiceKey("lartimmen", "utveckling", "thursday"): time(15, 30),
    ChoiceKey("fordjupning", "alla", "thursday"): time(0),
}
FACTS = TenantFacts(
    at=NOON,
    range_end_keeps=True,
    occurrences_carry_tag=False,
    duplicate_status=409,
    duplicate_names_event=True,
    duplicate_outlives_event=False,
    tags_ignore_case=True,
    last_takes_series=False,
)
THURSDAY = date(2026, 12, 3)
OF_ANNA = Touches(
    put_back={DateKey("lartimmen", THURSDAY): 2, DateKey("fordjupning", THURSDAY): 1},
    answered=frozenset({DateKey("lartimmen", THURSDAY + timedelta(days=7))}),
    skipped=frozenset({DateKey("lartimmen", THURSDAY + timedelta(days=14))}),
    moved=frozenset({DateKey("fordjupning", THURSDAY + timedelta(days=4))}),
    remade={SlotKey("lartimmen", "aa"): THURSDAY},
    left=frozenset({SlotKey("lartimmen", "bb")}),
)
RUN = {"job": "sweep", "states": {"held": 3}, "complete": True, "note": "Väntar …", "problems": [{"a": None}]}

CILLA = "cilla@fjallvik.example"
MOST, WEEK = 2, timedelta(days=7)


async def claimed(state: State, *about: str, at: datetime = NOON, to: str = CILLA) -> bool:
    """Whether a message may be sent, of which there are two a week at most."""
    return await state.claim(to, about, at, most=MOST, since=at - WEEK)


POST = Entry("utveckling", "2026-11-27", PostState.POSTING, NOON)
LEASE = timedelta(minutes=15)
HOURS_OF = {"ai-2028": 15, "säkerhet": 0}


async def begun(
    state: State,
    holder: str,
    *,
    at: datetime = NOON,
    over: Collection[PostState] = (),
    come: PostState = PostState.POSTING,
    **entry: Any,
) -> bool:
    """Whether a post is somebody's to make, for a quarter of an hour. ``come`` is how far it has then."""
    begin = replace(POST, at=at, state=come, **entry)
    return await state.begin_post(begin, holder=holder, until=at + LEASE, over=over)


NOTHING = (None, {}, None, None, {}, None, {}, None, Touches())
EVERYTHING = (APPROVAL, {"id-anna": ANNA}, KNOWN, LEARNED, CHOICES, FACTS, {"lartimmen": 3}, RUN, OF_ANNA)


async def remember_everything(state: State) -> None:
    await state.approve(APPROVAL)
    await state.place(ANNA)
    await state.know("id-anna", KNOWN)
    await state.learn("id-anna", LEARNED)
    await state.choose(CHOICES)
    await state.learn_facts(FACTS)
    await state.raise_floor("lartimmen", 3)
    await state.record_run(RUN)
    await state.touch("id-anna", OF_ANNA)


async def remembered(state: State) -> tuple[Any, ...]:
    """All that a state gives back, of Anna what it keeps for single mailboxes."""
    return (
        await state.approval(),
        await state.placed(),
        await state.known("id-anna"),
        await state.profile("id-anna"),
        await state.choices(),
        await state.tenant_facts(),
        await state.floors(),
        await state.last_run(),
        await state.touches("id-anna"),
    )


class Store:
    """Where states of any tenant can be opened, again and again, on the same memory."""

    def open(self, tenant: str) -> AbstractContextManager[State]:
        raise NotImplementedError


class StateContract:
    """The suite. ``store`` gives an empty store, which remembers from one opening to the next."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def state(self, store: Store) -> Iterator[State]:
        with store.open(TENANT) as state:
            yield state

    async def test_a_new_state_remembers_nothing(self, state: State) -> None:
        assert await remembered(state) == NOTHING

    async def test_everything_comes_back_as_it_was(self, state: State) -> None:
        await remember_everything(state)
        assert await remembered(state) == EVERYTHING

    async def test_remembering_it_all_once_more_changes_nothing(self, state: State) -> None:
        await remember_everything(state)
        await remember_everything(state)
        assert await remembered(state) == EVERYTHING

    # What people did

    async def test_what_one_did_is_replaced_and_nobody_elses(self, state: State) -> None:
        await state.touch("id-anna", OF_ANNA)
        await state.touch("id-bo", Touches().with_skip(DateKey("lartimmen", THURSDAY)))
        await state.touch("id-anna", Touches())
        assert await state.touches("id-anna") == Touches()
        assert await state.touches("id-bo") == Touches().with_skip(DateKey("lartimmen", THURSDAY))

    async def test_what_is_over_is_forgotten_and_what_is_to_come_is_not(self, state: State) -> None:
        await state.touch("id-anna", Touches().with_move(DateKey("lartimmen", THURSDAY)))
        await state.touch("id-bo", Touches().with_move(DateKey("lartimmen", THURSDAY + timedelta(days=7))))
        await state.forget_touches(THURSDAY)
        assert await state.touches("id-anna")
        await state.forget_touches(THURSDAY + timedelta(days=1))
        assert not await state.touches("id-anna")
        assert await state.touches("id-bo")

    async def test_of_what_one_did_only_the_old_is_forgotten(self, state: State) -> None:
        old, new = DateKey("lartimmen", THURSDAY), DateKey("lartimmen", THURSDAY + timedelta(days=7))
        await state.touch("id-anna", Touches().with_move(old).with_skip(new).with_put_back(old))
        await state.forget_touches(new.day)
        assert await state.touches("id-anna") == Touches().with_skip(new)

    # What was sent

    async def test_a_message_is_written_down_once_whatever_else_it_is_about(self, state: State) -> None:
        assert await claimed(state, "note 1", "note 2")
        assert not await claimed(state, "note 2", at=NOON + timedelta(hours=1))
        assert not await claimed(state, "note 0", "note 1", at=NOON + timedelta(hours=1))
        assert await state.sent(CILLA) == {"note 1": NOON, "note 2": NOON}

    async def test_of_many_who_claim_the_same_at_once_one_gets_it(self, state: State) -> None:
        got = await asyncio.gather(*(claimed(state, "note 1", at=NOON + timedelta(seconds=n)) for n in range(9)))
        assert sum(got) == 1

    async def test_of_many_messages_at_one_instant_no_more_are_sent_than_may_be(self, state: State) -> None:
        got = await asyncio.gather(*(claimed(state, f"decline {n}", f"more {n}") for n in range(9)))
        assert sum(got) == MOST
        assert len(await state.sent(CILLA)) == 2 * MOST

    async def test_messages_count_for_as_long_as_is_asked_and_for_their_recipient_alone(self, state: State) -> None:
        for days in range(MOST):
            assert await claimed(state, f"note {days}", at=NOON + timedelta(days=days))
        assert not await claimed(state, "late", at=NOON + WEEK - timedelta(microseconds=1))
        assert await claimed(state, "of another", to="bo@fjallvik.example")
        assert await claimed(state, "in time", at=NOON + WEEK)
        assert not await claimed(state, "too soon", at=NOON + WEEK)

    async def test_what_was_taken_back_can_be_claimed_again_and_does_not_count(self, state: State) -> None:
        for _ in range(MOST + 1):
            assert await claimed(state, "note 1", "note 2")
            await state.take_back(CILLA, ["note 1", "note 2", "never sent"])
        assert await state.sent(CILLA) == {}
        await state.take_back("bo@fjallvik.example", ["note 1"])

    async def test_messages_are_forgotten_by_the_day_they_were_sent(self, state: State) -> None:
        assert await claimed(state, "old")
        assert await claimed(state, "new", at=NOON + timedelta(days=1))
        await state.forget_touches(NOON.date())
        assert set(await state.sent(CILLA)) == {"old", "new"}
        await state.forget_touches(NOON.date() + timedelta(days=1))
        assert await state.sent(CILLA) == {"new": NOON + timedelta(days=1)}
        assert await claimed(state, "old", at=NOON + timedelta(days=1))

    @pytest.mark.parametrize("text", ["'; drop table sent; --", "å\u2028\U0001f4da", '["a", "b"]', "%", ""])
    async def test_a_message_may_be_about_anything(self, state: State, text: str) -> None:
        assert await claimed(state, text, "x")
        assert not await claimed(state, text)
        assert set(await state.sent(CILLA)) == {text, "x"}

    # What was posted

    async def test_a_post_that_somebody_has_begun_is_theirs_until_their_time_is_over(self, state: State) -> None:
        assert await begun(state, "one")
        assert not await begun(state, "other", at=NOON + LEASE)
        assert not await begun(state, "one", at=NOON + timedelta(minutes=1))
        assert await begun(state, "other", at=NOON + LEASE + timedelta(microseconds=1))
        assert not await begun(state, "one", at=NOON + LEASE + timedelta(minutes=1))
        (entry,) = await state.posts("utveckling")
        assert entry == replace(POST, at=NOON + LEASE + timedelta(microseconds=1))

    async def test_of_many_who_begin_a_post_at_once_one_gets_it(self, state: State) -> None:
        assert sum(await asyncio.gather(*(begun(state, f"holder {n}") for n in range(9)))) == 1
        late = NOON + 2 * LEASE
        assert sum(await asyncio.gather(*(begun(state, f"late {n}", at=late) for n in range(9)))) == 1

    async def test_what_became_of_a_post_comes_back(self, state: State) -> None:
        done = replace(
            POST,
            state=PostState.POSTED,
            at=NOON + timedelta(minutes=2),
            message_id="m-1",
            url="https://x",
            hours=HOURS_OF,
        )
        await begun(state, "one")
        await state.end_post(done, holder="one")
        assert await state.posts("utveckling") == [done]

    @pytest.mark.parametrize("ended", [one for one in PostState if one is not PostState.POSTING])
    async def test_a_post_that_has_ended_is_not_begun_again(self, state: State, ended: PostState) -> None:
        await begun(state, "one")
        await state.end_post(replace(POST, state=ended), holder="one")
        assert not await begun(state, "other", at=NOON + 9 * LEASE)
        others = [one for one in PostState if one is not ended]
        assert not await begun(state, "other", at=NOON + 9 * LEASE, over=others)
        assert await state.posts("utveckling") == [replace(POST, state=ended)]

    async def test_a_post_that_was_not_made_after_all_can_be_begun_right_away(self, state: State) -> None:
        await begun(state, "one")
        later = NOON + timedelta(minutes=1)
        await state.end_post(replace(POST, at=later), holder="one")
        assert not await begun(state, "other", at=later)
        assert await begun(state, "other", at=later + timedelta(microseconds=1))

    async def test_over_a_state_that_is_named_a_post_is_begun_again_by_one(self, state: State) -> None:
        await begun(state, "one")
        unknown = replace(POST, state=PostState.UNCONFIRMED, message_id="m-1", url="https://x", hours=HOURS_OF)
        await state.end_post(unknown, holder="one")
        at, over = NOON + timedelta(minutes=1), [PostState.UNCONFIRMED, PostState.QUIET]
        again = [begun(state, f"holder {n}", at=at, over=over, come=PostState.UNCONFIRMED) for n in range(9)]
        assert sum(await asyncio.gather(*again)) == 1
        assert await state.posts("utveckling") == [replace(unknown, at=at)]

    async def test_a_post_that_is_being_made_is_not_begun_again_whatever_is_named(self, state: State) -> None:
        """By workflow it is unconfirmed from the begin on."""
        assert await begun(state, "one", come=PostState.UNCONFIRMED)
        over = list(PostState)
        assert not await begun(state, "other", at=NOON + LEASE, over=over)
        assert await begun(state, "other", at=NOON + LEASE + timedelta(seconds=1), over=over)

    async def test_whoever_was_too_slow_says_nothing_of_what_another_does(self, state: State) -> None:
        await begun(state, "slow")
        at = NOON + 2 * LEASE
        await begun(state, "other", at=at)
        await state.end_post(replace(POST, state=PostState.POSTED, message_id="of the slow"), holder="slow")
        assert await state.posts("utveckling") == [replace(POST, at=at)]
        done = replace(POST, state=PostState.POSTED, at=at, message_id="m-2")
        await state.end_post(done, holder="other")
        await state.end_post(replace(POST, state=PostState.QUIET), holder="slow")
        assert await state.posts("utveckling") == [done]

    async def test_a_post_that_nobody_has_begun_cannot_be_ended(self, state: State) -> None:
        await begun(state, "one", channel="ledning")
        await state.end_post(replace(POST, state=PostState.POSTED), holder="one")
        await state.end_post(replace(POST, channel="ledning", period="2026-12-04"), holder="one")
        assert await state.posts("utveckling") == []
        assert await state.posts("ledning") == [replace(POST, channel="ledning")]

    async def test_a_ledger_is_a_channels_own_and_goes_by_period(self, state: State) -> None:
        for period in ("2026-12-04", "2027-01-01", "2026-11-27"):
            assert await begun(state, "one", period=period)
        assert await begun(state, "other", channel="ledning")
        assert [one.period for one in await state.posts("utveckling")] == ["2026-11-27", "2026-12-04", "2027-01-01"]
        assert await state.posts("ledning") == [replace(POST, channel="ledning")]
        assert await state.posts("utv") == []

    @pytest.mark.parametrize("text", ["'; drop table post; --", "å\u2028\U0001f4da", "%", ""])
    async def test_a_post_may_have_any_names(self, state: State, text: str) -> None:
        done = Entry(text, text, PostState.POSTED, NOON, text, text, {text: 5})
        assert await state.begin_post(done, holder=text, until=NOON + LEASE)
        await state.end_post(done, holder=text)
        assert await state.posts(text) == [done]

    async def test_tenants_have_ledgers_of_their_own(self, store: Store) -> None:
        with store.open(TENANT) as state, store.open(OTHER_TENANT) as other:
            assert await begun(state, "one")
            assert await other.posts("utveckling") == []
            assert await begun(other, "one")
            await other.end_post(replace(POST, state=PostState.POSTED), holder="one")
            assert await state.posts("utveckling") == [POST]

    async def test_two_that_post_for_one_tenant_see_the_same_ledger(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            got = await asyncio.gather(*(begun(state, f"{n}") for n, state in enumerate([one, other] * 4)))
            assert sum(got) == 1
            assert await one.posts("utveckling") == await other.posts("utveckling") == [POST]
        with store.open(TENANT) as later:
            assert await later.posts("utveckling") == [POST]

    # The approval

    async def test_pinned_groups_come_back_as_the_pairs_they_were(self, state: State) -> None:
        await state.approve(APPROVAL)
        approval = await state.approval()
        assert approval is not None
        text, group_id = approval.groups["alla"]
        assert (text, group_id) == ("Alla medarbetare", "g-alla")

    async def test_the_last_approval_is_in_force(self, state: State) -> None:
        await state.approve(APPROVAL)
        later = Approval("1111", "version: 1\n", NOON + timedelta(days=1), {}, frozenset())
        await state.approve(later)
        assert await state.approval() == later

    async def test_an_approval_withdrawn_is_gone_and_withdrawing_again_is_no_error(self, state: State) -> None:
        await state.approve(APPROVAL)
        await state.withdraw()
        await state.withdraw()
        assert await state.approval() is None

    async def test_withdrawing_an_approval_forgets_nothing_else(self, state: State) -> None:
        await remember_everything(state)
        await state.withdraw()
        assert await remembered(state) == (None, *EVERYTHING[1:])

    async def test_instants_are_the_same_whatever_zone_they_were_told_in(self, state: State) -> None:
        told = NOON.astimezone(STOCKHOLM)
        await state.approve(Approval("f", "s", told, {}))
        await state.know("id-anna", Known(told, (replace(SERIES, created=told, starts=told),)))
        await state.learn("id-anna", Learned(Profile(Purpose.USER, zone="UTC", zone_since=told), told))
        await state.learn_facts(TenantFacts(told))
        approval, _, known, learned, _, facts, *_ = await remembered(state)
        found = [approval.at, known.read, known.series[0].created, known.series[0].starts]
        found += [learned.at, learned.profile.zone_since, facts.at]
        assert found == [NOON] * 7
        assert None not in [at.utcoffset() for at in found]

    # Who has what

    async def test_a_mailbox_is_remembered_by_its_id_with_all_its_slots(self, state: State) -> None:
        bo = Placed("id-bo", "bo@fjallvik.example", frozenset({THURSDAYS}))
        await state.place(ANNA)
        await state.place(bo)
        assert await state.placed() == {"id-anna": ANNA, "id-bo": bo}

    async def test_slots_come_back_by_their_block_and_their_mark(self, state: State) -> None:
        await state.place(ANNA)
        slots = (await state.placed())["id-anna"].slots
        assert {(slot.block, slot.slot) for slot in slots} == {
            ("lartimmen", "9ac19ac1"),
            ("lartimmen", "0be20be2"),
            ("fordjupning", "9ac19ac1"),
        }

    async def test_what_a_mailbox_has_is_replaced_and_not_added_to(self, state: State) -> None:
        await state.place(ANNA)
        less = Placed("id-anna", "anna.ek@fjallvik.example", frozenset({MONDAYS}))
        await state.place(less)
        assert await state.placed() == {"id-anna": less}

    async def test_a_mailbox_without_slots_is_forgotten(self, state: State) -> None:
        await state.place(ANNA)
        await state.place(Placed("id-anna", ANNA.address, frozenset()))
        await state.place(Placed("id-never-seen", "x@fjallvik.example", frozenset()))
        assert await state.placed() == {}

    async def test_some_mailboxes_are_found_by_their_ids(self, state: State) -> None:
        bo, cilla = (Placed(f"id-{name}", f"{name}@fjallvik.example", frozenset({MONDAYS})) for name in ("bo", "cilla"))
        for one in (ANNA, bo, cilla):
            await state.place(one)
        assert await state.placed_of(["id-anna", "id-cilla", "id-nobody"]) == {"id-anna": ANNA, "id-cilla": cilla}
        assert await state.placed_of([]) == {}

    async def test_many_mailboxes_are_all_found(self, state: State) -> None:
        many = [Placed(f"id-{n}", f"p{n}@fjallvik.example", frozenset({MONDAYS})) for n in range(50)]
        await asyncio.gather(*map(state.place, many))
        assert await state.placed_of([one.mailbox for one in many]) == {one.mailbox: one for one in many}
        assert await state.placed() == {one.mailbox: one for one in many}

    async def test_a_mailbox_is_found_by_its_address_in_small_letters(self, state: State) -> None:
        await state.place(ANNA)
        assert await state.placed_at(ANNA.address.lower()) == ANNA
        assert await state.placed_at("bo@fjallvik.example") is None

    async def test_a_mailbox_is_not_found_by_an_address_that_it_had_before(self, state: State) -> None:
        await state.place(ANNA)
        married = replace(ANNA, address="anna.ek@fjallvik.example")
        await state.place(married)
        assert await state.placed_at(ANNA.address.lower()) is None
        assert await state.placed_at("anna.ek@fjallvik.example") == married
        await state.place(replace(ANNA, mailbox="id-another"))
        assert await state.placed_at(ANNA.address.lower()) == replace(ANNA, mailbox="id-another")
        await state.place(replace(married, slots=frozenset()))
        assert await state.placed_at("anna.ek@fjallvik.example") is None

    async def test_an_address_that_went_to_somebody_else_is_theirs_whoever_leaves(self, state: State) -> None:
        await state.place(ANNA)
        heir = replace(ANNA, mailbox="id-heir")
        await state.place(heir)
        await state.place(replace(ANNA, slots=frozenset()))
        assert await state.placed_at(ANNA.address.lower()) == heir

    # Series as they were last read

    async def test_a_mailbox_that_was_read_and_has_no_series_is_not_one_that_was_never_read(self, state: State) -> None:
        await state.know("id-anna", Known(NOON, ()))
        assert await state.known("id-anna") == Known(NOON, ())
        assert await state.known("id-bo") is None

    async def test_etags_and_dates_of_known_series_are_not_kept(self, state: State) -> None:
        """Whoever changes a series has to read it first."""
        date_of_it = Occurrence("AAk/1", SERIES.starts, SERIES.starts + timedelta(hours=1), SERIES.starts)
        read = replace(SERIES, etag='W/"1"', instances=(date_of_it,), ahead=(date_of_it,))
        await state.know("id-anna", Known(NOON, (read,)))
        assert await state.known("id-anna") == Known(NOON, (SERIES,))

    async def test_known_series_are_replaced_and_not_added_to_each_mailbox_for_itself(self, state: State) -> None:
        await state.know("id-anna", KNOWN)
        await state.know("id-bo", KNOWN)
        later = Known(NOON + timedelta(hours=1), (ENDED,))
        await state.know("id-anna", later)
        assert (await state.known("id-anna"), await state.known("id-bo")) == (later, KNOWN)

    async def test_known_series_come_back_in_the_order_they_were_read(self, state: State) -> None:
        turned = Known(NOON, KNOWN.series[::-1])
        await state.know("id-anna", turned)
        assert await state.known("id-anna") == turned

    async def test_known_series_can_be_forgotten_which_is_no_error_the_second_time(self, state: State) -> None:
        await state.know("id-anna", KNOWN)
        await state.know("id-bo", KNOWN)
        await state.know("id-anna", None)
        await state.know("id-anna", None)
        assert (await state.known("id-anna"), await state.known("id-bo")) == (None, KNOWN)

    # What mailboxes say of themselves

    @pytest.mark.parametrize("purpose", Purpose)
    async def test_every_purpose_comes_back(self, state: State, purpose: Purpose) -> None:
        await state.learn("id-anna", Learned(Profile(purpose), NOON))
        assert await state.profile("id-anna") == Learned(Profile(purpose), NOON)

    @pytest.mark.parametrize(
        "hours",
        [
            None,
            replace(HOURS, zone=None),
            WorkingHours(frozenset(), time(8), time(17), "UTC"),
            WorkingHours(frozenset(Weekday), time(22), time(6, 15, 30), "Australia/Sydney"),
            WorkingHours(frozenset({Weekday.SUNDAY}), time(0), time(0), "UTC"),
        ],
    )
    async def test_working_hours_come_back_as_they_were(self, state: State, hours: WorkingHours | None) -> None:
        learned = Learned(Profile(Purpose.USER, hours), NOON)
        await state.learn("id-anna", learned)
        assert await state.profile("id-anna") == learned

    @pytest.mark.parametrize(("zone", "since"), [(None, None), ("Europe/Stockholm", None), ("Asia/Tokyo", NOON)])
    async def test_a_zone_comes_back_with_when_it_was_first_seen(
        self, state: State, zone: str | None, since: datetime | None
    ) -> None:
        learned = Learned(Profile(Purpose.LINKED, HOURS, zone, since), NOON)
        await state.learn("id-anna", learned)
        assert await state.profile("id-anna") == learned

    async def test_what_is_learned_again_takes_the_place_of_what_was(self, state: State) -> None:
        again = Learned(Profile(Purpose.SHARED), NOON + timedelta(days=8))
        await state.learn("id-anna", LEARNED)
        await state.learn("id-bo", LEARNED)
        await state.learn("id-anna", again)
        assert (await state.profile("id-anna"), await state.profile("id-bo")) == (again, LEARNED)

    # Times that were chosen

    async def test_choices_are_kept_besides_those_kept_already(self, state: State) -> None:
        for key, at in CHOICES.items():
            await state.choose({key: at})
        await state.choose({})
        assert await state.choices() == CHOICES

    async def test_a_time_that_is_chosen_anew_takes_the_place_of_the_one_before(self, state: State) -> None:
        await state.choose(CHOICES)
        anew = {key: time(23, 59) for key in list(CHOICES)[:1]}
        await state.choose(anew)
        assert await state.choices() == CHOICES | anew

    async def test_choices_come_back_by_block_audience_and_days(self, state: State) -> None:
        await state.choose(CHOICES)
        keys = set(await state.choices())
        assert {(key.block, key.audience, key.days) for key in keys} == {tuple(key) for key in CHOICES}

    # How the tenant behaves

    @pytest.mark.parametrize("name", [field.name for field in fields(TenantFacts) if field.name != "at"])
    async def test_what_could_not_be_told_of_a_tenant_is_not_guessed(self, state: State, name: str) -> None:
        facts = replace(FACTS, **{name: None})
        await state.learn_facts(facts)
        assert await state.tenant_facts() == facts

    async def test_the_last_look_at_a_tenant_is_what_counts(self, state: State) -> None:
        await state.learn_facts(FACTS)
        later = TenantFacts(NOON + timedelta(days=90), range_end_keeps=False)
        await state.learn_facts(later)
        assert await state.tenant_facts() == later

    # The rest

    async def test_a_floor_never_sinks(self, state: State) -> None:
        for generation in (2, 5, 3):
            await state.raise_floor("lartimmen", generation)
        await state.raise_floor("fordjupning", 1)
        assert await state.floors() == {"lartimmen": 5, "fordjupning": 1}

    async def test_the_last_run_is_the_one_that_is_remembered(self, state: State) -> None:
        await state.record_run({"job": "apply"})
        await state.record_run(RUN)
        assert await state.last_run() == RUN

    # Who sees what

    async def test_tenants_know_nothing_of_each_other(self, store: Store) -> None:
        with store.open(TENANT) as state:
            await remember_everything(state)
        with store.open(OTHER_TENANT) as other:
            assert await remembered(other) == NOTHING
            await other.withdraw()
            await other.place(Placed("id-anna", ANNA.address, frozenset()))
            await other.know("id-anna", None)
            await other.learn("id-anna", Learned(Profile(Purpose.ROOM), NOON))
            await other.choose(dict.fromkeys(CHOICES, time(12)))
            await other.learn_facts(TenantFacts(NOON))
            await other.raise_floor("lartimmen", 9)
            await other.record_run({"job": "remove"})
        with store.open(TENANT) as state:
            assert await remembered(state) == EVERYTHING

    async def test_tenants_have_messages_of_their_own(self, store: Store) -> None:
        with store.open(TENANT) as state, store.open(OTHER_TENANT) as other:
            assert await claimed(state, "note 1")
            assert await other.sent(CILLA) == {}
            await other.take_back(CILLA, ["note 1"])
            assert await claimed(other, "note 1")
            await other.forget_touches(NOON.date() + timedelta(days=1))
            assert set(await state.sent(CILLA)) == {"note 1"}

    async def test_a_sign_in_is_kept_with_when_it_was_made_and_used(self, state: State) -> None:
        assert (await state.signed_in(), await state.token_cache()) == (None, None)
        await state.keep_token_cache(b"first", NOON)
        assert await state.token_cache() == b"first"
        assert await state.signed_in() == SignedIn(NOON, NOON)
        assert await state.renew_token_cache(b"second", NOON + WEEK, instead_of=b"first")
        assert await state.token_cache() == b"second"
        assert await state.signed_in() == SignedIn(NOON, NOON + WEEK)
        await state.keep_token_cache(b"third", NOON + 2 * WEEK)
        assert await state.signed_in() == SignedIn(NOON + 2 * WEEK, NOON + 2 * WEEK)
        await state.keep_token_cache(None, NOON)
        await state.keep_token_cache(None, NOON)
        assert (await state.signed_in(), await state.token_cache()) == (None, None)

    async def test_of_two_who_renew_a_sign_in_at_once_one_is_written(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            await one.keep_token_cache(b"first", NOON)
            written = await asyncio.gather(
                one.renew_token_cache(b"of one", NOON, instead_of=b"first"),
                other.renew_token_cache(b"of another", NOON, instead_of=b"first"),
            )
            assert sorted(written) == [False, True]
            assert await other.token_cache() == (b"of one" if written[0] else b"of another")
            assert await one.token_cache() == await other.token_cache()

    async def test_renewing_neither_brings_back_what_was_forgotten_nor_undoes_a_new_sign_in(self, state: State) -> None:
        await state.keep_token_cache(b"first", NOON)
        await state.keep_token_cache(None, NOON)
        assert not await state.renew_token_cache(b"of the first", NOON, instead_of=b"first")
        assert await state.signed_in() is None
        await state.keep_token_cache(b"second", NOON)
        assert not await state.renew_token_cache(b"of the first", NOON, instead_of=b"first")
        assert await state.token_cache() == b"second"

    async def test_tenants_have_sign_ins_of_their_own(self, store: Store) -> None:
        with store.open(TENANT) as ours, store.open(OTHER_TENANT) as theirs:
            await ours.keep_token_cache(b"ours", NOON)
            assert await theirs.token_cache() is None
            await theirs.keep_token_cache(b"theirs", NOON)
            assert await ours.token_cache() == b"ours"

    async def test_two_at_once_send_no_more_than_one_may(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            got = [await claimed(state, f"note {n}") for n in range(3) for state in (one, other)]
            assert sum(got) == MOST
            assert await one.sent(CILLA) == await other.sent(CILLA)

    async def test_all_is_still_known_when_it_is_opened_again(self, store: Store) -> None:
        with store.open(TENANT) as state:
            await remember_everything(state)
        with store.open(TENANT) as state:
            assert await remembered(state) == EVERYTHING

    async def test_two_at_once_see_what_the_other_did(self, store: Store) -> None:
        with store.open(TENANT) as one, store.open(TENANT) as other:
            await remember_everything(one)
            assert await remembered(other) == EVERYTHING
            await other.raise_floor("lartimmen", 4)
            await one.raise_floor("lartimmen", 2)
            assert await one.floors() == {"lartimmen": 4}
            more = {ChoiceKey("lartimmen", "alla", "friday"): time(10)}
            await other.choose(more)
            assert await one.choices() == CHOICES | more
            await other.know("id-anna", None)
            assert await one.known("id-anna") is None
            await other.withdraw()
            assert await one.approval() is None

    @pytest.mark.parametrize(
        "text", ["'; drop table approval; --", "å\u2028\U0001f4da", '"}', "%s ? :x", "id-ANNA", " "]
    )
    async def test_any_text_comes_back_as_it_was(self, state: State, text: str) -> None:
        approval = Approval(text, text, NOON, {text: (text, text)}, frozenset({text}))
        placed = Placed(text, text, frozenset({SlotKey(text, text)}))
        known = Known(NOON, (replace(SERIES, event_id=text, zone=text),))
        learned = Learned(Profile(Purpose.USER, replace(HOURS, zone=text), text), NOON)
        choices = {ChoiceKey(text, text, text): time(9)}
        await remember_everything(state)
        await state.approve(approval)
        await state.place(placed)
        await state.know(text, known)
        await state.learn(text, learned)
        await state.choose(choices)
        await state.raise_floor(text, 1)
        await state.record_run({text: text})
        assert await state.approval() == approval
        assert await state.placed() == {"id-anna": ANNA, text: placed}
        assert (await state.known("id-anna"), await state.known(text)) == (KNOWN, known)
        assert (await state.profile("id-anna"), await state.profile(text)) == (LEARNED, learned)
        assert await state.choices() == CHOICES | choices
        assert await state.floors() == {"lartimmen": 3, text: 1}
        assert await state.last_run() == {text: text}
