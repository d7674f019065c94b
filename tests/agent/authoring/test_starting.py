"""A new task: its files, and who may not have one."""

from pathlib import Path

import pytest

from fogbank_agent.authoring.manifest import LANGUAGES
from fogbank_agent.authoring.manifest_file import read_manifest
from fogbank_agent.authoring.starting import start
from fogbank_agent.errors import Refused


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_task_has_a_manifest_that_holds_and_every_file_it_names(
    tmp_path: Path, language: str
) -> None:
    folder = tmp_path / "deep" / "task"

    written = start(folder, "count-1", language)

    said = read_manifest(folder)
    assert (said.package.name, said.build.language) == ("count-1", language)
    assert all(path.is_file() for path in written)
    assert all((folder / source).is_file() for source in said.build.sources)
    assert all((folder / one.input_file).is_file() for one in said.test if one.input_file)
    assert all("{{" not in path.read_text("utf-8") for path in written)
    assert len((folder / "README.md").read_text("utf-8").splitlines()) <= 5
    assert (folder / ".gitignore").is_file()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(Refused, match="is not empty"):
        start(tmp_path, "count", "c")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["", "Count", "-a", "a_b", "../x", "a" * 65])
def test_a_name_that_no_package_may_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="cannot name a package"):
        start(tmp_path / "x", name, "c")


def test_a_rust_program_does_not_begin_with_a_digit(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="begins with a letter"):
        start(tmp_path / "x", "7zip", "rust")
