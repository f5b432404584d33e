"""Stories that once did not hold, kept as data: whatever is drawn from a seed by then, they are told as they were."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sandbox import Facts
from tests.simulation.acts import InCalendar
from tests.simulation.commands import Command, Probe
from tests.simulation.edits import Edit
from tests.simulation.office import Block, Every, Holidays, Window
from tests.simulation.people import InDirectory
from tests.simulation.process import Death
from tests.simulation.steps import LosesState, Passes, Quiet, ShortlyBefore, Shut, Unattended, Weather
from tests.simulation.story import FirstFile, Story, Told
from tests.simulation.table import Protection
from tests.simulation.world import Opening

FOLDER = Path(__file__).parent / "regressions"

_STEPS = (Command, Edit, InCalendar, InDirectory, LosesState, Passes, Probe, Quiet, ShortlyBefore, Shut, Unattended)
_VALUES = (Block, Death, Every, Facts, FirstFile, Holidays, Opening, Protection, Story, Weather, Window)
_KINDS = {kind.__name__: kind for kind in (*_STEPS, *_VALUES)}
_WRITTEN: dict[Any, str] = {datetime: "at", date: "on", time: "clock"}


def keep(seed: int, worst: Told) -> Path:
    """Write down a story that does not hold, with why it did not; where it was written."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"seed_{seed}.json"
    told = dataclasses.replace(worst.story, steps=worst.steps)
    data = {"broken": worst.broken, "told": worst.lines, "story": _data(told)}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def kept() -> list[Path]:
    """All that are kept."""
    return sorted(FOLDER.glob("*.json"))


def read(path: Path) -> Story:
    """A story that was kept."""
    found = _value(json.loads(path.read_text(encoding="utf-8"))["story"])
    assert isinstance(found, Story)
    return found


def _data(value: Any) -> Any:
    """A value of a story in JSON: what is no plain value says of which kind it is."""
    if type(value) in _WRITTEN:
        return {_WRITTEN[type(value)]: value.isoformat()}
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if dataclasses.is_dataclass(value):
        fields = [(one.name, getattr(value, one.name), one.default) for one in dataclasses.fields(value)]
        return {"is": type(value).__name__} | {name: _data(one) for name, one, usual in fields if one != usual}
    if hasattr(value, "_asdict"):
        return {"is": type(value).__name__} | {name: _data(one) for name, one in value._asdict().items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_data(one) for one in value]
    return value


def _value(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_value(one) for one in data)
    if not isinstance(data, dict):
        return data
    for kind, name in _WRITTEN.items():
        if set(data) == {name}:
            return kind.fromisoformat(data[name])
    if set(data) == {"seconds"}:
        return timedelta(seconds=data["seconds"])
    fields = {name: _value(one) for name, one in data.items() if name != "is"}
    return _KINDS[data["is"]](**fields)
