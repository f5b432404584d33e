"""The pages on which people sign in: a device's code, who one is, and the way back to the application."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.directory import GUEST, SERVICE, Account
from sandbox.tenant import Tenant

_SHOWN = 30


def device(tenant: Tenant, said: str) -> str:
    """Where a device's code is entered, with what came of the last one."""
    return _page(
        "Enter code",
        f"<p>{escape(said)}</p><form method=post><p><input name=user_code placeholder=Code autofocus required></p>"
        f"<p>Sign in as {_accounts(tenant, '')}</p><p><button name=answer value=yes>Sign in</button> "
        "<button name=answer value=no>Cancel</button></p></form>",
    )


def choose(tenant: Tenant, address: str, hint: str) -> str:
    """Who signs in to an application."""
    return _page(
        "Sign in",
        f'<form method=post action="{escape(address)}"><p>Sign in as {_accounts(tenant, hint)}</p>'
        "<p><button name=answer value=yes>Sign in</button></p></form>"
        f'<form method=post action="{escape(address)}"><button name=answer value=no>Cancel</button></form>',
    )


def back(redirect: str, what: Mapping[str, str], mode: str) -> Response:
    """The way back to an application: a redirection, or a form that sends itself."""
    if mode == "form_post":
        fields = "".join(
            f'<input type=hidden name="{escape(name)}" value="{escape(value)}">' for name, value in what.items()
        )
        form = f'<form method=post action="{escape(redirect)}">{fields}<button>Go on</button></form>'
        return HTMLResponse(_page("Working", f"{form}<script>document.forms[0].submit()</script>"))
    mark = "#" if mode == "fragment" else "&" if "?" in redirect else "?"
    return RedirectResponse(f"{redirect}{mark}{urlencode(what)}", status_code=302)


def _accounts(tenant: Tenant, hint: str) -> str:
    """A list to choose from, the accounts for services first."""
    found = sorted((one for one in tenant.accounts if one.kind != GUEST), key=lambda one: one.kind != SERVICE)
    wanted = tenant.account(hint) if hint else None
    shown = [wanted] if wanted is not None else found[:_SHOWN]
    return f"<select name=account>{''.join(map(_option, shown))}</select>"


def _option(account: Account) -> str:
    name = escape(account.user_principal_name)
    return f'<option value="{name}">{escape(account.display_name)}, {name}</option>'


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><body><h1>{title}</h1>{body}</body></html>'
    )
