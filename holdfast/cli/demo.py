"""``sandbox`` and ``demo``: a pretend tenant to try everything on, in a process of its own.

The product is told where the tenant is by the environment alone, exactly as it is told of a real one, and every step of
the demo is a command that a person could type.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from holdfast.cli import christmas, holding, weeks
from holdfast.cli.console import Exit, out, stop
from holdfast.cli.init import example
from holdfast.core.settings import Language
from holdfast.wiring import Place

People = Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="How many employees the pretend firm has.")]
InLanguage = Annotated[
    Language, typer.Option("--language", metavar="LANGUAGE", help="The language of the firm: sv or en.")
]

_PATIENCE = 20.0
"""Seconds for the pretend tenant to stop."""


def sandbox(
    context: typer.Context,
    *,
    people: People = 120,
    language: InLanguage = Language.SV,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="The port on this machine; 0 takes a free one.")
    ] = 8443,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to write what it takes to reach it. Default: ./sandbox-tenant"),
    ] = None,
) -> None:
    """Serve a pretend Microsoft 365 tenant on this machine, to try every command on. Ctrl-C ends it.

    Further options, such as `--abroad 0.3`, are in docs/sandbox.md.

    Example: `holdfast sandbox --people 300`
    """
    options = ["--people", str(people), "--language", language.value, "--port", str(port)]
    options += ["--folder", str(folder or Path("sandbox-tenant")), *context.args]
    try:
        raise typer.Exit(subprocess.run([*_sandbox_command(), *options], check=False).returncode)  # noqa: S603
    except KeyboardInterrupt:
        raise typer.Exit(Exit.FINE) from None


def demo(*, people: People = 120, language: InLanguage = Language.SV) -> None:
    """Show the main job on a pretend tenant: a plan, an apply, an empty second plan, and everyone accounted for.

    Then people move, delete and free their dates, and a sweep answers. And then the plan of the same firm over
    Christmas, with a third of it in another country.

    Example: `holdfast demo --people 300`
    """
    _main_job(people, language)
    _over_christmas(people, language)
    _four_weeks(people, language)
    out.print("\nTo touch it yourself: `holdfast sandbox`, and in another terminal the commands above.", markup=False)


def _main_job(people: int, language: Language) -> None:
    with tempfile.TemporaryDirectory(prefix="holdfast-demo-") as folder, _tenant(people, language) as tenant:
        (Path(folder) / "settings.yaml").write_text(example(language), encoding="utf-8")
        show = _Show(Path(folder), {**os.environ, **tenant.environment})
        out.print(
            f"[bold]Fjällvik AB[/bold], a pretend Microsoft 365 tenant at {tenant.url}: "
            f"{people} employees, and guests, shared mailboxes, rooms and disabled accounts besides.\n"
            "An admin has written this settings.yaml:\n"
        )
        _print_settings(example(language))
        show.run("Is everything in place?", "check")
        show.run("What would happen? Nothing is written by this.", "plan", "--out", "plan.json")
        show.run("Do exactly what was planned.", "apply", "--plan", "plan.json", "--yes")
        show.run("And again: nothing is left to do.", "plan")
        show.run("What stands?", "status")
        _compare(tenant)
        _held(tenant, show, Path(folder), language)


def _held(tenant: _Tenant, show: _Show, folder: Path, language: Language) -> None:
    """People do with their dates what people do; the next sweep answers."""
    kept = example(language).replace("mode: watch", "mode: keep", 1)
    (folder / "settings.yaml").write_text(kept, encoding="utf-8")
    out.print("\n[bold]A block that holds.[/bold] With mode: keep, sweeps write too. A timer runs them; here we do.")
    show.run("Say yes to the edit.", "apply", "--yes")
    out.print("\n[bold cyan]People do with their dates what people do.[/bold cyan]")
    with tenant.asked() as ask, tenant.acted() as act:
        story = holding.Story.begin(ask, act, "Europe/Stockholm")
        show.run("The next sweep counts what it finds, and names nobody for it.", "sweep")
        out.print("\n[bold cyan]And how do the dates stand?[/bold cyan]")
        story.tell()
        again = story.delete_again()
        if again:
            out.print(f"\n[bold cyan]{again} deletes once more what was put back.[/bold cyan]")
            show.run("The second time is final.", "sweep")
            story.tell()
    _booked_over(tenant, show, folder, language)


def _booked_over(tenant: _Tenant, show: _Show, folder: Path, language: Language) -> None:
    """Meetings land on top of learning time; who called them is asked for another time, once."""
    settings = folder / "settings.yaml"
    mailbox = {Language.SV: "larande", Language.EN: "learning"}[language]
    text = settings.read_text(encoding="utf-8")
    text = text.replace("    minutes: 60\n", "    minutes: 60\n    overlap: notify\n", 1)
    text = text.replace("  credential:", f"  organizer: {mailbox}@fjallvik.example\n  credential:", 1)
    settings.write_text(text, encoding="utf-8")
    out.print(
        "\n[bold]And when somebody books over it?[/bold] With overlap: notify they are asked for another time, "
        "politely and once a quarter."
    )
    show.run("Say yes to the edit.", "apply", "--yes")
    show.run("The first sweep notes what stands there already: that stays.", "sweep")
    with tenant.asked() as ask, tenant.acted() as act, tenant.at_work() as work_now:
        out.print("\n[bold cyan]Meetings are called.[/bold cyan]")
        booked = holding.BookedOver.begin(ask, act, work_now, "Europe/Stockholm")
        if booked is None:
            out.print("  Too small a firm for that: try --people 20.")
            return
        show.run("The next sweep asks who has to be asked.", "sweep")
        show.run("And the one after it asks nobody again.", "sweep")
        out.print("\n[bold cyan]Which mails did the tenant see?[/bold cyan]")
        booked.tell()


def _over_christmas(people: int, language: Language) -> None:
    abroad = ["--abroad", str(christmas.ABROAD), "--now", christmas.NOW.isoformat()]
    with tempfile.TemporaryDirectory(prefix="holdfast-demo-") as folder, _tenant(people, language, *abroad) as tenant:
        path = Path(folder) / "settings.yaml"
        path.write_text(christmas.settings_text(language), encoding="utf-8")
        out.print(
            "\n[bold]Fjällvik AB over Christmas[/bold], with a third of its people in Helsinki. Each country has "
            "holidays of its own, and in Sweden the firm is closed between Christmas and New Year.\n"
        )
        _print_settings(path.read_text(encoding="utf-8"))
        day = f"{christmas.NOW.day} {christmas.NOW:%B %Y}"
        out.print(f"\n[bold cyan]What would happen on {day}? Nothing is written by this.[/bold cyan]")
        out.print("[bold]$ holdfast plan[/bold]")
        christmas.show(path, {**os.environ, **tenant.environment})


def _four_weeks(people: int, language: Language) -> None:
    now = weeks.NOW.isoformat()
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-demo-") as folder,
        _tenant(min(people, weeks.PEOPLE), language, "--now", now) as tenant,
    ):
        path = Path(folder) / "settings.yaml"
        with tenant.asked() as ask, tenant.done() as do:
            path.write_text(weeks.settings_text(language, ask("teams")["login"]["client_id"]), encoding="utf-8")
            out.print(
                "\n[bold]Learning that is talked about.[/bold] Three departments of the firm over four weeks: what to "
                "learn stands in the block, a summary is posted on Fridays, and what people answer comes back in the "
                "next one.\n"
            )
            _print_settings(path.read_text(encoding="utf-8"))
            out.print("\n[bold cyan]holdfast login, holdfast apply, and then timers do the rest.[/bold cyan]")
            variables = {**os.environ, **tenant.environment}
            story = weeks.Story(Place.of(path, variables), language, ask, do, Path.cwd() / weeks.FOLDER)
            weeks.list_files(story.tell())


class _Show:
    """Types commands and lets them speak for themselves."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._folder = folder
        self._variables = variables

    def run(self, why: str, *words: str) -> None:
        """Say why, show the command as it would be typed, and run it. The demo ends with one that fails."""
        out.print(f"\n[bold cyan]{why}[/bold cyan]\n[bold]$ holdfast {' '.join(words)}[/bold]")
        command = [sys.executable, "-m", "holdfast", *words]
        status = subprocess.run(command, cwd=self._folder, env=dict(self._variables), check=False).returncode  # noqa: S603
        if status != Exit.FINE:
            stop(f"`holdfast {' '.join(words)}` ended with {status}.", Exit.INCOMPLETE)


class _Tenant:
    """A pretend tenant that is being served, as it tells of itself."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.url = str(told["url"])
        self.environment: dict[str, str] = told["environment"]
        self._trust = str(told["ca_bundle"])
        self._id = self.environment["HOLDFAST_TENANT_ID"]

    @contextmanager
    def asked(self) -> Iterator[Callable[[str], Any]]:
        """A way to ask what the tenant itself knows, not by way of Graph."""
        with self._reached() as http:
            yield lambda what: http.get(what).raise_for_status().json()

    @contextmanager
    def acted(self) -> Iterator[holding.Act]:
        """A way to let people act, as they would in Outlook."""
        with self._reached() as http:

            def act(who: str, wanted: Mapping[str, Any]) -> None:
                http.post(f"calendars/{who}/act", json=dict(wanted)).raise_for_status()

            yield act

    @contextmanager
    def done(self) -> Iterator[weeks.Do]:
        """A way to let something happen in the tenant."""
        with self._reached() as http:
            yield lambda what, wanted: http.post(what, json=dict(wanted)).raise_for_status().json()

    @contextmanager
    def at_work(self) -> Iterator[Callable[[str], None]]:
        """A way to let somebody work around the clock, so that the demo can be shown at any hour."""
        week = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
        with self._reached() as http:

            def work_now(who: str) -> None:
                hours = {"days": week, "starts": "00:00", "ends": "23:59"}
                http.post(f"calendars/{who}/settings", json=hours).raise_for_status()

            yield work_now

    def _reached(self) -> httpx.Client:
        trust = httpx.create_ssl_context()
        trust.load_verify_locations(cafile=self._trust)
        return httpx.Client(base_url=f"{self.url}/sandbox/tenants/{self._id}/", verify=trust, trust_env=False)


@contextmanager
def _tenant(people: int, language: Language, *more: str) -> Iterator[_Tenant]:
    options = ["--people", str(people), "--language", language.value, "--port", "0", "--json", *more]
    process = subprocess.Popen([*_sandbox_command(), *options], stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        ready = process.stdout.readline() if process.stdout else ""
        if not ready:
            stop(f"The pretend tenant did not start (exit status {process.wait(_PATIENCE)}).", Exit.INCOMPLETE)
        yield _Tenant(json.loads(ready))
    finally:
        process.terminate()
        process.wait(_PATIENCE)
        if process.stdout:
            process.stdout.close()


def _sandbox_command() -> list[str]:
    needed = ("sandbox", "starlette", "uvicorn", "trustme", "jwt")
    missing = [name for name in needed if not importlib.util.find_spec(name)]
    if missing:
        stop(
            f"The sandbox is not installed here ({', '.join(missing)} missing). In a clone of Holdfast run "
            "`make setup`, or install holdfast[sandbox].",
            Exit.USAGE,
        )
    return [sys.executable, "-m", "sandbox"]


def _print_settings(text: str) -> None:
    for line in text.splitlines():
        if line.startswith(("#", "version")):
            continue
        out.print(f"  {line}", markup=False, style="dim")


def _compare(tenant: _Tenant) -> None:
    """What the pretend tenant itself says of its calendars: nobody's word is taken for it."""
    out.print("\n[bold cyan]And what does the tenant itself say?[/bold cyan]")
    with tenant.asked() as ask:
        counts = ask("counts")
        series: dict[str, set[str]] = {}
        everybody = [one for one in ask("roster") if one["mailbox"]]
        for one in everybody:
            series[one["id"]] = {event["series_id"] for event in ask(f"calendars/{one['id']}") if event["tag"]}
    employees = [one["id"] for one in everybody if one["kind"] == "employee"]
    one_each = sum(len(series[employee]) == 1 for employee in employees)
    elsewhere = sum(len(found) for one, found in series.items() if one not in employees)
    calls = sum(counts["calls"].values())
    out.print(
        f"  {one_each} of {len(employees)} employees have exactly one learning series; {elsewhere} stand elsewhere."
    )
    out.print(f"  {counts['mails']} mails were sent. {calls} Graph calls came in {counts['requests']} requests.")
