"""Processor, memory, clock and disk: real ones, asked for more or less than they have."""

from pathlib import Path

from fogbank_agent.doctor.finding import Level
from fogbank_agent.doctor.machine_checks import (
    check_channel_cipher,
    check_clock,
    check_cores,
    check_disk,
    check_memory,
    check_open_files,
    check_signatures,
    check_system,
    check_wasmtime,
    read_available_memory,
)


def test_lending_every_core_is_noted() -> None:
    assert check_cores(10_000).level is Level.NOTE


def test_more_memory_than_there_is_is_noted_with_what_to_set() -> None:
    found = check_memory(10_000, 1_000_000)
    assert found.level in (Level.NOTE, Level.PROBLEM)
    assert (read_available_memory() or 0) > 0


def test_a_disk_is_measured_where_the_folder_would_be(tmp_path: Path) -> None:
    speed, room = check_disk(tmp_path / "not" / "yet" / "there")
    assert (speed.name, room.name) == ("disk speed", "disk room")
    assert str(tmp_path) in room.found
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_is_a_problem() -> None:
    [found] = check_disk(Path("/proc/nowhere"))
    assert found.level is Level.PROBLEM
    assert "--state" in found.remedy


def test_every_other_look_says_something() -> None:
    for found in (
        check_system(),
        check_wasmtime(),
        check_channel_cipher(),
        check_signatures(),
        check_open_files(),
        check_clock(),
    ):
        assert found.found
        assert found.meaning
        assert bool(found.remedy) == (found.level is not Level.OK)
