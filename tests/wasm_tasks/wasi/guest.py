"""A run's memory and meter, in Python, for tests of the host without an engine."""

from fogbank_wasm_tasks.metering.meter import FuelExhausted
from fogbank_wasm_tasks.wasi.memory import AddressFault


class Memory:
    """Linear memory of ``size`` bytes."""

    def __init__(self, size: int = 65_536) -> None:
        self.data = bytearray(size)

    def size(self) -> int:
        return len(self.data)

    def read(self, address: int, length: int) -> bytes:
        self._check(address, length)
        return bytes(self.data[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        self._check(address, len(data))
        self.data[address : address + len(data)] = data

    def u32(self, address: int) -> int:
        return int.from_bytes(self.data[address : address + 4], "little")

    def u64(self, address: int) -> int:
        return int.from_bytes(self.data[address : address + 8], "little")

    def _check(self, address: int, length: int) -> None:
        if address + length > len(self.data):
            raise AddressFault


class Meter:
    """Counts what the host charges."""

    def __init__(self, fuel_max: int = 10**9) -> None:
        self.fuel_max = fuel_max
        self.fuel_used = 0

    @property
    def is_exhausted(self) -> bool:
        return self.fuel_used > self.fuel_max

    def charge(self, fuel: int) -> None:
        self.fuel_used += fuel
        if self.is_exhausted:
            raise FuelExhausted
