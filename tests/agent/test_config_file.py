"""The configuration file: what is read, and what each mistake is answered with."""

import tomllib
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_agent.config import Config, NetworkConfig, ProviderConfig
from fogbank_agent.config_file import parse_config, read_config
from fogbank_agent.errors import ConfigError


def test_an_empty_file_gives_the_defaults() -> None:
    assert parse_config("", "c") == Config()


def test_what_is_set_is_read_and_the_rest_keeps_its_default() -> None:
    text = (
        '[network]\nlisten_port = 7001\ninterfaces = ["127.0.0.1"]\n[provider]\nenabled = false\n'
    )

    config = parse_config(text, "c")

    assert config.network == NetworkConfig(listen_port=7001, interfaces=("127.0.0.1",))
    assert config.provider == ProviderConfig(enabled=False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[provider]\n\n prise = 5",
            "c, line 3: unknown setting 'prise' in [provider]: did you mean 'price'?",
        ),
        ("[networks]\n", "c, line 1: unknown section [networks]: did you mean 'network'?"),
        ("\nprovider = 3", "c, line 2: [provider] is a section, not a value"),
        (
            "[network]\nlisten_port = 70000 # too many",
            "c, line 2: 'listen_port' in [network] must be a whole number from 0 to 65535",
        ),
        (
            "[network]\nlisten_port = true",
            "c, line 2: 'listen_port' in [network] must be a whole number from 0 to 65535",
        ),
        (
            "[provider]\nprice = 1000000000001",
            "c, line 2: 'price' in [provider] must be a whole number from 0 to 1000000000000",
        ),
        (
            "[provider]\nfuel_max = 4398046511104",
            "c, line 2: 'fuel_max' in [provider] must be a whole number from 1 to 4398046511103",
        ),
        (
            "[requestor]\nmemory_mib_max = 257",
            "c, line 2: 'memory_mib_max' in [requestor] must be a whole number from 1 to 256",
        ),
        ('[network]\nmdns = "yes"', "c, line 2: 'mdns' in [network] must be true or false"),
        (
            "[network]\ninterfaces = [1]",
            "c, line 2: 'interfaces' in [network] must be a list of IP addresses, "
            'such as ["127.0.0.1"]',
        ),
        (
            '[network]\nlisten_addresses = ["eth0"]',
            "c, line 2: 'listen_addresses' in [network] must be a list of IP addresses, "
            'such as ["127.0.0.1"]',
        ),
        (
            '[network]\nstatic_peers = ["nowhere"]',
            "c, line 2: 'static_peers' in [network] must be such as [\"192.168.1.20:7001\"]",
        ),
        (
            '[requestor]\nverify = "quorum:9"',
            "c, line 2: 'verify' in [requestor] must be "
            '"auto", "none", "audit", "verify", "partial" or "quorum:3"',
        ),
        (
            '[log]\nlevel = "loud"',
            'c, line 2: \'level\' in [log] must be one of "debug", "info", "warning", "error"',
        ),
        ("[control]\ngroup = 5", "c, line 2: 'group' in [control] must be text in quotes"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c")
    assert str(caught.value) == sentence


def test_an_unknown_name_without_a_near_one_lists_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match="known are enabled, workers, price"):
        parse_config("[provider]\nxyzzy = 1", "c")
    with pytest.raises(ConfigError, match="known are network, provider"):
        parse_config("[bogus]", "c")


def test_an_inline_section_is_read_as_well() -> None:
    assert parse_config("network = {mdns = false}", "c").network.mdns is False


def test_a_missing_file_says_what_takes_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml is missing: put it back; an empty one"):
        read_config(tmp_path / "config.toml")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[network", b"x" * 2_000_000, b"a = 1\na = 2"])
def test_a_damaged_file_is_one_sentence(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@given(st.text())
def test_no_text_at_all_gives_anything_but_a_configuration_or_an_error(text: str) -> None:
    with suppress(ConfigError):
        parse_config(text, "c")


_WORDS = st.sampled_from([section.name for section in fields(Config)] + ["price", "x"])


@settings(max_examples=30)
@given(
    st.dictionaries(
        _WORDS, st.dictionaries(_WORDS, st.integers() | st.booleans() | st.text()) | st.integers()
    )
)
def test_tables_of_any_shape_give_a_configuration_or_an_error(tables: dict[str, object]) -> None:
    lines: list[str] = []
    for name, table in sorted(tables.items(), key=lambda item: isinstance(item[1], dict)):
        if isinstance(table, dict):
            lines += [f"[{name}]"] + [f"{key} = {_literal(value)}" for key, value in table.items()]
        else:
            lines.append(f"{name} = {_literal(table)}")
    text = "\n".join(lines)
    tomllib.loads(text)
    with suppress(ConfigError):
        parse_config(text, "c")


def _literal(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return '"' + "".join(f"\\U{ord(letter):08x}" for letter in str(value)) + '"'
