"""The host functions one by one, as SPEC.md section 7.4 states them."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wasm_tasks.wasi.guest import Memory, Meter

from fogbank_wasm_tasks.metering.meter import FuelExhausted
from fogbank_wasm_tasks.module.facts import ValueType
from fogbank_wasm_tasks.module.host_functions import HOST_FUNCTIONS
from fogbank_wasm_tasks.wasi.clock import START_NS
from fogbank_wasm_tasks.wasi.endings import OutputTooLarge, RunAborted, RunEnded, RunExited
from fogbank_wasm_tasks.wasi.errno import Errno
from fogbank_wasm_tasks.wasi.host import Host

END = 65_536


class World:
    """A host with its memory and meter."""

    def __init__(
        self,
        input_data: bytes = b"",
        *,
        arguments: Sequence[str] = (),
        environment: Sequence[tuple[str, str]] = (),
        seed: int = 0,
        output_bytes_max: int | None = 100,
        fuel_max: int = 10**9,
    ) -> None:
        self.memory = Memory()
        self.meter = Meter(fuel_max)
        self.host = Host(
            input_data=input_data,
            arguments=arguments,
            environment=environment,
            seed=seed,
            output_bytes_max=output_bytes_max,
            meter=self.meter,
        )

    def call(self, name: str, *arguments: int) -> int | None:
        return self.host.call(name, self.memory, arguments)

    def cost(self, name: str, *arguments: int) -> int:
        before = self.meter.fuel_used
        self.call(name, *arguments)
        return self.meter.fuel_used - before

    def place_iovecs(self, address: int, *buffers: tuple[int, int]) -> None:
        table = b"".join(
            start.to_bytes(4, "little") + length.to_bytes(4, "little") for start, length in buffers
        )
        self.memory.write(address, table)

    def write(self, descriptor: int, data: bytes) -> int | None:
        self.memory.write(1_000, data)
        self.place_iovecs(0, (1_000, len(data)))
        return self.call("fd_write", descriptor, 0, 1, 100)


def test_arguments_are_given_after_the_program_name() -> None:
    world = World(arguments=["--fast", "ü"])

    assert world.call("args_sizes_get", 0, 4) == Errno.SUCCESS
    assert (world.memory.u32(0), world.memory.u32(4)) == (3, 5 + 7 + 3)
    assert world.cost("args_get", 16, 100) == 1_000 + 15
    assert [world.memory.u32(16 + 4 * i) for i in range(3)] == [100, 105, 112]
    assert world.memory.read(100, 15) == "task\0--fast\0ü\0".encode()


def test_the_environment_is_given_as_ordered() -> None:
    world = World(environment=[("A", "1"), ("B", "")])

    assert world.call("environ_sizes_get", 0, 4) == Errno.SUCCESS
    assert (world.memory.u32(0), world.memory.u32(4)) == (2, 7)
    assert world.call("environ_get", 16, 100) == Errno.SUCCESS
    assert world.memory.read(100, 7) == b"A=1\0B=\0"


def test_input_is_read_in_order_over_several_buffers_until_it_ends() -> None:
    world = World(b"abcdefghij")
    world.place_iovecs(0, (200, 3), (300, 4))

    assert world.cost("fd_read", 0, 0, 2, 100) == 1_000 + 100 + 7
    assert (world.memory.u32(100), world.memory.read(200, 3)) == (7, b"abc")
    assert world.memory.read(300, 4) == b"defg"
    assert world.cost("fd_read", 0, 0, 2, 100) == 1_000 + 100 + 3
    assert (world.memory.u32(100), world.memory.read(200, 3)) == (3, b"hij")
    assert world.cost("fd_read", 0, 0, 2, 100) == 1_000 + 100
    assert world.memory.u32(100) == 0


def test_output_is_what_was_written_to_descriptor_1() -> None:
    world = World()

    assert world.write(1, b"hel") == Errno.SUCCESS
    assert world.memory.u32(100) == 3
    assert world.write(2, b"a warning") == Errno.SUCCESS
    assert world.write(1, b"lo") == Errno.SUCCESS
    assert (bytes(world.host.output), bytes(world.host.diagnostics)) == (b"hello", b"a warning")


def test_output_beyond_its_limit_ends_the_run() -> None:
    world = World(output_bytes_max=5)
    world.write(1, b"abcde")

    with pytest.raises(OutputTooLarge):
        world.write(1, b"f")


def test_diagnostics_are_counted_but_only_their_beginning_is_kept() -> None:
    world = World()

    for _ in range(5):
        assert world.write(2, b"x" * 1_000) == Errno.SUCCESS
        assert world.memory.u32(100) == 1_000

    assert world.host.diagnostics == b"x" * 4_096
    assert world.meter.fuel_used == 5 * 2_000


def test_what_a_reactor_prints_is_no_output() -> None:
    world = World(output_bytes_max=None)

    assert world.write(1, b"debug") == Errno.SUCCESS
    assert (bytes(world.host.output), bytes(world.host.diagnostics)) == (b"", b"debug")


@pytest.mark.parametrize("descriptor", [0, 3, 2**32 - 1])
def test_other_descriptors_cannot_be_written(descriptor: int) -> None:
    assert World().write(descriptor, b"x") == Errno.BADF


def test_other_descriptors_cannot_be_read() -> None:
    for descriptor in (1, 2, 3):
        assert World(b"x").call("fd_read", descriptor, 0, 0, 100) == Errno.BADF


def test_a_closed_descriptor_stays_closed() -> None:
    world = World()

    assert world.call("fd_close", 1) == Errno.SUCCESS
    assert world.call("fd_close", 1) == Errno.BADF
    assert world.write(1, b"x") == Errno.BADF
    assert world.call("fd_fdstat_get", 1, 0) == Errno.BADF
    assert world.call("fd_seek", 1, 0, 0, 0) == Errno.BADF


def test_too_many_buffers_are_refused_unread() -> None:
    assert World().cost("fd_write", 1, 0, 1_025, 100) == 1_000
    assert World().call("fd_write", 1, 0, 1_025, 100) == Errno.INVAL
    assert World().call("fd_read", 0, 0, 2**32 - 1, 100) == Errno.INVAL


def test_overlapping_buffers_are_charged_before_anything_is_copied() -> None:
    world = World(fuel_max=1_000_000)
    world.place_iovecs(0, *[(0, END)] * 1_024)

    with pytest.raises(FuelExhausted):
        world.call("fd_write", 1, 0, 1_024, END - 4)
    assert not world.host.output


def test_lengths_that_sum_beyond_32_bits_are_refused() -> None:
    world = World()
    world.memory = Memory(1 << 23)
    world.place_iovecs(0, *[(0, 1 << 23)] * 512)

    assert world.call("fd_write", 2, 0, 512, 100) == Errno.INVAL


def test_a_bad_pointer_anywhere_means_no_effect_at_all() -> None:
    world = World(b"input")
    world.place_iovecs(0, (200, 2), (END, 1))

    assert world.call("fd_write", 1, 0, 2, 100) == Errno.FAULT
    assert world.call("fd_read", 0, 0, 2, 100) == Errno.FAULT
    world.place_iovecs(0, (200, 2))
    assert world.call("fd_write", 1, 0, 1, END - 3) == Errno.FAULT
    assert world.call("fd_read", 0, 0, 1, 2**32 - 1) == Errno.FAULT
    assert not world.host.output
    # The second buffer of the first two calls is charged as well.
    assert world.meter.fuel_used == 4_000 + 2 * 100

    assert world.call("fd_read", 0, 0, 1, 100) == Errno.SUCCESS
    assert world.memory.read(200, 2) == b"in"


def test_random_bytes_are_one_stream_however_they_are_asked_for() -> None:
    once, twice = World(seed=7), World(seed=7)

    once.call("random_get", 0, 300)
    for start in range(0, 300, 60):
        twice.call("random_get", start, 60)

    assert once.memory.read(0, 300) == twice.memory.read(0, 300)
    other = World(seed=8)
    other.call("random_get", 0, 300)
    assert once.memory.read(0, 300) != other.memory.read(0, 300)


def test_many_random_bytes_are_the_same_as_few_at_a_time() -> None:
    once, often = World(seed=5), World(seed=5)
    once.memory, often.memory = Memory(200_000), Memory(200_000)
    once.call("random_get", 7, 199_990)
    for start in range(7, 199_997, 9_090):
        often.call("random_get", start, min(9_090, 199_997 - start))

    assert once.memory.data == often.memory.data
    assert any(once.memory.data[-50:-3])
    assert once.memory.data[-3:] == bytes(3)


def test_random_bytes_are_charged_and_stay_inside_the_memory() -> None:
    world = World()

    assert world.cost("random_get", 0, 500) == 1_500
    assert world.call("random_get", END - 1, 2) == Errno.FAULT
    assert world.call("random_get", END, 0) == Errno.SUCCESS
    assert world.call("random_get", END + 1, 0) == Errno.FAULT


def test_time_is_a_constant_and_the_fuel_used() -> None:
    world = World()
    world.meter.charge(123)

    assert world.call("clock_time_get", 0, 0, 0) == Errno.SUCCESS
    assert world.memory.u64(0) == START_NS + 1_123
    world.call("clock_time_get", 1, 0, 0)
    assert world.memory.u64(0) == START_NS + 2_123
    world.call("clock_time_get", 2, 0, 0)
    assert world.memory.u64(0) == 3_123
    assert world.call("clock_time_get", 4, 0, 0) == Errno.INVAL
    assert world.call("clock_res_get", 3, 8) == Errno.SUCCESS
    assert world.memory.u64(8) == 1
    assert world.call("clock_res_get", 9, 8) == Errno.INVAL


def test_streams_look_like_pipes() -> None:
    world = World()

    assert world.call("fd_fdstat_get", 0, 0) == Errno.SUCCESS
    assert world.memory.read(0, 24).hex() == "0" * 16 + "0200000800000000" + "0" * 16
    assert world.call("fd_fdstat_get", 2, 0) == Errno.SUCCESS
    assert world.memory.u64(8) == (1 << 27) + 64
    assert world.call("fd_filestat_get", 1, 0) == Errno.SUCCESS
    assert world.memory.read(0, 64) == bytes(24) + b"\x01" + bytes(39)


def test_a_run_can_exit() -> None:
    with pytest.raises(RunExited) as caught:
        World().call("proc_exit", 42)
    assert caught.value.code == 42


def test_a_run_can_abort() -> None:
    with pytest.raises(RunAborted):
        World().call("abort", 0, 0, 0, 0)


ANSWERS = {
    "fd_advise": 70, "fd_allocate": 58, "fd_datasync": 0, "fd_fdstat_set_flags": 0,
    "fd_fdstat_set_rights": 58, "fd_filestat_set_size": 28, "fd_filestat_set_times": 58,
    "fd_pread": 70, "fd_prestat_get": 8, "fd_prestat_dir_name": 8, "fd_pwrite": 70,
    "fd_readdir": 54, "fd_renumber": 58, "fd_seek": 70, "fd_sync": 0, "fd_tell": 70,
    "path_create_directory": 8, "path_filestat_get": 8, "path_filestat_set_times": 8,
    "path_link": 8, "path_open": 8, "path_readlink": 8, "path_remove_directory": 8,
    "path_rename": 8, "path_symlink": 8, "path_unlink_file": 8, "proc_raise": 52,
    "sched_yield": 0, "sock_accept": 57, "sock_recv": 57, "sock_send": 57, "sock_shutdown": 57,
}  # fmt: skip


@pytest.mark.parametrize(("name", "errno"), ANSWERS.items())
def test_what_is_not_there_answers_as_written(name: str, errno: int) -> None:
    world = World()
    parameters = HOST_FUNCTIONS["wasi_snapshot_preview1", name].parameters

    assert world.call(name, *[1] * len(parameters)) == errno
    assert world.meter.fuel_used == 1_000
    if name.startswith(("fd_", "sock_")):
        assert world.call(name, *[3] * len(parameters)) == Errno.BADF


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_a_run_calls_it_is_answered(data: st.DataObject) -> None:
    """Any call with any arguments gives an error number, an end of the run, or nothing."""
    world = World(b"some input", arguments=["x"], fuel_max=10**6)
    values = {
        ValueType.I32: st.one_of(
            st.integers(0, 8), st.integers(0, 2**32 - 1), st.integers(END - 64, END + 1)
        ),
        ValueType.I64: st.integers(0, 2**64 - 1),
    }
    world.memory.data[:4_096] = data.draw(st.binary(min_size=256, max_size=256)) * 16
    for _ in range(data.draw(st.integers(1, 5))):
        (_, name), signature = data.draw(st.sampled_from(sorted(HOST_FUNCTIONS.items())))
        arguments = [data.draw(values[each]) for each in signature.parameters]
        try:
            answer = world.call(name, *arguments)
        except (RunEnded, FuelExhausted):
            return
        assert (answer is None) == (not signature.results)
        assert answer is None or 0 <= answer <= 76
