"""Only what this agent wrote is loaded."""

import os
import stat
from pathlib import Path

import pytest

from fogbank_wasm_tasks.errors import SandboxUnavailable
from fogbank_wasm_tasks.sandbox.compile_cache import CompileCache

KEY = b"k" * 32
OTHER = b"o" * 32


def native(folder: Path) -> Path:
    (found,) = folder.glob("*.native")
    return found


def test_what_was_written_is_read_in_a_later_life(tmp_path: Path) -> None:
    CompileCache(tmp_path / "native").write(KEY, b"native code")

    assert CompileCache(tmp_path / "native").read(KEY) == b"native code"
    assert CompileCache(tmp_path / "native").read(OTHER) is None


def test_the_folder_and_its_key_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "native"
    folder.mkdir(mode=0o777)

    CompileCache(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o740])
def test_what_was_written_while_others_could_come_in_is_not_loaded(
    tmp_path: Path, mode: int
) -> None:
    CompileCache(tmp_path).write(KEY, b"perhaps theirs")
    tmp_path.chmod(mode)

    assert CompileCache(tmp_path).read(KEY) is None


def test_what_a_killed_agent_left_unfinished_goes(tmp_path: Path) -> None:
    CompileCache(tmp_path).write(KEY, b"native code")
    left_behind = tmp_path / f"{OTHER.hex()}.unfinished"
    left_behind.write_bytes(b"half of it")

    assert CompileCache(tmp_path).read(KEY) == b"native code"
    assert not left_behind.exists()


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "lengthen"])
def test_a_damaged_file_is_not_loaded_and_goes(tmp_path: Path, damage: str) -> None:
    cache = CompileCache(tmp_path)
    cache.write(KEY, b"native code")
    path = native(tmp_path)
    data = path.read_bytes()
    path.write_bytes(
        {
            "flip": data[:-1] + bytes([data[-1] ^ 1]),
            "cut": data[:-1],
            "empty": b"",
            "lengthen": data + b"\0",
        }[damage]
    )

    assert cache.read(KEY) is None
    assert not path.exists()


def test_a_file_of_another_agent_is_not_loaded(tmp_path: Path) -> None:
    CompileCache(tmp_path / "theirs").write(KEY, b"hostile code")
    ours = CompileCache(tmp_path / "ours")
    native(tmp_path / "theirs").rename(tmp_path / "ours" / f"{KEY.hex()}.native")

    assert ours.read(KEY) is None


def test_a_file_under_another_name_is_not_loaded(tmp_path: Path) -> None:
    cache = CompileCache(tmp_path)
    cache.write(KEY, b"native code")
    native(tmp_path).rename(tmp_path / f"{OTHER.hex()}.native")

    assert cache.read(OTHER) is None


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    cache = CompileCache(tmp_path, bytes_max=3_000)
    keys = [bytes([number]) * 32 for number in range(4)]
    for place, key in enumerate(keys[:2]):
        cache.write(key, bytes(1_200))
        os.utime(tmp_path / f"{key.hex()}.native", (place, place))
    assert cache.read(keys[0]) is not None

    cache.write(keys[2], bytes(1_200))

    assert [cache.read(key) is not None for key in keys] == [True, False, True, False]


def test_a_key_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    CompileCache(tmp_path).write(KEY, b"native code")
    (tmp_path / "key").write_bytes(b"short")

    cache = CompileCache(tmp_path)

    assert cache.read(KEY) is None
    cache.write(KEY, b"again")
    assert CompileCache(tmp_path).read(KEY) == b"again"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(SandboxUnavailable, match="cannot be used for compiled modules"):
        CompileCache(tmp_path / "file" / "native")


def test_forgetting_leaves_the_rest(tmp_path: Path) -> None:
    cache = CompileCache(tmp_path)
    cache.write(KEY, b"one")
    cache.write(OTHER, b"other")

    cache.forget(KEY)

    assert (cache.read(KEY), cache.read(OTHER)) == (None, b"other")
