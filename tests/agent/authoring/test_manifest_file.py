"""``fogtask.toml``: what is read, and what each mistake is answered with."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.authoring.manifests import manifest, text

from fogbank_agent.authoring.manifest import (
    BuildSection,
    LimitsSection,
    PackageSection,
    TaskManifest,
    TrialSection,
)
from fogbank_agent.authoring.manifest_file import is_inside, parse_manifest, read_manifest
from fogbank_agent.errors import ConfigError
from fogbank_agent.limits import RUN_FUEL_MAX
from fogbank_wasm_tasks.limits import FUEL_MAX


def test_what_is_not_set_has_its_default() -> None:
    assert manifest() == TaskManifest(
        package=PackageSection(name="echo", version="1.0.0"),
        build=BuildSection(language="c", sources=("main.c",)),
        limits=LimitsSection(),
        test=(),
    )
    assert manifest().module == "build/echo.wasm"
    assert manifest(build='module = "out/x.wasm"').module == "out/x.wasm"


def test_tests_are_read_in_their_order() -> None:
    said = manifest(
        rest='[[test]]\nname = "a"\ninput_text = ""\noutput_text = "x"\n'
        '[[test]]\nname = "b"\nenvironment = ["A=1"]\noutcome = "exit:3"\nseed = 7\n'
    )
    assert said.test == (
        TrialSection(name="a", input_text="", output_text="x"),
        TrialSection(name="b", environment=("A=1",), outcome="exit:3", seed=7),
    )


def test_a_test_may_be_given_as_much_fuel_as_a_run_and_no_more() -> None:
    said = manifest(rest=f'[[test]]\nname = "a"\nfuel_max = {RUN_FUEL_MAX}')

    assert said.test[0].fuel_max == RUN_FUEL_MAX == FUEL_MAX


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("", "m: the section [package] is missing"),
        ('[package]\nname = "a"\n[build]\nlanguage = "c"', "m, line 1: 'version' in [package]"),
        (
            text("royalties = 1"),
            "m, line 4: unknown setting 'royalties' in [package]: did you mean 'royalty_ppm'?",
        ),
        (text(rest="[[tests]]"), "unknown section [tests]: did you mean 'test'?"),
        (text(rest='[test]\nname = "a"'), "m, line 11: write each as a section [[test]]"),
        (text("royalty_ppm = 1000001"), "a whole number from 0 to 1000000"),
        (
            text(rest=f'[[test]]\nname = "a"\nfuel_max = {RUN_FUEL_MAX + 1}'),
            f"a whole number from 1 to {RUN_FUEL_MAX}",
        ),
        (text('input_type = "csv"'), "a media type, such as"),
        (text(limits="memory_mib_max = 257"), "a whole number from 1 to 256"),
        (text().replace('"c"', '"cobol"'), 'one of "c", "zig", "rust", "go", "assemblyscript"'),
        (text().replace('"echo"', '"Echo"'), "small letters, digits and hyphens"),
        (text().replace('["main.c"]', "[]"), "sources must name the files"),
        (text().replace('"main.c"', '"../main.c"'), "inside the task's folder"),
        (text(build='module = "/tmp/x.wasm"'), "inside the task's folder"),
        (text(f'description = "{"x" * 1025}"'), "over 1024 bytes"),
        (
            text(rest='[[test]]\nname = "a"\n[[test]]\nname = "b"\nfule_max = 1'),
            "m, line 15: unknown setting 'fule_max' in [[test]]: did you mean 'fuel_max'?",
        ),
        (text(rest="[[test]]\nseed = 1"), "m, line 11: 'name' in [[test]] is missing"),
        (text(rest='[[test]]\nname = "a"\n' * 2), "two tests are named 'a'"),
        (
            text(rest='[[test]]\nname = "a"\ninput_text = ""\ninput_file = "x"'),
            "has input_text and input_file",
        ),
        (
            text(rest='[[test]]\nname = "a"\noutput_text = ""\noutput_file = "x"'),
            "has several outputs",
        ),
        (
            text(rest='[[test]]\nname = "a"\noutcome = "exit:1"\noutput_text = ""'),
            "no output to compare",
        ),
        (text(rest='[[test]]\nname = "a"\noutcome = "crash"'), '"trap:KIND"'),
        (text(rest='[[test]]\nname = "a"\noutput_sha256 = "00"'), "64 hexadecimal digits"),
        (text(rest='[[test]]\nname = "a"\ninput_file = "/etc/passwd"'), "inside the task's folder"),
        (text(rest='[[test]]\nname = "a"\nenvironment = ["A"]'), "NAME=VALUE"),
        ("[package", "is not TOML"),
    ],
)
def test_each_mistake_is_told_with_its_place(said: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_manifest(said, "m")
    assert sentence in str(raised.value)


def test_a_folder_without_a_manifest_is_told_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fogbank task new"):
        read_manifest(tmp_path)


def test_too_many_tests_are_refused() -> None:
    tests = "".join(f'[[test]]\nname = "{number}"\n' for number in range(257))
    with pytest.raises(ConfigError, match="257 tests"):
        manifest(rest=tests)


@pytest.mark.parametrize("path", ["", "/a", "..", "a/../../b", "a/.."])
def test_paths_that_leave_their_folder_are_told_apart(path: str) -> None:
    assert not is_inside(path)
    assert is_inside("a/b.c")


@given(st.text())
def test_any_text_is_read_or_refused(said: str) -> None:
    with pytest.raises(ConfigError):
        parse_manifest(said, "m")
