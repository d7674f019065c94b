"""What a package or a module is, for people and for ``--json``."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.identity import short_form
from fogbank_wasm_tasks.limits import PAGE_BYTES
from fogbank_wasm_tasks.module.facts import Export, ExternKind, ModuleFacts
from fogbank_wasm_tasks.package import Package


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A package that holds, or a module that may be packed."""

    shape: str
    module_bytes: int
    module_hash: bytes
    code_bytes: int
    functions: int
    """With the imported ones."""

    operators: int
    memory_bytes_start: int
    memory_bytes_own_max: int | None
    """What the module itself allows its memory to become; None when it leaves that open."""

    imports: Sequence[str]
    exports: Sequence[str]
    package: "PackageFacts | None"
    """None for a bare module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """What the manifest of a package says; its signature holds."""

    package_id: bytes
    package_bytes: int
    name: str
    version: str
    author: bytes
    author_short: str
    memory_bytes_max: int
    output_bytes_max: int
    royalty_ppm: int
    description: str


def inspect(package: Package, *, is_bare: bool) -> Inspection:
    """Return what ``package`` is; ``is_bare`` when it was made on the spot of a bare module."""
    facts, manifest = package.facts, package.manifest
    memory = facts.memory
    assert memory is not None
    return Inspection(
        shape=str(manifest.shape),
        module_bytes=len(package.module),
        module_hash=manifest.module_hash,
        code_bytes=facts.code_bytes,
        functions=len(facts.functions),
        operators=facts.operators,
        memory_bytes_start=memory.minimum * PAGE_BYTES,
        memory_bytes_own_max=None if memory.maximum is None else memory.maximum * PAGE_BYTES,
        imports=sorted({f"{each.module}.{each.name} {each.type}" for each in facts.imports}),
        exports=[_export(facts, name, each) for name, each in facts.exports.items()],
        package=None if is_bare else package_facts(package),
    )


def package_facts(package: Package) -> PackageFacts:
    """Return what the manifest of ``package`` says."""
    manifest = package.manifest
    return PackageFacts(
        package_id=package.package_id,
        package_bytes=len(package.data),
        name=manifest.name,
        version=manifest.version,
        author=manifest.author,
        author_short=short_form(manifest.author),
        memory_bytes_max=manifest.memory_bytes_max,
        output_bytes_max=manifest.output_bytes_max,
        royalty_ppm=manifest.royalty_ppm,
        description=manifest.description,
    )


def _export(facts: ModuleFacts, name: str, export: Export) -> str:
    if export.kind is ExternKind.FUNCTION:
        return f"{name} {facts.functions[export.index]}"
    return f"{name} ({export.kind.name.lower()})"
