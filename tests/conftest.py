"""How many examples Hypothesis tries (few while somebody waits, many in CI), and a sandbox for whoever asks for one."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.tenants import Served, serving_held_to_the_description

settings.register_profile(
    "dev", max_examples=50, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci",
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Front doors set logging up for the process; the next test begins without."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """One sandbox over TLS for the whole run; each test has a tenant of its own in it."""
    with serving_held_to_the_description() as found:
        yield found
