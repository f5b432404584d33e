"""What becomes of meetings that people get on top of their blocks, on a pretend tenant over TLS."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox import Person
from sandbox.event import Address
from tests.cli.protected import PEOPLE, Office
from tests.tenants import untagged

STOCKHOLM = ZoneInfo("Europe/Stockholm")
DAYS = [date(2026, 12, 10) + timedelta(weeks=week) for week in range(2)]
SECOND, THIRD = DAYS
OUTSIDE = Address("Kim Kund", "kim@partner.example")
SECRET = "Samtal om lön"
ASKED, LEFT = "meeting on top, the organiser was asked", "meeting on top, left"
DECLINED, TO_DECLINE = "meeting on top, declined", "meeting on top, to be declined"


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=STOCKHOLM).astimezone(UTC)


def person(office: Office, number: int) -> Person:
    return Person(office.tenant, office.tenant.employees[number])


def boss(office: Office) -> Person:
    return person(office, 1)


def invites(office: Office, day: date, *numbers: int, by: int = 1, hour: int = 9, **values: object) -> list[str]:
    """One person calls others to an hour's meeting; the ids of their copies."""
    guests = [person(office, number) for number in numbers]
    person(office, by).invite(
        [guest.account for guest in guests], SECRET, at(day, hour), at(day, hour) + timedelta(hours=1), **values
    )
    return [guest.mailbox.id_of(guest.mailbox.events[-1]) for guest in guests]


def meetings(office: Office, number: int, day: date) -> list[tuple[str, str]]:
    """What stands besides blocks in somebody's calendar on a day."""
    shown = office.tenant.calendar(person(office, number).account.id, at(day, 0), at(day, 0) + timedelta(days=1))
    return [(one.subject, one.show_as) for one in shown if one.subject != "Learning hour"]


def settle(office: Office, overlap: str) -> None:
    """Blocks that have stood for a while: nothing that stands by now is new."""
    office.settle(overlap, organizer=office.tenant.service_account.address)
    office.told("sweep")
    office.tenant.counts.clear()


def test_an_organiser_of_ours_is_asked_once_and_everybody_elses_meetings_stand(protected: Office) -> None:
    settle(protected, f"overlap: notify, always_allow: [{person(protected, 2).account.address}]")
    guest = person(protected, 0)
    invites(protected, SECOND, 0, 3, 4)
    invites(protected, SECOND, 0, by=2)
    (accepted,) = invites(protected, THIRD, 0)
    guest.accept(accepted)
    guest.be_invited(OUTSIDE, SECRET, at(SECOND, 9), at(SECOND, 10))
    guest.book(SECRET, at(SECOND, 9), at(SECOND, 10))
    invites(protected, THIRD, 0, by=5, sensitivity="private")
    before = untagged(protected.tenant)

    swept = protected.told("sweep")
    (mail,) = protected.tenant.mails
    assert (mail.sender, mail.to) == (protected.tenant.service_account.address, (boss(protected).account.address,))
    assert mail.subject == "A meeting on top of learning time"
    for number in (0, 3, 4):
        assert person(protected, number).account.display_name in mail.body
    assert "Thursday 10 December 09:00-10:00, over Learning hour of" in mail.body
    assert "Everybody is free:" in mail.body
    assert SECRET not in mail.body
    assert {met: times for met, times in swept["protected"].items() if met != LEFT} == {ASKED: 3}
    assert swept["protected"][LEFT] >= 5
    assert swept["states"]["held"] == PEOPLE

    protected.tenant.clock.advance(timedelta(days=1))
    protected.told("sweep")
    assert protected.tenant.mails == [mail]
    assert protected.tenant.counts.writes == 1
    assert untagged(protected.tenant) == before


def test_for_those_who_want_it_so_meetings_are_declined_with_another_time(protected: Office) -> None:
    protected.tenant.add_group("Tackar nej", None, [protected.tenant.employees[0]])
    settle(protected, 'overlap: decline, decline_for: "Tackar nej"')
    mine, _ = invites(protected, SECOND, 0, 3)
    person(protected, 0).be_invited(OUTSIDE, SECRET, at(THIRD, 9), at(THIRD, 10))
    accepted = invites(protected, THIRD, 0, by=2)[0]
    person(protected, 0).accept(accepted)
    others = [meetings(protected, number, day) for number in range(1, PEOPLE) for day in DAYS]

    swept = protected.told("sweep")
    assert swept["protected"][DECLINED] == 1
    assert meetings(protected, 0, SECOND) == []
    assert meetings(protected, 0, THIRD) == [(SECRET, "tentative"), (SECRET, "busy")]
    assert [meetings(protected, number, day) for number in range(1, PEOPLE) for day in DAYS] == others
    (mail,) = protected.tenant.mails
    guest = person(protected, 0).account
    assert (mail.sender, mail.to, mail.response) == (guest.address, (boss(protected).account.address,), "declined")
    assert "I have learning time then (Learning hour)" in mail.body
    (event,) = (one for one in boss(protected).mailbox.events if one.values.get("subject") == SECRET)
    answers = {one["emailAddress"]["address"]: one for one in event.values["attendees"]}
    assert answers[guest.address]["status"]["response"] == "declined"
    assert answers[guest.address]["proposedNewTime"]["start"]["dateTime"].startswith("2026-12-10T")
    assert "status" not in answers[person(protected, 3).account.address] or (
        answers[person(protected, 3).account.address]["status"]["response"] != "declined"
    )
    assert protected.told("sweep")["writes"] == 0
    assert protected.tenant.mails == [mail]
    assert mine


def test_nobody_hears_of_a_meeting_at_night_and_without_an_answer_asked_for_it_goes_silently(protected: Office) -> None:
    protected.tenant.add_group("Tackar nej", None, [protected.tenant.employees[0]])
    settle(protected, 'overlap: decline, decline_for: "Tackar nej"')
    invites(protected, SECOND, 0, responseRequested=False)
    invites(protected, THIRD, 0, allowNewTimeProposals=False)
    protected.tenant.clock.set(datetime(2026, 11, 26, 3, tzinfo=UTC))
    assert protected.told("sweep")["protected"] == {DECLINED: 1, TO_DECLINE: 1, LEFT: 1}
    assert protected.tenant.mails == []
    protected.tenant.clock.set(datetime(2026, 11, 26, 9, tzinfo=UTC))
    assert protected.told("sweep")["protected"] == {DECLINED: 1, LEFT: 1}
    (mail,) = protected.tenant.mails
    assert "would suit" not in mail.body
    assert [meetings(protected, 0, day) for day in DAYS] == [[], []]


def test_plan_and_apply_count_and_leave(protected: Office) -> None:
    settle(protected, "overlap: notify")
    invites(protected, SECOND, 0)
    before = untagged(protected.tenant)
    protected.told("plan")
    protected.told("apply", "--yes")
    assert (protected.tenant.mails, protected.tenant.counts.writes) == ([], 0)
    assert untagged(protected.tenant) == before


def test_a_mail_that_is_refused_is_told_of_and_sent_once_it_is_allowed(protected: Office) -> None:
    settle(protected, "overlap: notify")
    invites(protected, SECOND, 0)
    protected.tenant.applications[0].roles.discard("Mail.Send")
    swept = protected.told("sweep")
    assert (
        "A meeting on top of a block was not answered: Sending mail from the organizer mailbox failed" in swept["note"]
    )
    assert "Grant Mail.Send" in swept["note"]
    assert protected.tenant.mails == []
    protected.tenant.applications[0].roles.add("Mail.Send")
    protected.told("sweep")
    assert [mail.to for mail in protected.tenant.mails] == [(boss(protected).account.address,)]


def test_a_repair_tells_nothing_of_meetings(protected: Office) -> None:
    settle(protected, "overlap: notify")
    invites(protected, SECOND, 0)
    told = protected.told("repair", person(protected, 0).account.address)
    assert told == {
        "mailbox": person(protected, 0).account.address,
        "state": "held",
        "complete": True,
        "note": "",
        "problems": [],
    }
    assert len(protected.tenant.mails) == 1
