"""The commands on a pretend tenant over TLS, with the real msal and msgraph-sdk. The tenant's own word counts."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from holdfast.cli.init import example
from holdfast.core.settings import Language
from sandbox import Tenant
from sandbox.mailbox import Found
from tests.cli.command import Desk
from tests.tenants import Served, blocks, series, untagged

PEOPLE = 12


@pytest.fixture
def tenant(served: Served) -> Tenant:
    return served.firm(PEOPLE)


@pytest.fixture
def desk(tmp_path: Path, served: Served, tenant: Tenant) -> Desk:
    """An admin's desk: the Swedish example, as ``init`` writes it, and an environment that names the tenant."""
    desk = Desk(tmp_path, served.environment(tenant))
    desk.write(example(Language.SV).replace("from: 2026-12-01", "from: 2026-01-01"))
    return desk


def members(tenant: Tenant) -> int:
    return len({one.id for one in tenant.everyone.transitive_members() if one in tenant.accounts})


def everybody_has_one(tenant: Tenant) -> None:
    assert [series(one) for one in tenant.accounts if one.mailbox] == [
        int(one in tenant.employees) for one in tenant.accounts if one.mailbox
    ]


def test_check_finds_all_in_place(desk: Desk) -> None:
    result = desk.run("check")
    assert result.exit_code == 0, result.output
    assert "All is in place" in result.stdout
    assert json.loads(desk.run("check", "--json").stdout)["ok"] is True


def test_plan_apply_plan(desk: Desk, tenant: Tenant) -> None:
    theirs = untagged(tenant)
    planned = desk.run("plan", "--detailed-exitcode")
    assert planned.exit_code == 3
    assert f"a new series for {PEOPLE} people" in planned.stdout
    assert f"{PEOPLE} Graph writes, 0 mails" in planned.stdout
    assert tenant.counts.writes == 0

    applied = desk.run("apply", "--yes", "--json")
    assert applied.exit_code == 0
    report = json.loads(applied.stdout)
    assert report["audience"] == sum(report["states"].values()) == members(tenant)
    assert report["states"]["changed"] == PEOPLE == report["writes"] == tenant.counts.writes
    assert report["states"]["excused"] == members(tenant) - PEOPLE
    everybody_has_one(tenant)

    again = desk.run("plan", "--detailed-exitcode")
    assert again.exit_code == 0
    assert "Nothing to do" in again.stdout
    assert json.loads(desk.run("apply", "--json").stdout)["writes"] == 0
    assert tenant.counts.writes == PEOPLE
    assert tenant.counts.mails == 0
    assert untagged(tenant) == theirs


def test_the_block_stands_where_the_settings_say_all_the_year(desk: Desk, tenant: Tenant) -> None:
    desk.run("apply", "--yes")
    stockholm = ZoneInfo("Europe/Stockholm")
    standing = blocks(tenant, tenant.employees[0])
    assert len(standing) == 26
    for begins, ends in standing:
        wall = begins.astimezone(stockholm)
        assert (wall.weekday(), wall.hour, wall.minute) == (3, 9, 0)
        assert ends - begins == timedelta(hours=1)
    assert all(later[0] > earlier[0] for earlier, later in itertools.pairwise(standing))


def test_what_a_person_sees_in_outlook(desk: Desk, tenant: Tenant) -> None:
    desk.run("apply", "--yes")
    mailbox = tenant.employees[0].mailbox
    assert mailbox is not None
    (event,) = [event for event in mailbox.events if event.tags]
    seen = mailbox.seen(Found(event, None)).value
    assert seen("subject") == "Lärtimmen"
    assert seen("categories") == ["Lärande"]
    assert seen("showAs") == "busy"
    assert (seen("isReminderOn"), seen("reminderMinutesBeforeStart")) == (True, 10)
    assert (seen("responseRequested"), seen("allowNewTimeProposals")) == (False, False)
    assert not seen("attendees")
    assert "Alla använder AI i vardagen" in str(seen("body"))
    assert event.when.zone == "W. Europe Standard Time"


def test_a_reviewed_plan_is_applied_exactly(desk: Desk, tenant: Tenant) -> None:
    assert desk.run("plan", "--out", "plan.json").exit_code == 0
    plan = json.loads(desk.read("plan.json"))
    assert len(plan["changes"]) == plan["writes"] == PEOPLE
    result = desk.run("apply", "--plan", "plan.json", "--yes")
    assert result.exit_code == 0
    assert plan["checksum"] in result.stdout
    everybody_has_one(tenant)


def test_a_reviewed_plan_that_no_longer_holds_says_what_changed_and_writes_nothing(desk: Desk, tenant: Tenant) -> None:
    desk.run("plan", "--out", "plan.json")
    leaver, joiner = tenant.employees[0], tenant.add_account("Nya", "Nyman", "nya.nyman@fjallvik.example")
    for group in tenant.groups:
        if leaver in group.members:
            group.members.remove(leaver)
    tenant.everyone.members.append(joiner)
    result = desk.run("apply", "--plan", "plan.json", "--yes")
    assert result.exit_code == 1
    assert f"no longer: {leaver.address}, create" in result.stderr
    assert "now: nya.nyman@fjallvik.example, create" in result.stderr
    assert "Nothing was written" in result.stderr
    assert tenant.counts.writes == 0


def test_a_plan_file_that_was_edited_is_refused(desk: Desk, tenant: Tenant) -> None:
    desk.run("plan", "--out", "plan.json")
    plan = json.loads(desk.read("plan.json"))
    plan["changes"] = plan["changes"][:-1]
    desk.write(json.dumps(plan), "plan.json")
    result = desk.run("apply", "--plan", "plan.json", "--yes")
    assert result.exit_code == 2
    assert "was edited after it was made" in result.stderr
    assert tenant.counts.writes == 0


def test_a_plan_made_for_other_settings_is_refused(desk: Desk, tenant: Tenant) -> None:
    desk.run("plan", "--out", "plan.json")
    desk.write(desk.read().replace('at: "09:00"', 'at: "10:00"'))
    result = desk.run("apply", "--plan", "plan.json", "--yes")
    assert result.exit_code == 1
    assert "settings have been edited" in result.stderr
    assert tenant.counts.writes == 0


def test_beginning_with_one_person_approves_nothing(desk: Desk, tenant: Tenant) -> None:
    one = tenant.employees[3]
    result = desk.run("apply", "--only", one.address, "--yes")
    assert result.exit_code == 0
    assert [account for account in tenant.employees if series(account)] == [one]
    assert json.loads(desk.run("status", "--json").stdout)["approved"] is None
    assert json.loads(desk.run("apply", "--yes", "--json").stdout)["writes"] == PEOPLE - 1
    everybody_has_one(tenant)


def test_a_misspelt_person_is_told_with_the_nearest_name(desk: Desk, tenant: Tenant) -> None:
    address = tenant.employees[0].address
    result = desk.run("apply", "--only", address.replace("@", "x@"), "--yes")
    assert result.exit_code == 2
    assert f"Did you mean {address}?" in result.stderr


def test_a_plan_for_one_person_is_applied_to_that_person(desk: Desk, tenant: Tenant) -> None:
    one, other = tenant.employees[:2]
    desk.run("plan", "--only", one.address, "--out", "plan.json")
    refused = desk.run("apply", "--plan", "plan.json", "--only", other.address, "--yes")
    assert refused.exit_code == 2
    assert desk.run("apply", "--plan", "plan.json", "--yes").exit_code == 0
    assert [account for account in tenant.employees if series(account)] == [one]


def test_nobody_is_asked_without_a_terminal_and_nothing_is_written(desk: Desk, tenant: Tenant) -> None:
    for command in ("apply", "remove"):
        desk.run("apply", "--yes") if command == "remove" else None
        before = tenant.counts.writes
        result = desk.run(command)
        assert result.exit_code == 2
        assert "--yes" in result.stderr
        assert tenant.counts.writes == before


def test_remove_and_apply_again(desk: Desk, tenant: Tenant) -> None:
    desk.run("apply", "--yes")
    theirs = untagged(tenant)
    removed = desk.run("remove", "--yes", "--json")
    assert removed.exit_code == 0
    assert json.loads(removed.stdout)["states"]["changed"] == PEOPLE
    assert not any(blocks(tenant, one) for one in tenant.employees)
    assert "0 people known" in desk.run("status").stdout
    assert json.loads(desk.run("apply", "--yes", "--json").stdout)["writes"] == PEOPLE
    everybody_has_one(tenant)
    assert desk.run("plan", "--detailed-exitcode").exit_code == 0
    assert untagged(tenant) == theirs
    assert tenant.counts.mails == 0


def test_a_lost_state_is_found_again_in_the_calendars(desk: Desk, tenant: Tenant) -> None:
    desk.write(desk.read().replace("mode: watch", "mode: keep"))
    desk.run("apply", "--yes")
    before = tenant.counts.writes
    for path in desk.folder.glob("holdfast.db*"):
        path.unlink()
    swept = json.loads(desk.run("sweep", "--json").stdout)
    assert swept["states"]["held"] == PEOPLE
    assert swept["writes"] == 0
    assert "Nothing is approved yet" in swept["note"]
    assert f"{PEOPLE} people known" in desk.run("status").stdout
    assert json.loads(desk.run("apply", "--yes", "--json").stdout)["writes"] == 0
    assert tenant.counts.writes == before
    everybody_has_one(tenant)


def test_sweep_keeps_what_was_approved_and_an_edit_waits(desk: Desk, tenant: Tenant) -> None:
    desk.write(desk.read().replace("mode: watch", "mode: keep"))
    desk.run("apply", "--yes")
    mailbox = tenant.employees[0].mailbox
    assert mailbox is not None
    (event,) = [event for event in mailbox.events if event.tags]
    mailbox.delete_event(mailbox.id_of(event))
    desk.write(desk.read().replace('at: "09:00"', 'at: "10:00"'))
    swept = json.loads(desk.run("sweep", "--json").stdout)
    assert swept["writes"] == 2  # Exchange remembers the transactionId of the series that is gone, so the next is taken
    assert "waits for `holdfast apply`" in swept["note"]
    everybody_has_one(tenant)
    assert all(
        begins.astimezone(ZoneInfo("Europe/Stockholm")).hour == 9 for begins, _ in blocks(tenant, tenant.employees[0])
    )
    assert "waits for `holdfast apply`" in desk.run("status").stdout


def test_a_new_time_is_a_new_series_and_the_old_one_ends(desk: Desk, tenant: Tenant) -> None:
    desk.run("apply", "--yes")
    desk.write(desk.read().replace('at: "09:00"', 'at: "10:00"'))
    refused = desk.run("apply", "--yes")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert desk.run("apply", "--yes", "--force").exit_code == 0
    hours = {begins.astimezone(ZoneInfo("Europe/Stockholm")).hour for begins, _ in blocks(tenant, tenant.employees[0])}
    assert hours == {10}
    assert desk.run("plan", "--detailed-exitcode").exit_code == 0


@pytest.mark.parametrize(
    ("role", "what", "cure"),
    [
        ("GroupMember.Read.All", "Groups", "Grant GroupMember.Read.All"),
        ("User.Read.All", "Groups", "Grant User.Read.All"),
        ("MailboxSettings.Read", "Mailbox settings", "Grant MailboxSettings.Read"),
        ("Calendars.ReadWrite", "Calendar of", "Grant Calendars.ReadWrite"),
    ],
)
def test_a_missing_permission_is_named_by_check_and_by_plan(
    desk: Desk, tenant: Tenant, role: str, what: str, cure: str
) -> None:
    tenant.applications[0].roles.discard(role)
    checked = desk.run("check")
    assert checked.exit_code == 1
    assert f"FIX   {what}" in checked.stdout
    assert cure in checked.stdout
    planned = desk.run("plan")
    assert planned.exit_code == 1
    assert cure in planned.output
    assert tenant.counts.writes == 0


def test_a_wrong_secret_is_told_with_its_cure(desk: Desk) -> None:
    desk.variables["HOLDFAST_CLIENT_SECRET"] = "wrong"
    for command in ("check", "plan"):
        result = desk.run(command)
        assert result.exit_code == 1
        assert "AADSTS7000215" in result.output
        assert "HOLDFAST_CLIENT_SECRET takes the secret's value" in result.output


def test_signing_in_with_a_certificate(desk: Desk, tenant: Tenant) -> None:
    pem, public = certificate()
    (desk.folder / "key.pem").write_bytes(pem)
    tenant.applications[0].trust(public)
    del desk.variables["HOLDFAST_CLIENT_SECRET"]
    desk.variables |= {"HOLDFAST_CREDENTIAL": "certificate", "HOLDFAST_CERTIFICATE_PATH": "key.pem"}
    result = desk.run("check")
    assert result.exit_code == 0, result.output


def test_a_group_that_does_not_exist_is_told_before_anything_is_read(desk: Desk, tenant: Tenant) -> None:
    desk.write(desk.read().replace("group: Alla medarbetare", "group: Alla medarbetarna"))
    result = desk.run("plan")
    assert result.exit_code == 2
    assert "audiences.alla.group" in result.stderr
    assert tenant.counts.calls[("GET", "events")] == 0


def test_one_mailbox_that_may_not_be_read_stops_nobody(desk: Desk, tenant: Tenant) -> None:
    closed = tenant.employees[5]
    assert closed.mailbox is not None
    closed.mailbox.denied = True
    result = desk.run("apply", "--yes", "--json")
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    assert (report["states"]["changed"], report["states"]["unread"]) == (PEOPLE - 1, 1)
    (problem,) = report["problems"]
    assert problem["mailbox"] == closed.address
    assert problem["code"] == "ErrorAccessDenied"
    assert problem["cure"].startswith("Grant MailboxSettings.Read")
    assert problem["request_id"]


def test_verbose_logs_every_call_with_its_request_id(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    result = desk.run("--verbose", "plan", "--json")
    json.loads(result.stdout)
    lines = [line for line in (result.stderr + capsys.readouterr().err).splitlines() if "graph.batch" in line]
    assert lines
    assert all("client_request_id=" in line for line in lines)


def certificate() -> tuple[bytes, bytes]:
    """A key and a certificate in one PEM, and the certificate alone."""

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "holdfast")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    return private + public, public
