"""``python -m sandbox``: a pretend tenant until it is interrupted."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import tempfile
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from sandbox import Clock, Sandbox, Server, Tenant, firm, serving


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    wanted = _parser().parse_args(arguments)
    stop = threading.Event()

    def stopped(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stopped)
    sandbox = Sandbox()
    tenant = sandbox.add(
        firm(
            wanted.people,
            wanted.seed,
            Clock(wanted.now),
            wanted.language,
            part_timers=wanted.part_timers,
            abroad=wanted.abroad,
        )
    )
    with tempfile.TemporaryDirectory(prefix="sandbox-") as passing:
        folder = Path(wanted.folder or passing)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            trust = Path(wanted.trust) if wanted.trust else None
            tunnels = dict(wanted.tunnel)
            with serving(sandbox, port=wanted.port, folder=folder, trust=trust, tunnels=tunnels) as server:
                _write_environment(folder / "sandbox.env", server.environment(tenant))
                said = _json(server, tenant) if wanted.json else _words(server, tenant, folder)
                sys.stdout.write(f"{said}\n")
                sys.stdout.flush()
                stop.wait()
        except OSError as error:
            sys.stderr.write(f"The sandbox cannot serve at port {wanted.port}: {error}\n")
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox", description="A pretend Microsoft 365 tenant on this machine.")
    parser.add_argument("--people", type=_count, default=120, help="employees with mailboxes (default: 120)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same tenant (default: 1)")
    parser.add_argument("--port", type=int, default=8443, help="0 takes a free one (default: 8443)")
    parser.add_argument("--language", choices=("sv", "en"), default="sv", help="of the firm (default: sv)")
    parser.add_argument("--part-timers", type=int, default=0, help="employees with shorter weeks (default: 0)")
    parser.add_argument("--abroad", type=_share, default=0.0, help="share of the firm in Helsinki (default: 0)")
    parser.add_argument("--now", type=_instant, help="the tenant's time, standing still (default: the real time)")
    parser.add_argument("--folder", help="where to put ca.pem and sandbox.env (default: a passing one)")
    parser.add_argument(
        "--trust", metavar="FILE", help="a certificate authority to trust for webhooks, besides its own"
    )
    parser.add_argument(
        "--tunnel",
        type=_tunnel,
        action="append",
        default=[],
        metavar="PUBLIC=REAL",
        help="where a webhook's public address really is: https://holdfast.example=http://127.0.0.1:8080",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON once ready, for scripts")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        raise ValueError(text)
    return share


def _tunnel(text: str) -> tuple[str, str]:
    public, _, real = text.partition("=")
    if not public.startswith("https://") or not real.startswith(("http://", "https://")):
        raise ValueError(text)
    return public.rstrip("/"), real.rstrip("/")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _write_environment(path: Path, environment: dict[str, str]) -> None:
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    path.write_text("".join(lines), encoding="utf-8")


def _json(server: Server, tenant: Tenant) -> str:
    return json.dumps(
        {
            "url": server.url,
            "ca_bundle": server.ca_bundle,
            "environment": server.environment(tenant),
            "group": tenant.everyone.display_name,
            "people": len(tenant.employees),
            "tenant": tenant.id,
        }
    )


def _words(server: Server, tenant: Tenant, folder: Path) -> str:
    kinds = Counter(account.kind for account in tenant.accounts)
    of = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return "\n".join(
        [
            f"{tenant.name}, a pretend tenant: {len(tenant.accounts)} accounts ({of}), {len(tenant.groups)} groups.",
            f'Everybody is in the group "{tenant.everyone.display_name}".',
            f"Teams: {', '.join(team.name for team in tenant.teams)}, with {tenant.service_account.address} in each;",
            f"people sign in to the registration {tenant.login.client_id}.",
            "",
            "To use it, in another terminal:",
            "",
            f"    source {shlex.quote(str(folder / 'sandbox.env'))}",
            "    holdfast init",
            "    holdfast plan",
            "    holdfast apply",
            "",
            f"Calendars to look at and to touch: {server.url}/",
            "(The browser will warn of the certificate, which was made a moment ago.)",
            "",
            "Ctrl+C stops it; nothing is kept.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
