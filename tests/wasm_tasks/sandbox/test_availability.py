"""What people are told when their machine cannot run tasks."""

import subprocess
import sys

import pytest

from fogbank_wasm_tasks.errors import SandboxUnavailable
from fogbank_wasm_tasks.sandbox.availability import check_available


def test_this_machine_can() -> None:
    check_available()


def test_a_32_bit_system_is_told_to_be_64_bit_even_with_the_package_installed() -> None:
    with pytest.raises(SandboxUnavailable, match="a 64-bit operating system is needed"):
        check_available(address_max=2**31 - 1, has_engine=True)


def test_a_missing_engine_is_named() -> None:
    with pytest.raises(SandboxUnavailable, match="pip install wasmtime"):
        check_available(has_engine=False)


@pytest.mark.slow
def test_the_agent_s_process_does_not_load_the_engine() -> None:
    code = (
        "import sys, fogbank_wasm_tasks.sandbox.pool, fogbank_wasm_tasks.receipt;"
        "sys.exit('wasmtime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
