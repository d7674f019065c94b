"""Which files ``fogbank run`` works on, and where outputs may go."""

import os
from pathlib import Path

import pytest

from fogbank_agent.cli.run_inputs import (
    Input,
    PublishedTask,
    TaskFile,
    check_output,
    find_inputs,
    find_task,
)
from fogbank_agent.errors import Refused
from fogbank_protocol.limits import BLOB_BYTES_MAX


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.csv", "a.csv", ".hidden"):
        (folder / name).write_text(name)
    return folder


def test_without_inputs_there_is_one_empty_run() -> None:
    assert find_inputs([], []) == [Input("output", None, 0)]


def test_a_folder_gives_its_files_in_order_but_no_hidden_ones_and_no_folders(folder: Path) -> None:
    assert find_inputs([], [folder]) == [
        Input("a.csv", folder / "a.csv", 5),
        Input("b.csv", folder / "b.csv", 5),
    ]


def test_files_of_one_name_are_told_apart(folder: Path) -> None:
    one = folder / "a.csv"
    assert [found.name for found in find_inputs([one, one], [folder])] == [
        "a.csv",
        "2-a.csv",
        "3-a.csv",
        "b.csv",
    ]


def test_an_empty_folder_is_refused(folder: Path) -> None:
    with pytest.raises(Refused, match="no files"):
        find_inputs([], [folder / "sub"])


def test_a_missing_input_is_refused(folder: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file"):
        find_inputs([folder / "c.csv"], [])
    with pytest.raises(Refused, match="cannot be read: No such file"):
        find_inputs([], [folder / "missing"])


def test_what_is_no_file_is_refused_and_not_read_without_end(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for device in (Path("/dev/zero"), folder / "pipe"):
        with pytest.raises(Refused, match="is a pipe or a device"):
            find_inputs([device], [])
        with pytest.raises(Refused, match="is a pipe or a device"):
            find_task(str(device))


def test_what_is_too_large_for_any_run_is_refused_before_it_is_read(folder: Path) -> None:
    huge = folder / "huge"
    with huge.open("wb") as file:
        file.truncate(BLOB_BYTES_MAX + 1)
    with pytest.raises(Refused, match="67,108,865 bytes, which are too many"):
        find_inputs([huge], [])
    with pytest.raises(Refused, match="67,108,865 bytes, which are too many"):
        find_task(str(huge))


def test_a_folder_given_as_input_is_told_to_be_mapped(folder: Path) -> None:
    with pytest.raises(Refused, match="use --map"):
        find_inputs([folder], [])


def test_an_output_never_replaces_an_input(folder: Path) -> None:
    inputs = find_inputs([], [folder])
    with pytest.raises(Refused, match="would replace the input"):
        check_output(folder / "sub" / "..", inputs, needed=True)


def test_the_output_folder_is_made(folder: Path) -> None:
    check_output(folder / "new" / "deep", find_inputs([], [folder]), needed=True)
    assert (folder / "new" / "deep").is_dir()


def test_several_runs_need_a_folder_for_their_outputs(folder: Path) -> None:
    with pytest.raises(Refused, match="--output DIR"):
        check_output(None, find_inputs([], [folder]), needed=True)


def test_a_task_is_a_file_or_a_bundled_name(tmp_path: Path) -> None:
    (tmp_path / "task.wasm").write_bytes(b"\0asm")
    assert find_task(str(tmp_path / "task.wasm")) == TaskFile(
        "task", b"\0asm", str(tmp_path / "task.wasm")
    )
    found = find_task("sensor-statistics")
    assert isinstance(found, TaskFile)
    assert found.name == "sensor_statistics"
    assert found.data.startswith(b"\0asm")


def test_a_task_may_be_the_id_of_a_package() -> None:
    assert find_task("aB" * 32) == PublishedTask(b"\xab" * 32)
    with pytest.raises(Refused, match="64 hexadecimal digits"):
        find_task("ab" * 31)


def test_an_unknown_task_lists_the_bundled_ones(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="bundled are cellular_automaton, image_filter"):
        find_task("no-such-task")
    with pytest.raises(Refused, match="cannot be read"):
        find_task(str(tmp_path))
