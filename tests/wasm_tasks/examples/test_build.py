"""The modules in the repository are what their sources make."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from fogbank_wasm_tasks.examples import MODULE_NAMES, module_bytes
from fogbank_wasm_tasks.examples.build import MODULE_BYTES_MAX, build_module


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULE_NAMES)
@pytest.mark.skipif(
    find_spec("ziglang") is None, reason="the compiler is not installed: make tasks brings it"
)
def test_a_module_is_rebuilt_from_its_sources_byte_for_byte(name: str, tmp_path: Path) -> None:
    output = tmp_path / f"{name}.wasm"

    build_module(name, output)

    assert output.read_bytes() == module_bytes(name)


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_a_module_is_small(name: str) -> None:
    assert len(module_bytes(name)) <= MODULE_BYTES_MAX
