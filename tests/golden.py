"""Golden files: what a person reads, kept and reviewed like code. HOLDFAST_UPDATE_GOLDEN=1 writes them anew."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def check_golden(path: Path, text: str) -> None:
    if os.environ.get("HOLDFAST_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    assert text == expected, (
        f"{path.name} differs; if the new text is right: HOLDFAST_UPDATE_GOLDEN=1, then read the diff"
    )
