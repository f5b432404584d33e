"""What comes to the webhook: what Graph wrote is told from what anybody may have, and nothing makes it stumble."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.core.messages import BadMessage, Care, Heard, Hint
from holdfast.core.notices import (
    LONGEST_STATE,
    MOST_BYTES,
    MOST_HEARD,
    MOST_ITEMS,
    BadBody,
    Dropped,
    Told,
    TooMuch,
    client_state,
    mark,
    read,
    vouched,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TENANT = "3f2b8c1e-5d4a-4e0f-9b7a-1c2d3e4f5a6b"
ANNA, BO = "5c1e0000-0000-4000-8000-00000000000a", "5c1e0000-0000-4000-8000-00000000000b"
TODAY, BEFORE, STRANGERS = (name.encode() * 8 for name in ("today", "before", "stranger"))
KEYS = (TODAY, BEFORE)
SUBSCRIPTION = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"

DEEP = b"[" * 100_000
mailboxes = st.uuids().map(str) | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,60}", fullmatch=True)
keys = st.binary(min_size=32, max_size=64)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
PROPERTIES = ("clientState", "tenantId", "resource", "changeType", "lifecycleEvent", "subscriptionId", "resourceData")


def change(mailbox: str = ANNA, event: str = "AAMk1", key: bytes = TODAY, **more: Any) -> dict[str, Any]:
    """An item as Graph sends it; a property that is None is left out."""
    item = {
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2026-12-01T08:00:00Z",
        "changeType": "updated",
        "resource": f"Users/{mailbox}/Events/{event}",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "@odata.etag": 'W/"CQAA"', "id": event},
        "clientState": client_state(mailbox, tenant=TENANT, key=key),
        "tenantId": TENANT,
        **more,
    }
    return {name: value for name, value in item.items() if value is not None}


def lifecycle(event: str, mailbox: str = ANNA, **more: Any) -> dict[str, Any]:
    return change(mailbox, changeType=None, resource=None, resourceData=None, lifecycleEvent=event, **more)


def told(*items: Any, keys: tuple[bytes, ...] = KEYS, tenant: str = TENANT) -> Told:
    return read(json.dumps({"value": items}).encode(), tenant=tenant, keys=keys, at=NOON)


class TestClientState:
    @given(mailbox=mailboxes, today=keys, before=keys, renewed=st.booleans())
    def test_is_known_under_todays_key_and_the_one_before(
        self, mailbox: str, today: bytes, before: bytes, *, renewed: bool
    ) -> None:
        state = client_state(mailbox, tenant=TENANT, key=today if renewed else before)
        assert vouched(state, tenant=TENANT, keys=(today, before)) == mailbox
        assert len(state) <= LONGEST_STATE
        assert state.isascii()

    @given(mailboxes, keys, keys)
    def test_is_not_known_under_another(self, mailbox: str, key: bytes, other: bytes) -> None:
        state = client_state(mailbox, tenant=TENANT, key=key)
        assert vouched(state, tenant=TENANT, keys=(other,)) == (mailbox if key == other else None)
        assert vouched(state, tenant="another", keys=(key,)) is None
        assert vouched(state, tenant=TENANT, keys=()) is None

    @given(mailboxes, mailboxes)
    def test_of_one_mailbox_vouches_for_no_other(self, mailbox: str, other: str) -> None:
        signature = client_state(mailbox, tenant=TENANT, key=TODAY).rpartition(".")[2]
        assert vouched(f"{other}.{signature}", tenant=TENANT, keys=KEYS) == (mailbox if mailbox == other else None)

    @given(st.text())
    @example("")
    @example(".")
    @example("å.å")
    @example("\ud800.x")
    def test_of_nobodys_vouches_for_nothing(self, text: str) -> None:
        assert vouched(text, tenant=TENANT, keys=KEYS) is None

    @pytest.mark.parametrize("mailbox", ["", "x" * 85, "a b", "å", "../x", ".x"])
    def test_is_made_for_mailboxes_alone(self, mailbox: str) -> None:
        with pytest.raises(ValueError, match="mailbox"):
            client_state(mailbox, tenant=TENANT, key=TODAY)

    def test_its_key_is_of_its_own(self) -> None:
        tenant, mailbox = TENANT.encode(), ANNA.encode()
        plain = hmac.digest(TODAY, len(tenant).to_bytes(4, "big") + tenant + mailbox, "sha256")
        signature = client_state(ANNA, tenant=TENANT, key=TODAY).rpartition(".")[2]
        assert base64.urlsafe_b64decode(signature + "=") != plain
        assert mark("https://a.example", key=TODAY) != hmac.digest(TODAY, b"https://a.example", "sha256")[:8].hex()

    def test_a_mark_tells_keys_and_addresses_apart(self) -> None:
        marks = {mark(url, key=key) for url in ("https://a.example", "https://b.example") for key in KEYS}
        assert len(marks) == 4
        assert not any(mark in client_state(ANNA, tenant=TENANT, key=TODAY) for mark in marks)


class TestBodies:
    def test_a_change_is_a_hint_at_its_event(self) -> None:
        assert told(change()).hints == (Hint(ANNA, NOON, (Heard("AAMk1", "updated", 'W/"CQAA"'),)),)
        assert told(change(key=BEFORE)).hints == told(change()).hints

    @pytest.mark.parametrize(
        "resource",
        [
            f"Users/{ANNA}/Events/AAMk1",
            f"users/{ANNA.upper()}/events/AAMk1",
            f"/users/{ANNA}/events/AAMk1",
            f"Users('{ANNA}')/Events('AAMk1')",
        ],
    )
    def test_an_address_is_written_in_many_ways(self, resource: str) -> None:
        assert told(change(resource=resource)).hints == told(change()).hints

    def test_what_shares_a_request_is_one_hint_for_each_mailbox(self) -> None:
        found = told(change(event="1"), change(BO), change(event="2"), change(event="1"), change(event="1"))
        assert [(hint.mailbox, [one.event_id for one in hint.heard]) for hint in found.hints] == [
            (ANNA, ["1", "2"]),
            (BO, ["AAMk1"]),
        ]

    @pytest.mark.parametrize(("count", "heard"), [(MOST_HEARD, MOST_HEARD), (MOST_HEARD + 1, 0)])
    def test_many_changes_are_a_hint_at_everything(self, count: int, heard: int) -> None:
        (hint,) = told(*(change(event=f"e{number}") for number in range(count))).hints
        assert len(hint.heard) == heard

    def test_a_hint_at_everything_takes_in_what_was_heard(self) -> None:
        assert told(change(), lifecycle("missed"), change(event="2")).hints == (Hint(ANNA, NOON),)

    @pytest.mark.parametrize("event", ["x" * 513, "\ud800", "a b", 5, None, ["x"]])
    def test_what_is_graphs_and_cannot_be_read_is_a_hint_at_everything(self, event: object) -> None:
        assert told(change(resourceData={"id": event})).hints == (Hint(ANNA, NOON),)

    def test_without_data_the_address_tells_the_event(self) -> None:
        assert told(change(resourceData=None)).hints == (Hint(ANNA, NOON, (Heard("AAMk1", "updated"),)),)
        assert told(change(resourceData="?", event="AAMk=2")).hints[0].heard == (Heard("AAMk=2", "updated"),)

    def test_what_becomes_of_subscriptions(self) -> None:
        found = told(
            lifecycle("missed", BO),
            lifecycle("reauthorizationRequired"),
            lifecycle("reauthorizationRequired"),
            lifecycle("subscriptionRemoved"),
        )
        assert found.hints == (
            Hint(BO, NOON),
            Hint(ANNA, NOON, care=Care.RENEW, subscription=SUBSCRIPTION),
            Hint(ANNA, NOON, care=Care.REPLACE, subscription=SUBSCRIPTION),
        )
        assert [hint.tells_of_touches for hint in found.hints] == [True, False, True]
        assert [Hint.parse(hint.text()) for hint in found.hints] == list(found.hints)

    @pytest.mark.parametrize(
        ("item", "why"),
        [
            (change(clientState=None), Dropped.FORGED),
            (change(clientState=""), Dropped.FORGED),
            (change(clientState=7), Dropped.FORGED),
            (change(clientState=ANNA), Dropped.FORGED),
            (change(clientState="b0f3"), Dropped.FORGED),
            (change(clientState="x" * 500_000), Dropped.FORGED),
            (change(key=STRANGERS), Dropped.FORGED),
            (change(tenantId=None), Dropped.FORGED),
            (change(tenantId="84bd0000-0000-4000-8000-000000000000"), Dropped.FORGED),
            (change(resource=f"Users/{BO}/Events/AAMk1"), Dropped.FORGED),
            (change(resource=f"Users/{ANNA}/Messages/AAMk1"), Dropped.STRANGE),
            (change(resource=f"Users/{ANNA}"), Dropped.STRANGE),
            (change(resource=None), Dropped.STRANGE),
            (change(resource=[ANNA]), Dropped.STRANGE),
            (change(changeType="renamed"), Dropped.STRANGE),
            (change(changeType=["updated"]), Dropped.STRANGE),
            (change(changeType=None), Dropped.STRANGE),
            (lifecycle("somethingNew"), Dropped.STRANGE),
            (lifecycle("subscriptionRemoved", subscriptionId=None), Dropped.STRANGE),
            (lifecycle("subscriptionRemoved", subscriptionId="a/b"), Dropped.STRANGE),
            (lifecycle("missed", clientState="b0f3"), Dropped.FORGED),
            (7, Dropped.STRANGE),
            ([change()], Dropped.STRANGE),
        ],
    )
    def test_what_does_not_fit_is_counted_and_the_rest_is_told(self, item: object, why: Dropped) -> None:
        found = told(item, change(BO))
        assert found.dropped == {why: 1}
        assert [hint.mailbox for hint in found.hints] == [BO]

    @pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{}", b"7", b'{"value": {}}', b"\xff\xfe", DEEP, b"9" * 5000])
    def test_what_is_no_notification(self, body: bytes) -> None:
        with pytest.raises(BadBody) as caught:
            read(body, tenant=TENANT, keys=KEYS, at=NOON)
        assert caught.value.args == ()
        assert caught.value.__cause__ is None

    def test_what_is_too_much(self) -> None:
        item = change()
        assert told(*[item] * MOST_ITEMS).hints == told(item).hints
        with pytest.raises(TooMuch):
            told(*[item] * (MOST_ITEMS + 1))
        with pytest.raises(TooMuch):
            read(b" " * (MOST_BYTES + 1), tenant=TENANT, keys=KEYS, at=NOON)
        assert read(b'{"value": []}'.ljust(MOST_BYTES), tenant=TENANT, keys=KEYS, at=NOON) == Told()

    @given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
    def test_no_bytes_make_it_stumble(self, body: bytes) -> None:
        try:
            found = read(body, tenant=TENANT, keys=KEYS, at=NOON)
        except (BadBody, TooMuch):
            return
        assert not found.hints

    @given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(PROPERTIES, json_values)), max_size=4))
    def test_items_that_anybody_made_up_are_all_counted_and_tell_nothing(self, items: list[dict[str, Any]]) -> None:
        found = told(*items)
        assert not found.hints
        assert sum(found.dropped.values()) == len(items)

    @given(st.sampled_from(PROPERTIES[2:]), json_values)
    def test_what_is_signed_can_hold_anything_and_its_message_can_be_read_again(self, name: str, value: object) -> None:
        found = told({**change(), name: value})
        assert len(found.hints) + sum(found.dropped.values()) == 1
        for hint in found.hints:
            assert hint.mailbox == ANNA
            assert Hint.parse(hint.text().encode()) == hint
            assert len(hint.text().encode()) < 48 * 1024

    @given(st.integers(0, 79), st.characters())
    def test_no_other_character_is_let_pass(self, place: int, character: str) -> None:
        state = change()["clientState"]
        place %= len(state)
        changed = state[:place] + character + state[place + 1 :]
        assert bool(told(change(clientState=changed)).hints) == (changed == state)


def test_the_largest_hint_fits_into_a_message() -> None:
    items = [
        change(event=f"{number:03}" + "e" * 509, resource=f"Users/{ANNA}/Events/e") for number in range(MOST_HEARD)
    ]
    for item in items:
        item["resourceData"]["@odata.etag"] = "\\" * 256
    (hint,) = told(*items).hints
    assert len(hint.heard) == MOST_HEARD
    assert len(hint.text().encode()) < 48 * 1024


@pytest.mark.parametrize(
    "text",
    [
        '{"mailbox": "a", "at": "2026-11-24T12:00:00+00:00", "heard": [], "care": "drop", "subscription": "x"}',
        '{"mailbox": "a", "at": "2026-11-24T12:00:00+00:00", "heard": [], "care": "renew", "subscription": 7}',
    ],
)
def test_a_hint_that_asks_for_something_unknown_is_none(text: str) -> None:
    with pytest.raises(BadMessage):
        Hint.parse(text)
