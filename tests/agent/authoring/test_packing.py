"""Packages as a manifest says, and packages and modules of others."""

import pytest
from tests.agent.authoring.manifests import manifest
from tests.wasm_tasks.packages import AUTHOR, command, reactor, translate

from fogbank_agent.authoring.packing import open_task, pack, plain_name
from fogbank_agent.errors import Refused
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.package import open_package

MODULE = translate(command(""))


def test_a_package_says_what_its_manifest_says() -> None:
    said = manifest(
        'description = "Echoes."\ninput_type = "text/csv"\nroyalty_ppm = 5000',
        limits="memory_mib_max = 2\noutput_mib_max = 3",
    )

    package = open_package(pack(said, MODULE, AUTHOR))

    assert package.module == MODULE
    assert package.manifest.author == AUTHOR.node_id
    assert (package.manifest.name, package.manifest.version) == ("echo", "1.0.0")
    assert package.manifest.description == "Echoes. Input: text/csv."
    assert package.manifest.memory_bytes_max == 2 << 20
    assert package.manifest.output_bytes_max == 3 << 20
    assert package.manifest.royalty_ppm == 5000
    assert package.manifest.shape is Shape.COMMAND


def test_the_same_module_manifest_and_key_give_the_same_bytes() -> None:
    assert pack(manifest(), MODULE, AUTHOR) == pack(manifest(), MODULE, AUTHOR)


@pytest.mark.parametrize(
    ("said", "module", "sentence"),
    [
        ('shape = "reactor"', MODULE, "exports no function alloc"),
        ("", b"\x7fELF", "not WebAssembly"),
        ("", translate('(module (import "env" "gettime" (func)))'), "gettime"),
        ("", translate('(module (memory (export "memory") 1 1 shared))'), "threads|shared"),
    ],
)
def test_what_neighbours_would_refuse_is_said_in_a_sentence(
    said: str, module: bytes, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        pack(manifest(said), module, AUTHOR)


def test_a_bare_module_is_opened_as_it_is() -> None:
    opened = open_task(translate(reactor("i64.const 0")), "My Task.wasm")
    assert (opened.manifest.name, opened.manifest.shape) == ("my-task-wasm", Shape.REACTOR)


def test_a_broken_package_is_refused_by_name() -> None:
    data = pack(manifest(), MODULE, AUTHOR)
    for broken in (data[:-1], b"", b"\x7fELF", b"a text"):
        with pytest.raises(Refused, match=r"x\.fogpkg is neither a WebAssembly module nor a pac"):
            open_task(broken, "x.fogpkg")
    with pytest.raises(Refused, match="signature"):
        open_task(data.replace(b"1.0.0", b"1.0.1"), "x.fogpkg")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("sensor_statistics", "sensor-statistics"),
        ("My Task (2)", "my-task-2"),
        ("...", "task"),
        ("", "task"),
        ("x" * 100, "x" * 64),
    ],
)
def test_any_file_name_gives_a_name_that_a_package_may_have(name: str, plain: str) -> None:
    assert plain_name(name) == plain
