"""A file of the version before is added to, and everything in it is kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from holdfast.jobs.ports import Run
from holdfast.store.sqlite import open_state
from tests.store.contract import ANNA, CILLA, EVERYTHING, KEY, NOON, TENANT, claimed, remember_everything, remembered
from tests.store.earlier import make_earlier

BEFORE_8 = """
    create table touches (tenant text, who text, first text, last text, touches text, primary key (tenant, who));
    create table sent (tenant text, who text, about text, at text, message text, primary key (tenant, who, about));
    create table sign_in (tenant text primary key, tokens blob, since text, used text);
    create table post (tenant text, channel text, period text, state text, at text, holder text, until text,
        message text, url text, hours text, primary key (tenant, channel, period));
    create table approval (tenant text primary key, fingerprint text, settings text, at text, groups text,
        complete text);
    create table placed (tenant text, mailbox text, address text, slots text, primary key (tenant, mailbox));
    create table known (tenant text, mailbox text, at text, series text, primary key (tenant, mailbox));
    create table profile (tenant text, mailbox text, at text, profile text, primary key (tenant, mailbox));
    create table choice (tenant text, block text, audience text, days text, at text,
        primary key (tenant, block, audience, days));
    create table facts (tenant text primary key, facts text);
    create table floor (tenant text, block text, generation integer, primary key (tenant, block));
    create table run (tenant text primary key, run text);
    insert into placed values ('t', 'id-anna', 'anna@fjallvik.example', '[["lartimmen", "9ac19ac1"]]');
    insert into floor values ('t', 'lartimmen', 4);
    pragma user_version = 7;
"""
"""The tables of version 7, with a little in them."""


async def test_what_was_remembered_before_runs_in_shards_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(BEFORE_8)
    with open_state(path, "t", KEY) as state:
        (placed,) = (await state.placed()).values()
        assert (placed.mailbox, placed.address, placed.audiences, placed.name) == (
            "id-anna",
            "anna@fjallvik.example",
            frozenset(),
            "",
        )
        assert await state.floors() == {"lartimmen": 4}
        await state.begin_run(Run("r-1", "sweep", NOON, {}))
        await state.place(replace(placed, name="Anna", audiences=frozenset({"alla"})))
    with open_state(path, "t", KEY) as state:
        assert await state.run("r-1") == Run("r-1", "sweep", NOON, {})
        assert await state.placed() == {"id-anna": replace(placed, name="Anna", audiences=frozenset({"alla"}))}


async def test_all_that_a_file_could_hold_before_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.db"
    with open_state(path, TENANT, KEY) as state:
        await remember_everything(state)
        assert await claimed(state, "note 1")
    make_earlier(path, 7)
    with open_state(path, TENANT, KEY) as state:
        plain = replace(ANNA, audiences=frozenset(), declines=frozenset(), name="")
        assert await remembered(state) == (EVERYTHING[0], {"id-anna": plain}, *EVERYTHING[2:])
        assert await state.sent(CILLA) == {"note 1": NOON}
