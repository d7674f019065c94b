"""Fuel, call depth and NaN bits as code inside the module itself (SPEC.md section 7.5)."""

from typing import Final

from .counter import DEPTH_MAX, Reading, pack_counter, read_counter
from .rewriter import Injected, inject

__all__ = [
    "DEPTH_MAX",
    "INJECTION_VERSION",
    "Injected",
    "Reading",
    "inject",
    "pack_counter",
    "read_counter",
]

INJECTION_VERSION: Final = 2
"""Rises with every change of what ``inject`` returns: code made from another is not loaded."""
