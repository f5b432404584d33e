"""The check against Graph's description can fail: planted misfits are found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.openapi import Description

USER = "/users/0b1e5c2f-0000-4000-8000-000000000001"
EVENT = {"id": "AAk=", "subject": "Lärtimmen", "showAs": "busy", "type": "seriesMaster"}


@dataclass
class Sample:
    method: str = "GET"
    path: str = f"{USER}/events"
    request_body: Any = None
    status: int = 200
    response_body: Any = None


@pytest.fixture
def description() -> Description:
    path = os.environ.get("HOLDFAST_OPENAPI")
    if not path:
        pytest.skip("HOLDFAST_OPENAPI names no description of Graph")
    return Description.read(Path(path))


@pytest.mark.parametrize(
    "sample",
    [
        Sample(path=f"{USER}/events?$top=50&$select=id,type", response_body={"value": [EVENT]}),
        Sample("POST", request_body={"subject": "x", "showAs": "busy"}, status=201, response_body=EVENT),
        Sample("DELETE", f"{USER}/events/AAk%3D", status=204),
        Sample(
            path=f"{USER}/events/x", status=404, response_body={"error": {"code": "ErrorItemNotFound", "message": ""}}
        ),
        Sample(path="/groups/x/transitiveMembers/microsoft.graph.user", response_body={"value": [{"id": "x"}]}),
        Sample("POST", f"{USER}/calendar/getSchedule", request_body={"schedules": ["a@x.example"]}, response_body={}),
    ],
)
def test_what_fits(description: Description, sample: Sample) -> None:
    description.check(sample)
    assert description.problems == []


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        (Sample(path=f"{USER}/meetings", response_body={}), "no such path"),
        (Sample("PUT", response_body={}), "no such method"),
        (Sample(path=f"{USER}/events?$tip=5", response_body={"value": []}), "no query option $tip"),
        (Sample(path=f"{USER}/events?$top=many", response_body={"value": []}), "is not a number"),
        (Sample(path=f"{USER}/calendarView?startDateTime=x", response_body={"value": []}), "without ['endDateTime']"),
        (Sample("POST", request_body={"topic": "x"}, status=201, response_body=EVENT), "topic is not a property"),
        (Sample("POST", request_body={"showAs": "bussy"}, status=201, response_body=EVENT), "bussy"),
        (Sample("POST", request_body={"start": {"date": "x"}}, status=201, response_body=EVENT), "start.date is not"),
        (
            Sample("POST", f"{USER}/calendar/getSchedule", request_body={"rooms": []}, response_body={}),
            "rooms is not a property",
        ),
        (Sample(response_body={"value": [{**EVENT, "holdfast": 1}]}), "value[].holdfast is not a property"),
        (Sample(response_body={"value": [{**EVENT, "isAllDay": "no"}]}), "isAllDay"),
        (Sample(status=404, response_body={"oops": 1}), "answer"),
    ],
)
def test_what_does_not(description: Description, sample: Sample, found: str) -> None:
    description.check(sample)
    assert any(found in problem for problem in description.problems), description.problems


def test_the_same_shape_is_looked_at_once(description: Description) -> None:
    for number in range(3):
        description.check(Sample(response_body={"value": [{**EVENT, "id": f"A{number}="}]}))
    assert description.checked == 3
    assert len(description._seen) == 1
