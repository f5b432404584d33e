from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serve.process import House
from tests.tenants import Served


@pytest.fixture
def house(served: Served, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """A machine for a firm of so many, on which nothing runs any more when the test is over."""
    made: list[House] = []

    def make(people: int, **variables: str) -> House:
        made.append(House.of(served, tmp_path, people, **variables))
        return made[-1]

    yield make
    for one in made:
        one.close()
