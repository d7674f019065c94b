"""Reads the configuration file and checks every word of it (``strict_toml``)."""

from pathlib import Path

from .config import Config
from .limits import CONFIG_BYTES_MAX
from .strict_toml import parse, read_text


def read_config(path: Path) -> Config:
    """Return the configuration in the file at ``path``.

    Raises:
        ConfigError: there is no such file, it is not TOML, or it has an unknown key or a value
            out of range; the message names the file, the line, and what is allowed.
    """
    missing = "put it back; an empty one takes every default"
    return parse_config(read_text(path, bytes_max=CONFIG_BYTES_MAX, missing=missing), str(path))


def parse_config(text: str, file: str) -> Config:
    """Return the configuration that ``text`` says; ``file`` is named in errors."""
    return parse(text, file, Config)
