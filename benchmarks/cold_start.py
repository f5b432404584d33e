"""What a fresh process of the Functions app takes until it can answer: ``python -m benchmarks.cold_start``.

Each step is done in an interpreter of its own, five times; the fastest is told, because whatever else runs on the
machine only ever adds. CPU seconds are of the interpreter from its start; memory is the most it had (RSS).
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMES = 5
TENANT = "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"
MAILBOX = "5c1e0000-0000-4000-8000-00000000000a"

STEPS = {
    "python": "Python alone",
    "azure": "`import azure.functions`",
    "app": "`import function_app`",
    "handshake": "and one handshake",
    "notification": "and one notification, put on the queue of a file",
    "sweep": "and what a tick or a message needs (`holdfast.duties`, the way to Graph, msal)",
}


def do(step: str) -> None:
    """One step, in this process; what it took goes to the output as JSON."""
    if step == "azure":
        import azure.functions  # noqa: F401, PLC0415 - measured
    elif step != "python":
        import function_app  # noqa: F401, PLC0415 - measured
    if step in {"handshake", "notification"}:
        asyncio.run(_asked("hello"))
    if step == "notification":
        asyncio.run(_asked(None))
    if step == "sweep":
        import graph_client.auth  # noqa: PLC0415 - measured
        import graph_client.connect  # noqa: F401, PLC0415 - measured
        import holdfast.duties  # noqa: F401, PLC0415 - measured
    took = {"cpu": time.process_time(), "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    sys.stdout.write(json.dumps({**took, "modules": len(sys.modules)}))


async def _asked(token: str | None) -> None:
    import azure.functions as func  # noqa: PLC0415 - measured

    from functions.notifications import listening, notifications  # noqa: PLC0415 - measured

    body = b""
    if token is None:
        from holdfast.core.notices import client_state  # noqa: PLC0415 - measured

        ear = await listening().ear()
        item = {
            "subscriptionId": "1",
            "changeType": "updated",
            "resource": f"Users/{MAILBOX}/Events/1",
            "tenantId": TENANT,
            "clientState": client_state(MAILBOX, tenant=TENANT, key=ear.keys[0]),
        }
        body = json.dumps({"value": [item]}).encode()
    params = {"validationToken": token} if token else {}
    answer = await notifications(func.HttpRequest("POST", "/api/notifications", params=params, body=body))  # type: ignore[operator]
    if answer.status_code not in {200, 202}:
        raise RuntimeError(f"The webhook answered {answer.status_code}.")


def measured(step: str) -> dict[str, float]:
    """The least that a step took."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings.yaml")
        settings.write_text(_SETTINGS, encoding="utf-8")
        environment = {**os.environ, "HOLDFAST_SETTINGS": str(settings), "PYTHONPATH": os.pathsep.join(sys.path)}
        for _ in range(TIMES):
            done = subprocess.run(
                [sys.executable, __file__, step], capture_output=True, text=True, check=True, env=environment
            )
            found.append(json.loads(done.stdout))
    return {name: min(one[name] for one in found) for name in found[0]}


def main() -> None:
    """Print the table of ``benchmarks/README.md``."""
    print("| a process that has done | CPU, s | RSS, MiB | modules |\n| --- | ---: | ---: | ---: |")
    for step, told in STEPS.items():
        one = measured(step)
        print(f"| {told} | {one['cpu']:.2f} | {one['rss']:.0f} | {one['modules']:,} |")


_SETTINGS = f"""\
version: 1
organization: {{name: Fjällvik AB, language: sv, time_zone: Europe/Stockholm}}
tenant: {{tenant_id: {TENANT}, client_id: 8a7b6c5d-4e3f-4a1b-8c9d-0e1f2a3b4c5d, credential: managed-identity}}
audiences:
  alla: {{group: Alla medarbetare}}
blocks:
  - {{id: lartimmen, title: Lärtimmen, audiences: [alla], every: week, day: thursday, at: "09:00", minutes: 60,
     from: 2026-12-01}}
"""

if __name__ == "__main__":
    do(sys.argv[1]) if len(sys.argv) > 1 else main()
