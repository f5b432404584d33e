"""The page one can touch: pick somebody, see their coming weeks, and do to a block what people do to blocks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta, tzinfo
from html import escape
from itertools import groupby
from urllib.parse import quote

from sandbox.directory import Account
from sandbox.tenant import Entry, Tenant
from sandbox.zones import zone

_SHOWN = 60
"""People listed at a time."""

_STYLE = """
:root { color-scheme: light dark; --line: #8883; --mark: #2f7d5b; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1rem; margin: 1.6rem 0 .3rem; opacity: .75; }
p.about { margin: 0 0 1rem; opacity: .75; } a { color: inherit; }
ul { list-style: none; padding: 0; margin: 0; }
li { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: center; padding: .35rem .6rem;
     border-bottom: 1px solid var(--line); border-left: 4px solid transparent; }
li.ours { border-left-color: var(--mark); } li .when { flex: 0 0 13rem; font-variant-numeric: tabular-nums; }
li .what { flex: 1 1 12rem; } .note { font-size: .8rem; opacity: .7; }
form { display: inline-flex; gap: .3rem; margin: 0; }
button, input { font: inherit; font-size: .85rem; padding: .15rem .5rem; border: 1px solid var(--line);
     border-radius: .35rem; background: transparent; color: inherit; }
button:hover { border-color: var(--mark); }
"""


def nobody() -> str:
    """The page of a sandbox without tenants."""
    return whole("Sandbox", "<h1>There is no tenant here yet.</h1>")


def people(tenants: Iterable[Tenant], tenant: Tenant, search: str) -> str:
    """Who has a calendar in a tenant, and a way to find them."""
    others = "".join(
        f'<a href="/?tenant={quote(one.id)}">{escape(one.name)} {escape(one.id[:8])}</a> '
        for one in tenants
        if one is not tenant
    )
    wanted = search.lower()
    found = [
        one
        for one in tenant.accounts
        if one.mailbox and wanted in f"{one.display_name} {one.address} {one.department} {one.kind}".lower()
    ]
    rows = "".join(
        f'<li><span class="what"><a href="{_address(tenant, one)}">{escape(one.display_name)}</a></span>'
        f'<span class="note">{escape(one.department or one.kind)}</span>'
        f'<span class="note">{escape(one.address)}</span></li>'
        for one in found[:_SHOWN]
    )
    more = f"<p class=note>and {len(found) - _SHOWN} more</p>" if len(found) > _SHOWN else ""
    return whole(
        tenant.name,
        f"<h1>{escape(tenant.name)}</h1>"
        f'<p class="about">A pretend tenant. It is {tenant.clock.now():%Y-%m-%d %H:%M} UTC there. '
        f'<a href="/teams?tenant={quote(tenant.id)}">Teams</a> {others}</p>'
        f'<form><input type="hidden" name="tenant" value="{escape(tenant.id)}">'
        f'<input name="q" value="{escape(search)}" placeholder="name, department, address" autofocus>'
        f"<button>Find</button></form><ul>{rows}</ul>{more}",
    )


def calendar(tenant: Tenant, account: Account, zone_name: str, entries: list[Entry]) -> str:
    """Somebody's calendar, week by week, in their own zone."""
    home = zone(zone_name)
    weeks = "".join(
        f"<h2>Week {number}</h2><ul>{''.join(_row(tenant, account, entry, home) for entry in group)}</ul>"
        for number, group in groupby(entries, lambda entry: entry.start.astimezone(home).isocalendar().week)
    )
    return whole(
        account.display_name,
        f"<h1>{escape(account.display_name)}</h1>"
        f'<p class="about">{escape(account.department or account.kind)}, {escape(account.address)}. Times in '
        f"{escape(zone_name)}. A coloured edge marks what carries an application's tag. "
        f'<a href="/?tenant={quote(tenant.id)}">All people</a></p>{weeks or "<p>Nothing in the coming weeks.</p>"}',
    )


def _row(tenant: Tenant, account: Account, entry: Entry, home: tzinfo) -> str:
    starts, ends = entry.start.astimezone(home), entry.end.astimezone(home)
    route = f"/sandbox/tenants/{quote(tenant.id)}/calendars/{quote(account.id)}"
    event = f'<input type="hidden" name="event" value="{escape(entry.id)}">'
    moved_to = f"{starts + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    forms = (
        f'<form method="post" action="{route}/move">{event}'
        f'<input type="datetime-local" name="starts" value="{moved_to}"><button>Move</button></form>'
        f'<form method="post" action="{route}/delete">{event}<button>Delete</button></form>'
    )
    if entry.series_id:
        forms += (
            f'<form method="post" action="{route}/delete">{event}<input type="hidden" name="what" value="series">'
            f"<button>Delete the series</button></form>"
            f'<form method="post" action="{route}/move">{event}'
            f'<input type="time" name="at" value="{starts:%H:%M}"><button>Move the series</button></form>'
        )
    notes = [entry.type, entry.show_as]
    if entry.original_start and entry.original_start != entry.start:
        notes.append(f"moved from {entry.original_start.astimezone(home):%a %d %b %H:%M}")
    return (
        f'<li class="{"ours" if entry.tag else ""}" title="{escape(entry.tag or "")}">'
        f'<span class="when">{starts:%a %d %b %H:%M}&ndash;{ends:%H:%M}</span>'
        f'<span class="what">{escape(entry.subject)} <span class="note">{escape(", ".join(notes))}</span></span>'
        f"{forms}</li>"
    )


def _address(tenant: Tenant, account: Account) -> str:
    return f"/?tenant={quote(tenant.id)}&amp;who={quote(account.id)}"


def whole(title: str, body: str) -> str:
    """A page with the style of all of them."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><body>{body}</body></html>'
    )
