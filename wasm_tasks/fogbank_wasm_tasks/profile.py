"""Where the fuel of one run went, function by function: for authors, and part of no protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from .module.facts import ExternKind, ModuleFacts
from .module.host_functions import WASI
from .run import RunReport


class ShareKind(StrEnum):
    """What used the fuel."""

    FUNCTION = "function"
    """A function with a body in the module."""

    HOST = "host"
    """A host function: its calls, and the bytes that they carried."""

    BEYOND = "beyond"
    """Fuel charged past the limit, which is not billed: a negative number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one function used itself, without those that it called."""

    kind: ShareKind
    index: int | None
    """Its index in the module; None for what is none of the module's."""

    name: str
    """What the compiler called it, else what it is exported as, else its index."""

    exports: Sequence[str]
    fuel: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One run and where its fuel went: the shares sum to the run's fuel exactly."""

    report: RunReport
    shares: Sequence[Share]
    """Those that were called or charged, the largest first."""


def make_profile(
    report: RunReport,
    facts: ModuleFacts,
    names: dict[int, str],
    functions: Sequence[tuple[int, int]],
    host: Sequence[tuple[str, int, int]],
) -> Profile:
    """Return the profile of a run that ``report`` tells of.

    Args:
        report: how it went.
        facts: of its module.
        names: of functions by index, as far as known.
        functions: fuel and calls of each function with a body.
        host: name, fuel and calls of each host function called.
    """
    first = len(facts.imports)
    exported: dict[int, list[str]] = {}
    for name, export in facts.exports.items():
        if export.kind is ExternKind.FUNCTION:
            exported.setdefault(export.index, []).append(name)
    shares: list[Share] = []
    for index, (fuel, calls) in enumerate(functions, first):
        if calls:
            shown = exported.get(index, [])
            name = names.get(index) or next(iter(shown), f"function {index}")
            shares.append(_share(ShareKind.FUNCTION, name, fuel, calls, index, shown))
    modules = {each.name: each.module for each in facts.imports}
    for name, fuel, calls in host:
        whole = f"{modules.get(name, WASI)}.{name}"
        shares.append(_share(ShareKind.HOST, whole, fuel, calls))
    shares.sort(key=lambda share: (-share.fuel, share.name))
    beyond = sum(share.fuel for share in shares) - report.fuel
    if beyond:
        # Segments are charged whole, before they run: the last may reach past the limit.
        shares.append(_share(ShareKind.BEYOND, "charged beyond the limit", -beyond, 0))
    return Profile(report=report, shares=tuple(shares))


def _share(
    kind: ShareKind,
    name: str,
    fuel: int,
    calls: int,
    index: int | None = None,
    exports: Sequence[str] = (),
) -> Share:
    return Share(kind=kind, index=index, name=name, exports=exports, fuel=fuel, calls=calls)
