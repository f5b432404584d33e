"""What a process shares: it follows the settings, and comes back to what worked."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.cli.init import example
from holdfast.core.settings import Language
from holdfast.engine import Engine
from holdfast.wiring import Place, SetupError


@pytest.mark.parametrize("is_used", [False, True])
async def test_after_an_edit_that_cannot_be_signed_in_with_the_settings_before_work_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_used: bool,  # noqa: FBT001 - whether somebody is at work meanwhile
) -> None:
    monkeypatch.setattr("holdfast.engine.FRESH", -1.0)
    file, before = tmp_path / "settings.yaml", example(Language.SV)
    file.write_text(before, encoding="utf-8")
    engine = Engine(Place(file, {"HOLDFAST_CLIENT_SECRET": "invented"}))

    async def edited() -> None:
        assert "credential: secret" in before
        file.write_text(before.replace("credential: secret", "credential: certificate"), encoding="utf-8")
        with pytest.raises(SetupError):
            async with engine.running():
                pass
        file.write_text(before, encoding="utf-8")

    async with engine.running() as now:
        assert await now.ports.state.placed() == {}
        if is_used:
            await edited()
            assert await now.ports.state.placed() == {}
    if not is_used:
        await edited()
    async with engine.running() as now:
        assert await now.ports.state.placed() == {}
    await engine.close()
