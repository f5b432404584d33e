"""Settings files, good and broken. Each broken one stands in tests/golden/settings, with what it is told beside it."""

import re
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holdfast.core.model import Weekday, Weekly
from holdfast.core.settings import (
    Cloud,
    Credential,
    Language,
    Mode,
    Settings,
    SettingsError,
    dump,
    fingerprint,
    parse,
)
from tests.golden import GOLDEN, check_golden
from tests.strategies import settings_strategy

BROKEN = sorted((GOLDEN / "settings").glob("*.yaml"))
EXAMPLE = (Path(__file__).parents[2] / "settings.example.yaml").read_text(encoding="utf-8")


def read(text: str | bytes, **environment: str) -> Settings:
    return parse(text, name="settings.yaml", environment=environment)


def problems(text: str | bytes, **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(text, **environment)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_told_what_is_wrong_where_and_how_to_put_it_right(path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(path.read_bytes())
    check_golden(path.with_suffix(".expected"), f"{caught.value}\n")


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_no_message_speaks_the_parsers_language(path: Path) -> None:
    told = path.with_suffix(".expected").read_text(encoding="utf-8").lower()
    for jargon in ("pydantic", "input should", "mapping", "tuple", "scalar", "flow sequence", "nonetype", "traceback"):
        assert jargon not in told


def test_there_are_enough_broken_files() -> None:
    assert len(BROKEN) >= 20


def test_the_example_says_what_it_seems_to_say() -> None:
    settings = read(EXAMPLE)
    assert settings.mode is Mode.WATCH
    assert settings.organization.zone == "Europe/Stockholm"
    assert settings.tenant.cloud is Cloud.GLOBAL
    assert settings.audiences["alla"].group == "Alla medarbetare"
    [block] = settings.blocks
    assert block.title_in(Language.SV) == "Lärtimmen"
    assert block.title_in(Language.EN) == "Learning hour"
    assert block.at == time(9)
    assert block.rules() == (Weekly(Weekday.THURSDAY),)
    assert (block.from_, block.until, block.reminder) == (date(2026, 12, 1), None, 10)
    assert (settings.guard.share, settings.guard.count) == (30, 10)


def test_an_unquoted_time_is_the_same_time() -> None:
    assert read(EXAMPLE.replace('"09:00"', "09:00")) == read(EXAMPLE)


def test_a_declared_yaml_1_1_changes_no_value() -> None:
    unquoted = EXAMPLE.replace('"09:00"', "09:00").replace("Fjällvik AB", "on")
    assert read(f"%YAML 1.1\n---\n{unquoted}") == read(unquoted)


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert read(EXAMPLE.encode("utf-8-sig")) == read(EXAMPLE)


def test_windows_line_ends_count_as_one_line_each() -> None:
    broken = EXAMPLE.replace("thursday", "thorsday")
    assert problems(broken.replace("\n", "\r\n").encode()) == problems(broken)


def test_a_windows_zone_is_kept_as_written_and_known_by_its_iana_name() -> None:
    settings = read(EXAMPLE.replace("Europe/Stockholm ", "W. Europe Standard Time "))
    assert settings.organization.time_zone == "W. Europe Standard Time"
    assert settings.organization.zone == "Europe/Berlin"


def test_two_blocks_may_touch_and_may_take_turns() -> None:
    block = EXAMPLE[EXAMPLE.index("  - id: lartimmen") :]
    after = block.replace("lartimmen", "kodtimmen").replace('"09:00"', '"10:00"')
    assert len(read(EXAMPLE + after).blocks) == 2
    before = block.replace("lartimmen", "kodtimmen").replace(
        "from: 2026-12-01 ", "from: 2026-09-01\n    until: 2026-11-30 "
    )
    assert len(read(EXAMPLE + before).blocks) == 2


def test_a_block_may_end_at_midnight_or_when_the_clocks_change() -> None:
    assert read(EXAMPLE.replace("09:00", "23:00")).blocks[0].at == time(23)
    assert read(EXAMPLE.replace("09:00", "01:00")).blocks[0].at == time(1)
    assert read(EXAMPLE.replace("09:00", "03:00")).blocks[0].at == time(3)


@pytest.mark.parametrize("at", ["02:00", "02:15", "02:59"])
def test_a_block_may_not_begin_in_the_hour_that_comes_twice_or_never(at: str) -> None:
    [told] = problems(EXAMPLE.replace("09:00", at))
    assert f'"{at}" is in the hour that is missing or doubled when clocks change' in told


def test_a_block_may_last_one_day() -> None:
    [block] = read(EXAMPLE.replace("from: 2026-12-01 ", "from: 2026-12-03\n    until: 2026-12-03 ")).blocks
    assert block.from_ == block.until == date(2026, 12, 3)


class TestEnvironment:
    def test_it_stands_above_the_file(self) -> None:
        settings = read(
            EXAMPLE,
            HOLDFAST_TENANT_ID="00000000-0000-4000-8000-000000000001",
            HOLDFAST_CLIENT_ID="00000000-0000-4000-8000-000000000002",
            HOLDFAST_CLOUD="china",
            HOLDFAST_CREDENTIAL="certificate",
        )
        assert str(settings.tenant.tenant_id).endswith("1")
        assert str(settings.tenant.client_id).endswith("2")
        assert settings.tenant.cloud is Cloud.CHINA
        assert settings.tenant.credential is Credential.CERTIFICATE

    def test_it_can_be_all_there_is(self) -> None:
        text = EXAMPLE[: EXAMPLE.index("tenant:")] + EXAMPLE[EXAMPLE.index("audiences:") :]
        settings = read(
            text,
            HOLDFAST_TENANT_ID="00000000-0000-4000-8000-000000000001",
            HOLDFAST_CREDENTIAL="managed-identity",
        )
        assert settings.tenant.client_id is None

    def test_it_can_say_where_graph_is_to_tell_of_changes(self) -> None:
        assert read(EXAMPLE).tenant.notification_url is None
        assert read(EXAMPLE).tenant.lifecycle_url is None
        tenant = read(EXAMPLE, HOLDFAST_NOTIFICATION_URL="https://holdfast.example:8443/api/notifications").tenant
        assert tenant.notification_url == "https://holdfast.example:8443/api/notifications"
        assert tenant.lifecycle_url == "https://holdfast.example:8443/api/lifecycle"
        [told] = problems(EXAMPLE, HOLDFAST_NOTIFICATION_URL="https://holdfast.example")
        assert "from the environment variable HOLDFAST_NOTIFICATION_URL, does not end in /notifications" in told

    def test_an_empty_variable_is_none(self) -> None:
        assert read(EXAMPLE, HOLDFAST_TENANT_ID="") == read(EXAMPLE)

    def test_a_bad_value_is_told_with_its_variable(self) -> None:
        [told] = problems(EXAMPLE, HOLDFAST_CLOUD="globe")
        assert told == (
            'settings.yaml:9:1  tenant.cloud  "globe", from the environment variable HOLDFAST_CLOUD, is not a '
            "Microsoft cloud. Did you mean global? Allowed: global, gcc-high, dod, china"
        )

    def test_a_missing_value_is_told_with_its_variable(self) -> None:
        text = EXAMPLE.replace("  tenant_id: 3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b\n", "")
        [told] = problems(text)
        assert told.startswith("settings.yaml:9:1  tenant.tenant_id  is missing.")
        assert told.endswith("or set the environment variable HOLDFAST_TENANT_ID")


SECRET = "Qk98Q~hush-hush_hush.hush~and3AbCdEfGhIj"
"""Of the length and the letters that Entra gives its secrets."""


@pytest.mark.parametrize("key", ["tenant_id", "client_id", "cloud", "credential"])
def test_a_secret_in_the_place_of_something_else_is_not_repeated_either(key: str) -> None:
    lines = [f"  {key}: {SECRET}" if line.strip().startswith(f"{key}:") else line for line in EXAMPLE.splitlines()]
    text = "\n".join(lines) if key != "cloud" else EXAMPLE.replace("  credential:", f"  cloud: {SECRET}\n  credential:")
    [told] = problems(text)
    assert f"tenant.{key}" in told
    assert "hush" not in told
    [told] = problems(EXAMPLE, **{f"HOLDFAST_{key.upper()}": SECRET})
    assert f"HOLDFAST_{key.upper()}" in told
    assert "hush" not in told


def test_a_mistyped_guid_is_no_secret() -> None:
    [told] = problems(EXAMPLE.replace("3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b", "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6"))
    assert '"3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6" is not a GUID' in told


def test_a_secret_in_the_file_is_never_repeated() -> None:
    for broken in (
        "  client_secret: hush-hush",
        "  hush-hush-client-secret-and-more: x",
        "  credential: hush-hush-hush-hush-hush",
    ):
        text = EXAMPLE.replace("  credential: secret ", broken + "\n  # ")
        assert not any("hush-hush-hush" in told or '"hush-hush"' in told for told in problems(text))


def test_a_file_too_large_is_refused_unread() -> None:
    [told] = problems("#" * 300_000)
    assert "larger than 256 KiB" in told


class TestFingerprint:
    def test_it_does_not_see_comments_order_or_written_defaults(self) -> None:
        body = "\n".join(line.split(" #")[0] for line in EXAMPLE.splitlines() if not line.startswith("#"))
        head, blocks = body[: body.index("blocks:")], body[body.index("blocks:") :]
        assert fingerprint(read(f"{blocks}\nguard: {{count: 10, share: 30}}\n{head}")) == fingerprint(read(EXAMPLE))

    def test_it_does_not_see_how_one_signs_in(self) -> None:
        assert fingerprint(read(EXAMPLE, HOLDFAST_CREDENTIAL="managed-identity")) == fingerprint(read(EXAMPLE))

    @pytest.mark.parametrize(
        ("old", "new"),
        [("60", "45"), ("mode: watch", "mode: keep"), ("Lärtimmen", "Lärstunden"), ("medarbetare", "chefer")],
    )
    def test_it_sees_what_is_approved(self, old: str, new: str) -> None:
        assert fingerprint(read(EXAMPLE.replace(old, new))) != fingerprint(read(EXAMPLE))

    def test_it_stays_the_same_over_releases(self) -> None:
        assert fingerprint(read(EXAMPLE)) == "e8f20b3493480fb2"


@given(settings_strategy())
def test_settings_to_text_to_settings_is_lossless(settings: Settings) -> None:
    again = read(dump(settings))
    assert again == settings
    assert fingerprint(again) == fingerprint(settings)


LINES = EXAMPLE.splitlines(keepends=True)
PIECES = [
    "&a ",
    "*a",
    "<<: ",
    "- ",
    "\t",
    "  ",
    ": ",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    "|\n",
    "!!x ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
]
PIECES += [
    "? ",
    "~",
    "null",
    "12",
    "1.5",
    "1e9",
    "true",
    "#",
    "\\",
    '"\\U11111111"',
    '"\\ud800"',
    "\u2028",
    "\x85",
    "\ufeff",
    "\x00",
]


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """The example with lines taken out, doubled, swapped and pieces of YAML thrown in."""
    text = draw(st.lists(st.sampled_from(LINES), max_size=40)) if draw(st.booleans()) else list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(text) - 1, 0)))
        line = text[at] if text else ""
        cut = draw(st.integers(0, len(line)))
        text[at : at + 1] = [
            line[:cut] + draw(st.sampled_from(PIECES) | st.text(max_size=5)) + line[cut + draw(st.integers(0, 9)) :]
        ]
    return "".join(text)


def outcome(text: str | bytes) -> Settings | SettingsError:
    """What parse makes of a text: the one or the other, and nothing else."""
    try:
        return read(text)
    except SettingsError as error:
        return error


@given(mangled() | st.text() | st.binary() | mangled().map(lambda text: text.encode("utf-16")))
def test_any_text_is_settings_or_an_error_with_places(text: str | bytes) -> None:
    found = outcome(text)
    if isinstance(found, Settings):
        assert read(dump(found)) == found
        return
    shown = text if isinstance(text, str) else text.decode("utf-8-sig", errors="replace")
    assume(
        "%YAML" not in shown or not set(shown) & set("\x85\u2028\u2029")
    )  # YAML 1.1 begins lines that editors do not
    lines = re.split("\r\n|[\n\r]", shown)
    assert found.problems
    for problem in found.problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert str(problem).isprintable()
    assert list(found.problems) == sorted(found.problems, key=lambda problem: (problem.line, problem.column))
    assert str(found).encode()


VALUE = re.compile(r'^"(?P<text>[^"\\…]*)"(?! \(not shown)')


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_problem_stands_where_it_says(path: Path) -> None:
    """A message that begins with what was found points at it; one about a key begins with the key's last name."""
    found = outcome(path.read_bytes())
    assert isinstance(found, SettingsError)
    lines = path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
    for problem in found.problems:
        quoted = VALUE.match(problem.message)
        if quoted:
            rest = lines[problem.line - 1][problem.column - 1 :].lstrip("\"'")
            assert rest.startswith(quoted["text"])
