"""``login``: signing in the account that posts to channels, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast import wiring
from holdfast.cli.console import AsJson, Exit, SettingsFile, err, load, out, print_json, stop
from holdfast.core.errors import GraphError
from holdfast.core.permissions import READ_POSTS
from holdfast.store.key import KeyUnusable
from holdfast.store.sqlite import StateUnusable
from holdfast.wiring import SetupError

if TYPE_CHECKING:
    from graph_client.login import Code, SignedInAs


def login(
    settings_file: SettingsFile = None,
    *,
    browser: Annotated[
        bool,
        typer.Option("--browser", help="Sign in in this machine's browser, for tenants that forbid device codes."),
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget the sign-in, so that nothing is posted until the next one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign in the account that posts to channels, once: with a code on any device, as that account.

    What is kept of it is encrypted and renewed with each post. It ends after 90 days without any, with a new password,
    or when an admin revokes it; `holdfast status` warns before.

    Example: `holdfast login`
    """
    place, settings = load(settings_file)

    def show_code(code: Code) -> None:
        err.print(
            f"Open {code.address} on any device, enter the code {code.code} and sign in as {account}. "
            f"The code is good for {code.seconds // 60} minutes.",
            markup=False,
        )

    def show_address(address: str) -> None:
        err.print(f"Open {address} in a browser on this machine and sign in as {account}.", markup=False)

    async def work() -> SignedInAs | None:
        async with wiring.signing_in(place, settings) as sign_in:
            if forget:
                await sign_in.forget()
                return None
            return await (sign_in.by_browser(show_address) if browser else sign_in.by_device_code(show_code))

    account = settings.tenant.login.account if settings.tenant.login else ""
    try:
        found = asyncio.run(work())
    except (SetupError, KeyUnusable, StateUnusable) as error:
        stop(str(error), Exit.USAGE)
    except GraphError as error:
        request = f" (request id {error.request_id})" if error.request_id else ""
        stop(f"{error.message}{request}\n{error.cure}", Exit.INCOMPLETE)
    except KeyboardInterrupt:
        stop("Stopped. Nobody was signed in.", Exit.INCOMPLETE)
    _tell(found, as_json=as_json)


def _tell(found: SignedInAs | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"signed_in": found.account if found else None, "reads_replies": found.reads if found else False})
    elif found is None:
        out.print(
            "Forgotten. At Microsoft the sign-in ends when an admin revokes the account's sessions.", markup=False
        )
    else:
        out.print(f"Signed in as {found.account}.", markup=False)
        reading = (
            "It may read the replies to posts as well."
            if found.reads
            else f"It may post, but not read replies: grant the registration of tenant.login {READ_POSTS} (delegated) "
            "and admin consent for that, see docs/permissions.md."
        )
        out.print(reading, markup=False)
