"""How a reactor is handed its input and what it answers is taken (SPEC.md section 7.3)."""

import ctypes

from ...outcome import TrapKind
from ..shapes import Trapped
from . import calls
from .interface import I32_MASK
from .workplace import Workplace


class CallFailed(Exception):
    """A call of the engine did not return; what the engine said of it is still to be taken."""

    def __init__(self, error: int | None) -> None:
        """Keep the address of the ``error``, if the engine made one."""
        super().__init__()
        self.error = error


def exchange(
    context: int,
    place: Workplace,
    memory: int,
    functions: tuple[int, int],
    data: bytes,
    output_bytes_max: int,
) -> bytes:
    """Hand ``data`` over, run, and return the output; ``functions`` are ``alloc`` and ``run``.

    ``memory`` and ``functions`` are the addresses of the engine's handles.

    Raises:
        CallFailed: one of the two did not return.
        Trapped: the run broke a rule.
    """
    allocate, run = functions
    cells, result, trap = place.arguments, place.result, place.trap
    cells[0].value = length = len(data)
    error = calls.func_call(context, allocate, place.given, 1, result.address, 1, trap)
    if error or place.trap_cell.value:
        raise CallFailed(error)
    address = result.bits.value & I32_MASK
    if address + length > calls.memory_data_size(context, memory):
        raise Trapped(TrapKind.ALLOCATION_OUT_OF_BOUNDS)
    if data:
        ctypes.memmove(calls.memory_data(context, memory) + address, data, length)
    cells[0].value = address
    cells[1].value = length
    error = calls.func_call(context, run, place.given, 2, result.address, 1, trap)
    if error or place.trap_cell.value:
        raise CallFailed(error)
    bits = result.bits.value
    address, length = bits >> 32, bits & I32_MASK
    if address + length > calls.memory_data_size(context, memory):
        raise Trapped(TrapKind.RESULT_OUT_OF_BOUNDS)
    if length > output_bytes_max:
        raise Trapped(TrapKind.OUTPUT_TOO_LARGE)
    if not length:
        return b""
    return ctypes.string_at(calls.memory_data(context, memory) + address, length)
