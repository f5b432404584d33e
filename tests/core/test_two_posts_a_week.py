"""Two posts a week in a channel, whatever is due: messages first, then packs, then summaries."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.calm import MOST_A_WEEK, Rank, Turn, first_overfull, turn

MONDAY = date(2027, 1, 4)
DAYS = st.integers(0, 60).map(lambda count: MONDAY + timedelta(days=count))
PLANS = st.lists(st.tuples(DAYS, st.sampled_from(Rank)), max_size=40)


def on(*counts: int) -> list[date]:
    return [MONDAY + timedelta(days=count) for count in counts]


def most_in_seven_days(days: list[date]) -> int:
    """Counted afresh: from each post on, how many stand in the seven days that begin with it."""
    return max((sum(0 <= (other - day).days < 7 for other in days) for day in days), default=0)


def without_crowds(plan: list[tuple[date, Rank]]) -> list[tuple[date, Rank]]:
    """The same without messages that the settings refuse: the third in seven days."""
    kept: list[tuple[date, Rank]] = []
    for day, rank in sorted(plan, key=lambda one: (one[0], one[1])):
        messages = [other for other, of in kept if of is Rank.MESSAGE]
        if rank is not Rank.MESSAGE or most_in_seven_days([*messages, day]) <= MOST_A_WEEK:
            kept.append((day, rank))
    return kept


def carried_out(plan: list[tuple[date, Rank]], patience: int) -> list[tuple[date, Rank, date]]:
    """What gets posted, day by day: what was due when, as what, and when it was posted."""
    waiting, made = list(plan), list[tuple[date, Rank, date]]()
    for count in range(80):
        today = MONDAY + timedelta(days=count)
        for due, rank in [one for one in waiting if one[0] <= today]:
            days = [today, *(due + timedelta(days=more) for more in range(patience + 1))]
            days = [today, *(day for day in days[1:] if day > today)]
            ahead = [max(day, today) for day, other in waiting if other < rank]
            found = turn(days, [at for _, _, at in made], ahead)
            if found is Turn.NOW:
                made.append((due, rank, today))
            if found is not Turn.LATER:
                waiting.remove((due, rank))
    assert not waiting
    return made


@given(PLANS, st.integers(0, 3))
def test_no_seven_days_have_more_than_two_and_what_leaders_say_comes_on_its_day(
    plan: list[tuple[date, Rank]], patience: int
) -> None:
    plan = without_crowds(plan)
    made = carried_out(plan, patience)
    assert most_in_seven_days([at for _, _, at in made]) <= MOST_A_WEEK
    messages = [day for day, rank in plan if rank is Rank.MESSAGE]
    assert [at for _, rank, at in made if rank is Rank.MESSAGE] == messages
    assert all(due <= at <= due + timedelta(days=patience) for due, _, at in made)


@given(PLANS)
def test_a_summary_takes_no_pack_its_place(plan: list[tuple[date, Rank]]) -> None:
    plan = without_crowds(plan)
    alone = [one for one in plan if one[1] is not Rank.SUMMARY]
    packs, without = ([one for one in carried_out(some, 1) if one[1] is Rank.PACK] for some in (plan, alone))
    assert packs == without


@given(st.lists(DAYS, max_size=20), DAYS)
def test_what_has_its_turn_fits_and_what_has_none_does_not(made: list[date], day: date) -> None:
    fits = most_in_seven_days([one for one in [*made, day] if abs((one - day).days) < 7]) <= MOST_A_WEEK
    if turn([day], made, []) is Turn.NOW:
        assert first_overfull([*made, day], day) is None
    elif most_in_seven_days(made) <= MOST_A_WEEK:
        assert not fits


def test_weeks_as_people_count_them() -> None:
    friday, next_friday, monday = 4, 11, 7
    assert turn(on(next_friday), on(friday, monday), []) is Turn.NOW  # a week later to the day
    assert turn(on(next_friday - 1), on(friday, monday), []) is Turn.NEVER
    assert turn(on(next_friday - 1, next_friday), on(friday, monday), []) is Turn.LATER
    assert turn(on(friday), [], on(monday, monday + 1)) is Turn.NEVER  # what is promised counts
    assert turn(on(friday), [], on(monday, next_friday)) is Turn.NOW
    assert turn(on(friday), on(friday, friday), []) is Turn.NEVER
