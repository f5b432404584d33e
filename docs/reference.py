"""Writes the reference pages from what the code itself says, so that they cannot fall behind it.

`make docs` runs it; `tests/docs` fails while a page differs.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main
from typer.core import TyperArgument, TyperOption

from holdfast import wiring
from holdfast.cli.app import app
from holdfast.core.overlap import ASKED_OF_OTHERS
from holdfast.core.permissions import DELEGATED, PERMISSIONS
from holdfast.core.report import Excuse, MailboxState
from holdfast.core.settings import ENVIRONMENT, Tenant, json_schema

HERE = Path(__file__).parent

_SETTINGS = """\
# The settings file

One YAML file, `settings.yaml`, says everything. `holdfast init` writes one to begin with, in English or Swedish,
and `settings.schema.json` beside it, with which editors complete and check it. A mistake is told with its line, its
column and its cure, all mistakes at once, and nothing is done until the file is right.

The file holds no secrets, and does not say where Holdfast signs in: see [the environment](#the-environment).
"""

_ENVIRONMENT = """\
## The environment

Values under `tenant` can come from the environment instead of the file; where both are given, the environment wins.
The other variables stand only there, so that nobody who edits the file can collect a secret.

| variable | what it is |
| --- | --- |
"""

_COMMANDS = """\
# Commands

`python -m holdfast` is the same as `holdfast`. Every command reads `settings.yaml` in the working folder unless
told otherwise, shows progress on the error output, and ends with one of these statuses:

| status | meaning |
| --- | --- |
| 0 | fine |
| 1 | something failed or is incomplete; what it was and what to do about it is printed |
| 2 | the command was used wrongly, or the settings, the environment or the state file are not in order |
| 3 | only `plan --detailed-exitcode`: there are changes |

Log lines go to the error output too: warnings always, every call to Microsoft Graph with `holdfast --verbose
COMMAND`. Each carries the `client_request_id` that Microsoft support asks for.
"""

_STATES = """\
## How a run accounts for everyone

Every run puts each mailbox of the audience in exactly one state; the numbers add up to the audience.

| state | the mailbox … |
| --- | --- |
"""

_PERMISSIONS = """\
# Permissions

Holdfast signs in as an application. It asks for these permissions of Microsoft Graph; all are *application*
permissions and need admin consent. `holdfast check` tries each and says what is missing. For posting to Teams there are
[others](#in-the-name-of-the-account-that-posts), and no more than these are ever asked for.

| permission | what for |
| --- | --- |
"""

_SCOPING = """
## Only the mailboxes you mean

`Calendars.ReadWrite` and `MailboxSettings.Read` cover every mailbox of the tenant when they are granted in Entra.
To limit them to the people who are to get learning time, grant these two by Exchange Online's RBAC for Applications
*instead* (not as well: permissions add up): `New-ServicePrincipal`, `New-ManagementScope`,
`New-ManagementRoleAssignment` with the roles `Application Calendars.ReadWrite` and `Application
MailboxSettings.Read`. They are then not listed in the token, so `holdfast check` notes that it cannot see them and
tries a mailbox; a change takes up to two hours to be in force. A scope by group counts direct members only, while
audiences count nested groups too: name the nested ones as well. `infra/grant.ps1` does all this for an app in Azure.

## What is read, and what never is

Holdfast finds its own events by their extended property. Of events that may be somebody else's, no more is ever asked
for than this list, and only where it is needed: to see whether their owner is out of office on a day on which a date
of a block was touched, and, where a block has `overlap: notify` or `overlap: decline`, to see what stands on top of it.

> {asked}

Besides, where a series that was made cannot be found by its property, `transactionId` is asked of the events around
that time: the mark that Holdfast alone writes, empty on all others. Subjects, bodies, attendees and automatic replies
are never asked for.

## Mail

`Mail.Send` is needed only where a block has `overlap: notify`. Grant it for the organizer mailbox alone, by RBAC for
Applications with the role `Application Mail.Send`: granted in Entra, it lets an application send as anybody.

## Being told of changes

`Calendars.Read` is needed only where `tenant.notification_url` is set: whoever wants to be told of changes needs a
permission to read, and Graph does not promise that one to write is enough. Grant it as you granted
`Calendars.ReadWrite`: in Entra, or by RBAC for Applications with the role `Application Calendars.Read`. What Graph
tells is that something has changed, and in whose calendar, never what.
"""

_DELEGATED = """
## In the name of the account that posts

Graph lets no application post to a channel by itself. Where a channel of the settings has `via: graph`, an account of
its own does, such as `larande@…`, which somebody signs in once by `holdfast login`, to a registration of its own that
`tenant.login` names: under *Authentication* it allows public client flows and has `http://localhost` as a redirect
address for mobile and desktop applications; it has no secret. The account is a member of each team and of each private
channel, has a licence for Teams, and is kept out of policies that ask for a second factor every so many hours.

These permissions are *delegated* ones: they reach no further than what the account sees itself.

| permission | what for |
| --- | --- |
{rows}
`ChannelMessage.Read.All` needs admin consent. Without it summaries are posted all the same; replies are then not
quoted, and a post whose answer was lost is not looked for. `holdfast check` says which of this is missing.

A channel with `via: workflow` needs none of these: a Workflows webhook posts there, whose address is in the
environment. Whoever knows that address can post, so keep it like a password. The addresses of Office 365 connectors,
which Microsoft has retired, are refused.
"""


def settings_page() -> str:
    """Every key of the settings file: what it is, what is allowed, what holds without it."""
    schema = json_schema()
    parts = [_SETTINGS, _table(_rows(schema, ""))]
    for key, value in schema["properties"].items():
        section = _section(value, schema["$defs"])
        if section is not None:
            path = key + {"array": "[]", "object": ".*"}.get(value.get("type", ""), "")
            parts.append(f"## `{key}`\n\n{value['description']}\n")
            parts.append(_table(_rows(section, path + ".", schema["$defs"])))
    lent = [(name, f"`tenant.{key}`") for name, key in ENVIRONMENT.items()]
    rows = "".join(f"| `{name}` | {what} |\n" for name, what in [*lent, *wiring.VARIABLES.items()])
    return "\n".join([*parts, _ENVIRONMENT + rows])


def _section(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any] | None:
    forms = (*value.get("anyOf", ()), *value.get("oneOf", ()))
    within = (value, value.get("items", {}), value.get("additionalProperties", {}), *forms)
    names = [inner["$ref"].rpartition("/")[2] for inner in within if isinstance(inner, dict) and "$ref" in inner]
    return definitions[names[0]] if names else None


def _table(rows: Iterable[str]) -> str:
    return "\n".join(["| key | what it is | without it |", "| --- | --- | --- |", *rows]) + "\n"


def _rows(section: Mapping[str, Any], prefix: str, definitions: Mapping[str, Any] | None = None) -> Iterator[str]:
    """A row for each key and, where ``definitions`` are given, for those within it."""
    for key, value in section["properties"].items():
        if key in section.get("required", ()):
            without = "required"
        elif section["title"] == "Tenant" and Tenant.model_fields[key].is_required():
            without = "required, here or in the environment"
        elif value.get("default") in (None, [], {}):
            without = "none"
        else:
            without = f"`{json.dumps(value['default'], ensure_ascii=False)}`"
        yield f"| `{prefix}{key}` | {value['description']} | {without} |"
        within = _section(value, definitions) if definitions else None
        if within is not None:
            yield from _rows(within, f"{prefix}{key}.", definitions)


def commands_page() -> str:
    """Every command and option, and what a run says of people."""
    return "\n".join([_COMMANDS, *_commands(), _STATES + _states()])


def _commands() -> Iterator[str]:
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined] - the app has more than one command
        lines = [f"## `holdfast {name}`\n", *(line.strip() for line in command.help.strip().splitlines()), ""]
        options = [parameter for parameter in command.params if parameter.name != "help"]
        if options:
            lines += ["| option | |", "| --- | --- |"]
        lines += [f"| `{_usage(option)}` | {option.help} |" for option in options]
        yield "\n".join([*lines, ""]) if options else "\n".join(lines)


def _usage(option: TyperOption | TyperArgument) -> str:
    name = option.opts[-1] if option.param_type_name == "option" else ""
    return f"{name} {option.metavar or ''}".strip()


def _states() -> str:
    rows = "".join(f"| {state} | {state.meaning} |\n" for state in MailboxState)
    excuses = ", ".join(excuse.value for excuse in Excuse)
    return f"{rows}\nA mailbox is *excused* for one of these reasons: {excuses}.\n"


def permissions_page() -> str:
    """Every permission the product asks for, and what for."""
    asked = textwrap.fill(", ".join(ASKED_OF_OTHERS), 110, subsequent_indent="> ")
    return (
        _PERMISSIONS
        + "".join(f"| `{name}` | {what} |\n" for name, what in PERMISSIONS.items())
        + _SCOPING.format(asked=asked)
        + _DELEGATED.format(rows="".join(f"| `{name}` | {what} |\n" for name, what in DELEGATED.items()))
    )


PAGES = {"settings.md": settings_page, "commands.md": commands_page, "permissions.md": permissions_page}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
