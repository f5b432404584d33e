"""Every status and code of ``graph-facts`` comes out as what the caller can do about it."""

from __future__ import annotations

from typing import Any

import pytest

from graph_client.errors import Answer, claims_of, code_of, error_of, gap_of
from graph_client.permissions import LIST_MEMBERS, READ_ACCOUNTS, READ_CALENDAR, WRITE_CALENDAR, Need
from holdfast.core import errors

TABLE = [
    (400, "ErrorPropertyValidationFailure", errors.Unexpected),
    (400, "ErrorInvalidIdMalformed", errors.Unexpected),
    (400, "TimeZoneNotSupportedException", errors.Unexpected),
    (400, "ErrorDuplicateTransactionId", errors.Duplicate),
    (409, "errorduplicatetransactionid", errors.Duplicate),
    (400, "ErrorOccurrenceCrossingBoundary", errors.Crossing),
    (400, "erroroccurrencecrossingboundary", errors.Crossing),
    (401, "InvalidAuthenticationToken", errors.NotSignedIn),
    (402, "", errors.Unexpected),
    (403, "ErrorAccessDenied", errors.Denied),
    (403, "Authorization_RequestDenied", errors.Denied),
    (404, "ErrorItemNotFound", errors.Gone),
    (404, "itemNotFound", errors.Gone),
    (404, "", errors.Gone),
    (404, "MailboxNotEnabledForRESTAPI", errors.NoMailbox),
    (404, "ErrorNonExistentMailbox", errors.NoMailbox),
    (404, "MailboxNotFound", errors.NoMailbox),
    (404, "ErrorInvalidUser", errors.NoMailbox),
    (404, "Request_ResourceNotFound", errors.NoMailbox),
    (404, "ResourceNotFound", errors.NoMailbox),
    (405, "Request_BadRequest", errors.Unexpected),
    (409, "ErrorIrresolvableConflict", errors.Conflict),
    (410, "syncStateNotFound", errors.Gone),
    (412, "ErrorIrresolvableConflict", errors.Conflict),
    (413, "RequestEntityTooLarge", errors.Unexpected),
    (423, "", errors.Unexpected),
    (424, "", errors.Unexpected),
    (429, "ApplicationThrottled", errors.Throttled),
    (500, "ErrorInternalServerError", errors.Unreachable),
    (501, "NotImplemented", errors.Unexpected),
    (502, "", errors.Unreachable),
    (503, "serviceNotAvailable", errors.Unreachable),
    (504, "UnknownError", errors.Unreachable),
    (507, "quotaLimitReached", errors.Unexpected),
    (509, "", errors.Unreachable),
    (0, "", errors.Unreachable),
    (302, "", errors.Unexpected),
]


def answer(status: int, code: Any = "", **more: Any) -> Answer:
    return Answer(status, body={"error": {"code": code, "message": "In Graph's\n words.", **more}}, request_id="42")


@pytest.mark.parametrize(("status", "code", "kind"), TABLE)
def test_status_and_code_tell_the_kind(status: int, code: str, kind: type[errors.GraphError]) -> None:
    error = error_of(answer(status, code), WRITE_CALENDAR)
    assert type(error) is kind
    assert (error.status, error.code, error.request_id) == (status, code, "42")
    assert error.message.startswith("Writing a calendar failed: ")
    assert error.cure


def test_an_unknown_group_is_no_missing_mailbox() -> None:
    assert type(error_of(answer(404, "Request_ResourceNotFound"), LIST_MEMBERS)) is errors.Gone


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (READ_CALENDAR, "Grant Calendars.ReadWrite (application) and admin consent"),
        (LIST_MEMBERS, "Grant GroupMember.Read.All (application) and User.Read.All (application) and admin consent"),
    ],
)
def test_a_denial_names_the_permission(need: Need, words: str) -> None:
    cure = error_of(answer(403, "ErrorAccessDenied"), need).cure
    assert words in cure
    assert ("RBAC for Applications" in cure) == need.of_mailbox


def test_a_gap_names_the_permission() -> None:
    assert "User.Read.All (application)" in gap_of(READ_ACCOUNTS, "nothing to be seen.").cure


@pytest.mark.parametrize(
    "more",
    [
        {"@event.existingEventId": "AAk="},
        {"innerError": {"@event.existingEventId": "AAk="}},
        {"innererror": {"code": "x", "innerError": {"@Event.ExistingEventId": "AAk="}}},
    ],
)
def test_a_duplicate_tells_the_event_in_the_way(more: dict[str, Any]) -> None:
    error = error_of(answer(409, "ErrorDuplicateTransactionId", **more), WRITE_CALENDAR)
    assert isinstance(error, errors.Duplicate)
    assert error.existing_id == "AAk="


@pytest.mark.parametrize("more", [{}, {"innerError": None}, {"@event.existingEventId": ""}, {"innerError": "text"}])
def test_a_duplicate_may_tell_nothing(more: dict[str, Any]) -> None:
    error = error_of(answer(400, "ErrorDuplicateTransactionId", **more), WRITE_CALENDAR)
    assert isinstance(error, errors.Duplicate)
    assert error.existing_id is None


@pytest.mark.parametrize(
    "body", [None, "", "PGh0bWw+", [], {}, {"error": None}, {"error": "text"}, {"error": {"code": 7, "message": None}}]
)
def test_any_body_is_borne(body: Any) -> None:
    strange = Answer(404, body=body)
    assert code_of(strange) == ""
    assert type(error_of(strange, READ_CALENDAR)) is errors.Gone


def test_messages_are_one_line_of_bounded_length() -> None:
    error = error_of(Answer(400, body={"error": {"message": "long \n" * 1000}}), READ_CALENDAR)
    assert "\n" not in error.message
    assert len(error.message) < 400


def test_throttled_tells_how_long() -> None:
    error = error_of(Answer(429, wait=17.5), READ_CALENDAR)
    assert isinstance(error, errors.Throttled)
    assert error.retry_after == 17.5


@pytest.mark.parametrize(
    ("challenge", "claims"),
    [
        ('Bearer authorization_uri="https://x", claims="eyJhIjoxfQ=="', '{"a":1}'),
        ('Bearer claims="eyJhIjoxfQ"', '{"a":1}'),
        ('Bearer claims="!"', None),
        ("Bearer", None),
        (None, None),
    ],
)
def test_claims_of_a_challenge(challenge: str | None, claims: str | None) -> None:
    assert claims_of(Answer(401, {"WWW-Authenticate": challenge} if challenge else {})) == claims
