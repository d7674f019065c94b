"""Reads the files of test vectors."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "vectors"


def vectors(topic: str) -> Any:
    """Return what ``tests/vectors/<topic>.json`` holds."""
    return json.loads((FOLDER / f"{topic}.json").read_text("utf-8"))


def case_name(case: Any) -> str:
    """Name a case in the output of pytest."""
    return str(case["name"])
