"""The configuration's page and file, made from docstrings."""

from dataclasses import fields
from pathlib import Path

from fogbank_agent import config_page
from fogbank_agent.config import Config, NetworkConfig
from fogbank_agent.config_file import parse_config

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_in_docs_is_what_the_docstrings_say() -> None:
    assert (DOCS / "configuration.md").read_text() == config_page.page()


def test_every_setting_has_a_docstring() -> None:
    page = config_page.page()
    for section in fields(Config):
        for setting in fields(getattr(Config(), section.name)):
            assert f"| `{setting.name}` |" in page


def test_a_new_file_with_nothing_given_has_the_defaults() -> None:
    assert parse_config(config_page.starting_file({}), "c") == Config()


def test_a_new_file_sets_what_is_given() -> None:
    text = config_page.starting_file({"network": {"interfaces": ("127.0.0.1",), "mdns": False}})
    assert parse_config(text, "c") == Config(
        network=NetworkConfig(interfaces=("127.0.0.1",), mdns=False)
    )


def test_every_line_of_a_new_file_holds_when_it_is_uncommented() -> None:
    lines = config_page.starting_file({}).splitlines()
    text = "\n".join(
        line.removeprefix("# ") if " = " in line and line.startswith("# ") else line
        for line in lines
        if not line.startswith("# ") or " = " in line
    )
    assert parse_config(text, "c") == Config()
