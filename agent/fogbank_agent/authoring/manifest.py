"""``fogtask.toml``: what an author says about a task, how it is built, and how it is tried.

Each field is explained in ``docs/authors.md``; ``manifest_file`` reads and checks the file.
"""

from dataclasses import dataclass, field
from typing import Annotated

from ..limits import RUN_FUEL_MAX
from ..strict_toml import Between, Matching, OneOf

LANGUAGES = ("c", "zig", "rust", "go", "assemblyscript")
FILE_NAME = "fogtask.toml"

_Fuel = Annotated[int, Between(1, RUN_FUEL_MAX)]
_MEDIA_TYPE = Matching(r"|[a-z]+/[a-z0-9.+-]{1,64}", 'a media type, such as "text/csv"')
_HASH = Matching(r"|[0-9a-f]{64}", "64 hexadecimal digits")
_OUTCOME = Matching(
    r"ok|out_of_fuel|trap:[a-z_]{1,64}|exit:(0|[1-9][0-9]{0,9})",
    '"ok", "out_of_fuel", "trap:KIND" or "exit:CODE"',
)
_ENVIRONMENT = Matching(r"[^=\0]+=[^\0]*", '["NAME=VALUE"]')


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSection:
    """What the package says of itself (SPEC.md section 7.1)."""

    name: Annotated[
        str, Matching(r"[a-z0-9][a-z0-9-]{0,63}", "small letters, digits and hyphens, at most 64")
    ]
    version: Annotated[str, Matching(r"[0-9A-Za-z.+-]{1,32}", 'a version, such as "1.0.0"')]
    description: str = ""
    input_type: Annotated[str, _MEDIA_TYPE] = ""
    """Media type of the input; it is added to the description."""

    output_type: Annotated[str, _MEDIA_TYPE] = ""
    shape: Annotated[str, OneOf(("auto", "command", "reactor"))] = "auto"
    """Found from the module's exports when "auto"."""

    royalty_ppm: Annotated[int, Between(0, 1_000_000)] = 0
    """Of what the fuel costs, in parts per million."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSection:
    """What a run may use at most."""

    memory_mib_max: Annotated[int, Between(1, 256)] = 64
    output_mib_max: Annotated[int, Between(1, 64)] = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSection:
    """How the module is made."""

    language: Annotated[str, OneOf(LANGUAGES)]
    sources: tuple[str, ...] = ()
    """Files, relative to the manifest; none are named for Rust and Go, whose tools know."""

    flags: tuple[str, ...] = ()
    """Further arguments for the compiler."""

    module: str = ""
    """Where the module goes, relative to the manifest; build/NAME.wasm when empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSection:
    """One trial run and what it must give."""

    name: str
    input_text: str | None = None
    input_file: str | None = None
    arguments: tuple[str, ...] = ()
    environment: Annotated[tuple[str, ...], _ENVIRONMENT] = ()
    seed: Annotated[int, Between(0, (1 << 64) - 1)] = 0
    fuel_max: _Fuel = 100_000_000_000
    outcome: Annotated[str, _OUTCOME] = "ok"
    output_text: str | None = None
    output_file: str | None = None
    output_sha256: Annotated[str, _HASH] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskManifest:
    """The whole file."""

    package: PackageSection
    build: BuildSection
    limits: LimitsSection = field(default_factory=LimitsSection)
    test: tuple[TrialSection, ...] = ()

    @property
    def module(self) -> str:
        """Where the module goes, relative to the manifest."""
        return self.build.module or f"build/{self.package.name}.wasm"

    @property
    def full_description(self) -> str:
        """The description with the media types, as the package carries it."""
        sentences = [self.package.description.strip()]
        if self.package.input_type:
            sentences.append(f"Input: {self.package.input_type}.")
        if self.package.output_type:
            sentences.append(f"Output: {self.package.output_type}.")
        return " ".join(filter(None, sentences))
