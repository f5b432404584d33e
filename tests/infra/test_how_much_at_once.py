"""The queue settings, the limit on instances and the client's own limit agree, and stay under what Graph allows."""

from __future__ import annotations

import json
import re
from typing import Any

from holdfast.store.queues import MOST_TIMES
from tests.infra.bicep import ROOT, parsed, text_of

GRAPH_CALLS_A_SECOND = 13_000
"""130,000 in ten seconds for an app over all tenants ("Microsoft Graph service-specific throttling limits")."""

WORKED_OF_A_BATCH = 4
"""How many calls of one `$batch` Graph has at Outlook at a time."""

SECONDS_A_CALL = 0.3


def host() -> dict[str, Any]:
    return dict(json.loads((ROOT / "host.json").read_text(encoding="utf-8")))


def calls_a_second(queues: dict[str, Any], instances: int) -> float:
    """Of one function group with as many instances as it may have."""
    at_once = int(queues["batchSize"]) + int(queues["newBatchThreshold"])
    return instances * at_once * WORKED_OF_A_BATCH / SECONDS_A_CALL


def test_both_queues_at_their_limit_stay_under_half_of_what_graph_allows() -> None:
    instances = int(parsed(text_of("main.bicep"))["parameters"]["maximumInstanceCount"]["default"])
    queues = host()["extensions"]["queues"]
    assert 2 * calls_a_second(queues, instances) < GRAPH_CALLS_A_SECOND / 2
    assert 2 * calls_a_second({**queues, "batchSize": 16}, instances) > GRAPH_CALLS_A_SECOND / 2


def test_messages_at_once_are_the_batches_that_the_client_has_in_flight() -> None:
    from graph_client import batch  # noqa: PLC0415 - for this one alone

    queues = host()["extensions"]["queues"]
    assert queues["batchSize"] + queues["newBatchThreshold"] == batch.IN_FLIGHT


def test_a_message_is_poison_after_as_many_times_here_as_there() -> None:
    assert host()["extensions"]["queues"]["maxDequeueCount"] == MOST_TIMES


def test_what_the_product_puts_on_queues_is_encoded_as_the_host_expects() -> None:
    source = (ROOT / "holdfast" / "store" / "azure_queues.py").read_text(encoding="utf-8")
    assert "message_encode_policy=TextBase64EncodePolicy()" in source
    assert host()["extensions"]["queues"]["messageEncoding"] == "base64"


def test_the_page_tells_the_figures_that_are_set() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    queues = host()["extensions"]["queues"]
    instances = parsed(text_of("main.bicep"))["parameters"]["maximumInstanceCount"]["default"]
    told = [f"`batchSize` {queues['batchSize']}", f"`newBatchThreshold` {queues['newBatchThreshold']}"]
    told += [f"`maxDequeueCount` {queues['maxDequeueCount']}", f"`maximumInstanceCount` {instances}"]
    assert [text for text in told if text not in page] == []
    assert re.search(r"`functionTimeout` 10 min", page)
    assert host()["functionTimeout"] == "00:10:00"
