"""``holdfast summary`` over TLS: weeks with lessons, what people answer, and posts that tell of it, in Teams."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast import wiring
from sandbox import Clock, Person, Tenant, firm
from sandbox.directory import Account
from sandbox.teams import Channel, Message
from tests.cli.command import Desk
from tests.cli.test_login import Time
from tests.tenants import Served

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST_FRIDAY = datetime(2026, 11, 27, 13, tzinfo=UTC)
A_WEEK = timedelta(weeks=1)
PEOPLE = 24
SETTINGS = """\
version: 1
mode: {mode}
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm, holidays: {{country: SE}}}}
tenant:
  login: {{client_id: {client_id}, account: {account}}}
audiences:
  alla: {{group: Alla medarbetare}}
goals:
  - id: ai-2028
    title: AI i vardagen
    target_hours: 200
    questions: {{sv: ["Vad kan du göra på ett nytt sätt?"]}}
    resources:
      - {{title: Prompting i praktiken, url: "https://kurser.example/prompting", minutes: 45, starter: true}}
      - {{title: Källkritik, url: "https://kurser.example/kallkritik", minutes: 30}}
blocks:
  - {{id: lartimmen, title: Lärtimmen, audiences: [alla], every: week, day: thursday, at: "09:00", minutes: 60,
     from: 2026-12-01, goals: [ai-2028]}}
channels:
  - {{id: utveckling, team: Team Utveckling, channel: Lärande, audiences: [alla],
     post: {{every: week, day: friday, at: "14:00"}}, via: {via}}}
"""


@pytest.fixture
def people() -> int:
    return PEOPLE


@pytest.fixture
def tenant(served: Served, people: int, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    tenant = served.sandbox.add(firm(people=people, seed=1, clock=Clock(at=MONDAY), calendars=False))
    time = Time(tenant)
    monkeypatch.setattr(wiring, "SystemClock", lambda: time)
    monkeypatch.setattr("holdfast.cli.looking.SystemClock", lambda: time)
    return tenant


@pytest.fixture
def desk(tmp_path: Path, served: Served, tenant: Tenant) -> Desk:
    desk = Desk(tmp_path, served.environment(tenant))
    write(desk, tenant)
    return desk


def write(desk: Desk, tenant: Tenant, *, mode: str = "keep", via: str = "graph") -> None:
    given = {"client_id": tenant.login.client_id, "account": tenant.service_account.address}
    desk.write(SETTINGS.format(**given, mode=mode, via=via))


def learning(tenant: Tenant) -> Channel:
    return tenant.team("Team Utveckling").channel("Lärande")


def says(message: Message) -> str:
    """All that people see of a post, its words in a row."""
    (attachment,) = message.attachments
    return f"{message.subject} {message.content} {attachment['content']}"


def typed(desk: Desk, *words: str) -> str:
    result = desk.run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def told(desk: Desk, *words: str, status: int = 0) -> list[dict[str, Any]]:
    result = desk.run("summary", *words, "--json")
    assert result.exit_code == status, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["posts"]
    return found


def lesson(tenant: Tenant, one: Account, week: int) -> str:
    """The id of somebody's lesson in a week, counted from the first one."""
    begins = datetime(2026, 12, 3, 8, tzinfo=UTC) + week * A_WEEK
    (entry,) = [
        entry
        for entry in tenant.calendar(one.id, begins - timedelta(days=2), begins + timedelta(days=1))
        if entry.subject == "Lärtimmen"
    ]
    return entry.id


def test_what_comes_is_shown_and_the_first_post_is_made_once_however_it_is_asked_for(
    desk: Desk, tenant: Tenant
) -> None:
    typed(desk, "apply", "--yes")
    typed(desk, "login")
    assert typed(desk, "summary") == "Nothing is due.\n"
    tenant.clock.set(FIRST_FRIDAY - timedelta(hours=5))
    shown = typed(desk, "summary", "--preview")
    assert "utveckling, 2026-11-27:" in shown
    assert "Prompting i praktiken" in shown
    assert learning(tenant).posts == []
    (first,) = told(desk, "--now")
    assert (first["period"], first["state"]) == ("2026-11-27", "posted")
    assert "The post of this period is made" in typed(desk, "summary", "--now")
    tenant.clock.set(FIRST_FRIDAY)
    assert told(desk) == []
    (post,) = learning(tenant).posts
    assert first["url"]
    assert post.sender is tenant.service_account
    assert "Vad kan du göra på ett nytt sätt?" in says(post)


def test_four_weeks_of_lessons_posts_and_replies(desk: Desk, tenant: Tenant) -> None:
    channel = learning(tenant)
    team = [one for one in channel.members if one is not tenant.service_account]
    anna, bo, cilla = (Person(tenant, one) for one in team[:3])
    typed(desk, "apply", "--yes")
    typed(desk, "login")
    tenant.clock.set(FIRST_FRIDAY)
    told(desk)
    (post,) = channel.posts

    # People answer; one thinks better of it. Somebody gives up a lesson, somebody else is away.
    anna.reply(channel, post.id, "<p>Jag skrev om mötesanteckningar med en <b>prompt</b> #ai-2028</p>")
    wrong = bo.reply(channel, post.id, "<p>Det här skulle inte hit</p>")
    cilla.reply(channel, post.id, '<p>Boka i tid <a href="https://evil.example">här</a></p>')
    bo.delete_message(channel, wrong)
    cilla.delete(lesson(tenant, cilla.account, 0))
    bo.be_away(date(2026, 12, 3))

    # The next post quotes them.
    tenant.clock.set(FIRST_FRIDAY + A_WEEK)
    (second,) = told(desk)
    assert (second["period"], second["state"], second["note"]) == ("2026-12-04", "posted", "")
    assert told(desk) == []
    words = says(channel.posts[1])
    quotes = "Jag skrev om mötesanteckningar med en prompt", anna.account.display_name, "Boka i tid"
    assert [one for one in quotes if one not in words] == []
    assert [one for one in ("evil.example", "inte hit") if one in words] == []
    assert "25 timmar" in words  # twenty-three, of which twenty-two were kept
    assert "över 90" in words

    # A week in which nobody ran it is made up for on Monday morning, without the old quotes.
    tenant.clock.set(FIRST_FRIDAY + 2 * A_WEEK + timedelta(hours=6))
    assert told(desk) == []
    tenant.clock.set(FIRST_FRIDAY + 2 * A_WEEK + timedelta(days=2, hours=19))
    (third,) = told(desk)
    assert (third["period"], third["state"]) == ("2026-12-11", "posted")
    words = says(channel.posts[2])
    assert "mötesanteckningar" not in words
    assert "45 timmar" in words  # in all, for the goal

    # The fourth, by the command that people read.
    tenant.clock.set(FIRST_FRIDAY + 3 * A_WEEK)
    printed = typed(desk, "summary", "--channel", "utveckling")
    assert printed.startswith("utveckling, 2026-12-18: posted: https://")
    assert len(channel.posts) == 4
    assert not [one for one in tenant.employees if one.address in "".join(map(says, channel.posts))]


@pytest.mark.parametrize(
    ("people", "shown"), [(3, "Timmar visas först när fler är med"), (6, "5 timmar skyddades för lärande, och ca 90")]
)
def test_a_firm_of_three_has_no_figures_and_one_of_six_has(desk: Desk, tenant: Tenant, shown: str) -> None:
    typed(desk, "apply", "--yes")
    typed(desk, "login")
    tenant.clock.set(FIRST_FRIDAY + A_WEEK)
    (post,) = told(desk)
    assert post["state"] == "posted"
    words = says(learning(tenant).posts[0])
    assert shown.lower() in words.lower()
    assert ("timmar skyddades" in words) == ("skyddades" in shown)


def test_without_the_right_to_read_posts_come_without_quotes_and_say_so(desk: Desk, tenant: Tenant) -> None:
    tenant.login.scopes.clear()
    typed(desk, "apply", "--yes")
    typed(desk, "login")
    tenant.clock.set(FIRST_FRIDAY)
    typed(desk, "summary")
    post = learning(tenant).posts[0]
    Person(tenant, learning(tenant).members[0]).reply(learning(tenant), post.id, "<p>Jag provade</p>")
    tenant.clock.set(FIRST_FRIDAY + A_WEEK)
    printed = typed(desk, "summary")
    assert "posted" in printed
    assert "`holdfast check` says what to grant" in printed
    assert "provade" not in says(learning(tenant).posts[1])


def test_whoever_has_not_signed_in_or_is_not_a_member_is_told_what_to_do(desk: Desk, tenant: Tenant) -> None:
    typed(desk, "apply", "--yes")
    tenant.clock.set(FIRST_FRIDAY)
    (post,) = told(desk, status=1)
    assert post["state"] == "failed"
    assert "holdfast login" in post["problem"]["cure"]
    check = desk.run("check")
    assert check.exit_code == 1
    assert "Nobody has signed in to post to channels" in check.stdout
    typed(desk, "login")
    tenant.team("Team Utveckling").group.members.remove(tenant.service_account)
    tenant.clock.advance(timedelta(minutes=10))
    (post,) = told(desk, status=1)
    assert post["problem"]
    assert learning(tenant).posts == []
    check = desk.run("check")
    assert check.exit_code == 1
    assert f"make {tenant.service_account.address} a member of the team" in check.stdout
    tenant.team("Team Utveckling").group.members.append(tenant.service_account)
    tenant.clock.advance(timedelta(minutes=10))
    (post,) = told(desk)
    assert post["state"] == "posted"
    assert len(learning(tenant).posts) == 1


def test_by_workflow_it_is_posted_and_what_is_unknown_is_asked_for_again(
    served: Served, desk: Desk, tenant: Tenant
) -> None:
    write(desk, tenant, via="workflow")
    typed(desk, "apply", "--yes")
    tenant.clock.set(FIRST_FRIDAY)
    (post,) = told(desk, status=1)
    assert "HOLDFAST_WORKFLOW_UTVECKLING" in post["problem"]["message"] + post["problem"]["cure"]
    desk.variables["HOLDFAST_WORKFLOW_UTVECKLING"] = served.server.address(tenant.add_workflow(learning(tenant)))
    tenant.clock.advance(timedelta(minutes=10))
    (post,) = told(desk)
    assert (post["state"], post["url"]) == ("posted", "")
    assert len(learning(tenant).posts) == 1
    assert "No post is unconfirmed" in typed(desk, "summary", "--again")


def test_in_mode_watch_a_person_has_to_ask_and_without_an_approval_nothing_is_posted(
    desk: Desk, tenant: Tenant
) -> None:
    write(desk, tenant, mode="watch")
    typed(desk, "login")
    assert "run `holdfast apply`" in typed(desk, "summary", "--now")
    typed(desk, "apply", "--yes")
    tenant.clock.set(FIRST_FRIDAY)
    assert "In mode watch" in typed(desk, "summary")
    assert learning(tenant).posts == []
    tenant.clock.advance(-timedelta(hours=1))
    assert "posted" in typed(desk, "summary", "--now")
    assert len(learning(tenant).posts) == 1
    write(desk, tenant)
    assert "Those in the file wait for `holdfast apply`" in typed(desk, "summary")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preview", "--now"], "--preview posts nothing"),
        (["--preview", "--again"], "--preview posts nothing"),
        (["--pack"], "--pack goes with --now"),
        (["--now", "--pack"], "No channel that is asked for has an agenda_pack"),
        (["--channel", "nope"], 'No channel has the id "nope". There are: utveckling'),
    ],
)
def test_what_cannot_be_meant_is_refused(desk: Desk, words: list[str], message: str) -> None:
    result = desk.run("summary", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_settings_without_channels_say_so(desk: Desk) -> None:
    text = desk.read()
    desk.write(text[: text.index("channels:")])
    result = desk.run("summary")
    assert result.exit_code == 2
    assert "name no channels" in result.stderr


def test_a_preview_for_a_script_is_the_card(desk: Desk, tenant: Tenant) -> None:
    typed(desk, "apply", "--yes")
    typed(desk, "login")
    (post,) = told(desk, "--preview")
    assert (post["channel"], post["period"], post["card"]["type"]) == ("utveckling", "2026-11-27", "AdaptiveCard")
    assert learning(tenant).posts == []


MORE = """\
     agenda_pack: {day: first monday, at: "08:00"}, post:"""
MESSAGES = """\
messages:
  - {from: vd@fjallvik.example, name: Maria Fjäll, role: VD, day: 2026-11-30, at: "09:00", channel: utveckling,
     text: "Avsätt tiden. Jag gör det också."}
"""


def test_a_leader_is_quoted_and_the_department_meeting_gets_something_to_talk_about(desk: Desk, tenant: Tenant) -> None:
    desk.write(desk.read().replace("     post:", MORE) + MESSAGES)
    typed(desk, "apply", "--yes")
    typed(desk, "login")
    shown = typed(desk, "summary", "--preview")
    assert "utveckling, message-2026-11-30-" in shown
    assert "”Avsätt tiden. Jag gör det också.”" in shown
    assert "utveckling, agenda-2026-12-07:" in shown
    assert shown.index("2026-11-27:") < shown.index("message-2026-11-30") < shown.index("agenda-2026-12-07")
    tenant.clock.set(FIRST_FRIDAY)
    typed(desk, "summary")
    (summary,) = learning(tenant).posts
    Person(tenant, learning(tenant).members[0]).reply(learning(tenant), summary.id, "<p>Jag provade #ai-2028</p>")

    tenant.clock.set(datetime(2026, 11, 30, 8, tzinfo=UTC))
    assert "message-2026-11-30" in typed(desk, "summary")
    assert "Nothing is due" in typed(desk, "summary")
    quotation = learning(tenant).posts[1]
    assert "Maria Fjäll" in says(quotation)
    assert quotation.subject == "Några ord om lärandet, från Maria Fjäll"

    tenant.clock.set(FIRST_FRIDAY + A_WEEK)
    typed(desk, "summary")
    tenant.clock.set(datetime(2026, 12, 7, 6, tzinfo=UTC))
    assert "not posted yet" in typed(desk, "summary", "--now")  # the pack of today has its place already
    (pack,) = told(desk, "--now", "--pack")
    assert (pack["period"], pack["state"]) == ("agenda-2026-12-07", "posted")
    tenant.clock.set(datetime(2026, 12, 7, 7, tzinfo=UTC))
    assert "Nothing is due" in typed(desk, "summary")
    *_, posted = learning(tenant).posts
    assert len(learning(tenant).posts) == 4
    words = says(posted)
    assert [one for one in ("Jag provade", "timmar sedan sist", "AI i vardagen", "Nästa mål") if one not in words] == []


def test_a_message_whose_time_is_over_is_told(desk: Desk, tenant: Tenant) -> None:
    desk.write(desk.read() + MESSAGES)
    typed(desk, "apply", "--yes")
    typed(desk, "login")
    tenant.clock.set(datetime(2026, 12, 1, 9, tzinfo=UTC))
    told_of = {one["period"][:7]: one for one in told(desk, status=1)}
    assert told_of["message"]["state"] == "left out"
    assert "more than a day ago" in told_of["message"]["note"]
    assert told(desk) == []
