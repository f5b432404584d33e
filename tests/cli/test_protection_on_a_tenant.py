"""What people do in Outlook with their blocks, and how the next sweep answers, on a pretend tenant over TLS."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.cli.protected import PEOPLE, Office
from tests.tenants import untagged

FIRST, SECOND, THIRD, FOURTH = (date(2026, 12, 3) + timedelta(weeks=week) for week in range(4))


IN_PLACE = ["09:00-10:00 busy"]


def test_strict_holds_every_date_and_gives_way_the_second_time(protected: Office) -> None:
    protected.settle("protection: strict")
    theirs = untagged(protected.tenant)
    person = protected.somebody
    person.delete(protected.event_id(FIRST))
    person.move(protected.event_id(SECOND), datetime(2026, 12, 10, 13, tzinfo=UTC))
    person.show_as(protected.event_id(THIRD), "free")
    person.resize(protected.event_id(FOURTH), 20)
    swept = protected.told("sweep")
    assert [protected.stands(day) for day in (FIRST, SECOND, THIRD, FOURTH)] == [IN_PLACE] * 4
    assert swept["protected"] == {"deleted, put back": 1, "moved, put back": 2, "set free, put back": 1}
    assert swept["states"]["held"] == PEOPLE
    assert swept["writes"] == protected.tenant.counts.writes == 4
    assert protected.told("sweep")["writes"] == 0

    person.delete(protected.event_id(FIRST))
    for _ in range(2):
        assert protected.told("sweep")["writes"] == 0
        assert protected.stands(FIRST) == []
    assert untagged(protected.tenant) == theirs
    assert protected.tenant.counts.mails == 0


def test_movable_lets_a_few_dates_go_and_holds_the_rest(protected: Office) -> None:
    protected.settle("protection: movable, moves_per_quarter: 2")
    person = protected.somebody
    person.move(protected.event_id(FIRST), datetime(2026, 12, 4, 12, tzinfo=UTC))
    for day in (SECOND, THIRD):
        person.delete(protected.event_id(day))
    swept = protected.told("sweep")
    assert protected.stands(date(2026, 12, 4)) == ["13:00-14:00 busy"]
    assert [protected.stands(day) for day in (FIRST, SECOND, THIRD)] == [[], [], IN_PLACE]
    assert swept["protected"] == {
        "deleted, let go": 1,
        "deleted, put back": 1,
        "moved, kept where it was moved to": 1,
    }


def test_soft_and_days_out_of_office_are_left_alone(protected: Office) -> None:
    protected.settle("protection: strict")
    person = protected.somebody
    person.be_away(FIRST)
    person.delete(protected.event_id(FIRST))
    assert protected.told("sweep")["protected"] == {"deleted, excused": 1}
    assert protected.stands(FIRST) == []
    protected.settle("protection: soft")
    person.delete(protected.event_id(SECOND))
    assert protected.told("sweep")["protected"] == {}
    assert protected.stands(SECOND) == []


def test_a_deleted_series_comes_back_once_and_then_when_somebody_asks_again(protected: Office) -> None:
    protected.settle("protection: movable")
    person = protected.somebody
    for back in (IN_PLACE, []):
        person.delete_series(protected.series_id(FIRST))
        protected.told("sweep")
        assert protected.stands(FIRST) == back
    protected.told("apply", "--yes")
    assert protected.stands(FIRST) == []
    protected.told("apply", "--yes", "--ask-again")
    assert protected.stands(FIRST) == IN_PLACE


def test_a_repair_tells_whether_blocks_are_held_and_not_what_was_done_with_them(protected: Office) -> None:
    protected.settle("protection: strict")
    person = protected.somebody
    person.delete(protected.event_id(FIRST))
    result = protected.desk.run("repair", person.account.address)
    assert result.exit_code == 0, result.output
    assert protected.stands(FIRST) == IN_PLACE
    assert result.stdout.splitlines()[0] == f"{person.account.address}: held"
    assert "deleted" not in result.stdout
    person.delete_series(protected.series_id(SECOND))
    told = protected.told("repair", person.account.address)
    assert told == {
        "mailbox": person.account.address,
        "state": "held",
        "complete": True,
        "note": "",
        "problems": [],
    }


def test_a_copy_is_nobodys_block_and_stays(protected: Office) -> None:
    protected.settle("protection: strict")
    person = protected.somebody
    person.copy(protected.event_id(FIRST), datetime(2026, 12, 3, 14, tzinfo=UTC))
    assert protected.told("sweep")["writes"] == 0
    assert protected.stands(FIRST) == ["09:00-10:00 busy", "15:00-16:00 busy"]


def test_what_is_remembered_names_nobody(protected: Office, tmp_path: Path) -> None:
    protected.settle("protection: strict")
    person = protected.somebody
    person.delete(protected.event_id(FIRST))
    protected.told("sweep")
    with sqlite3.connect(tmp_path / "holdfast.db") as raw:
        ((who, told),) = raw.execute("select who, touches from touches").fetchall()
    raw.close()
    assert person.account.id not in who + told
    assert person.account.address not in who + told
    assert oct((tmp_path / "holdfast.key").stat().st_mode & 0o777) == "0o600"
