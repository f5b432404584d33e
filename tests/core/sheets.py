"""Settings whose data sheets are looked at: the least there can be, and everything switched on."""

from __future__ import annotations

from datetime import date

from holdfast.core.privacy import Keeper, Sheet, Standing, sheet
from holdfast.core.settings import Language, Settings, parse
from holdfast.jobs.check import needed

_TENANT = "tenant: {tenant_id: 3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b, credential: managed-identity"

SMALL = f"""\
version: 1
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm}}
{_TENANT}}}
audiences:
  alla: {{group: Alla medarbetare}}
blocks:
  - {{id: lartimmen, title: {{sv: Lärtimmen, en: Learning hour}}, audiences: [alla], every: week, day: thursday,
     at: "09:00", minutes: 60, from: 2026-12-01, protection: soft}}
"""

EVERYTHING = f"""\
version: 1
mode: keep
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm}}
{_TENANT}, organizer: larande@fjallvik.example,
  login: {{client_id: 5e6f7a8b-9c0d-4e1f-8a2b-3c4d5e6f7a8b, account: larande@fjallvik.example}},
  notification_url: "https://holdfast.fjallvik.example/api/notifications"}}
audiences:
  alla: {{group: Alla medarbetare, opt_out: Lärtid - avstår}}
  utveckling: {{group: utveckling@fjallvik.example, opt_out: Lärtid - avstår}}
blocks:
  - {{id: lartimmen, title: {{sv: Lärtimmen, en: Learning hour}}, audiences: [alla, utveckling], every: week,
     day: thursday, at: {{between: ["08:00", "16:00"], choose: quietest}}, minutes: 60, from: 2026-12-01,
     overlap: notify}}
  - {{id: fordjupning, title: {{sv: Fördjupning, en: Reading}}, audiences: [utveckling], every: 2 months,
     day: first tuesday, at: "14:00", minutes: 120, from: 2027-01-01, until: 2027-12-31, protection: strict,
     overlap: decline, decline_for: Lärtid - tacka nej, time_zone: mailbox, outside_hours: place}}
channels:
  - {{id: utveckling, team: Utveckling, channel: Lärande, audiences: [utveckling],
     post: {{every: week, day: friday, at: "14:00"}}, agenda_pack: {{day: first monday, at: "08:00"}}}}
  - {{id: alla, team: Alla, channel: Lärande, audiences: [alla], via: workflow,
     post: {{every: month, day: last friday, at: "14:00"}}}}
messages:
  - {{from: vd@fjallvik.example, name: Maria Fjäll, role: VD, day: 2027-01-11, at: "09:00", channel: alla,
     text: Avsätt tiden. Jag gör det också.}}
privacy: {{smallest_group: 8, keep_days: 120}}
"""

TODAY, APPROVED = date(2026, 11, 24), date(2026, 11, 20)


def settings(text: str) -> Settings:
    return parse(text.encode(), name="settings.yaml", environment={})


def sheet_of(text: str, language: Language, *, keeper: Keeper = Keeper.FILE, approved: date | None = APPROVED) -> Sheet:
    of = settings(text)
    standing = Standing(TODAY, approved)
    return sheet(of, language, permissions=needed(of), keeper=keeper, standing=standing)


def text_of(found: Sheet) -> str:
    return "\n".join([*found.lines(), ""])
