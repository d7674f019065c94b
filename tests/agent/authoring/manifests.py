"""Manifests for tests."""

from fogbank_agent.authoring.manifest import TaskManifest
from fogbank_agent.authoring.manifest_file import parse_manifest


def text(package: str = "", *, build: str = "", limits: str = "", rest: str = "") -> str:
    """Return the text of a manifest with further lines in its sections."""
    return (
        f'[package]\nname = "echo"\nversion = "1.0.0"\n{package}\n'
        f'[build]\nlanguage = "c"\nsources = ["main.c"]\n{build}\n[limits]\n{limits}\n{rest}'
    )


def manifest(
    package: str = "", *, build: str = "", limits: str = "", rest: str = ""
) -> TaskManifest:
    """Return what ``text`` says."""
    return parse_manifest(text(package, build=build, limits=limits, rest=rest), "m")
