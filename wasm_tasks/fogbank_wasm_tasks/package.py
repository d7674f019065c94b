"""Packages: a module, its manifest and its author's signature in one file (SPEC.md section 7.1)."""

import re
from dataclasses import dataclass
from hashlib import blake2b

from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import NO_NETWORK, NODE_ID_BYTES, Identity, NodeId
from fogbank_protocol.signed import Domain, Signed, open_signed, sign, signed_from_value

from .limits import (
    DESCRIPTION_BYTES_MAX,
    MANIFEST_BYTES_MAX,
    MEMORY_BYTES_MAX,
    OUTPUT_BYTES_MAX,
    PACKAGE_BYTES_MAX,
    ROYALTY_PPM_MAX,
    STEP_MEMORY_BYTES_MAX,
)
from .module.checks import check_module
from .module.facts import ModuleFacts, Shape
from .module.shape import check_shape, detect_shape
from .module.step_rules import check_step_task

PACKAGE = Domain("fog-pkg-1", MANIFEST_BYTES_MAX)
MODULE_HASH_BYTES = 32
_MAGIC = "fogpkg"
_MANIFEST_VERSION = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an author says about a task."""

    name: str
    version: str
    author: NodeId
    module_hash: bytes
    module_size: int
    shape: Shape
    memory_bytes_max: int = MEMORY_BYTES_MAX
    output_bytes_max: int = OUTPUT_BYTES_MAX
    royalty_ppm: int = 0
    """What the author gets of the fuel's price, in parts per million."""

    description: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Package:
    """A package file that holds in every respect that can be checked without compiling."""

    package_id: BlobId
    manifest: Manifest
    facts: ModuleFacts
    module: bytes
    data: bytes
    """The package file itself: the blob ``package_id``."""

    def __repr__(self) -> str:
        return f"Package({self.manifest.name} {self.manifest.version}, {self.package_id.hex()})"


def pack_module(
    module: bytes,
    *,
    name: str,
    version: str,
    author: Identity,
    shape: Shape | None = None,
    memory_bytes_max: int = MEMORY_BYTES_MAX,
    output_bytes_max: int = OUTPUT_BYTES_MAX,
    royalty_ppm: int = 0,
    description: str = "",
) -> bytes:
    """Return the package file of ``module``, signed by ``author``.

    The shape is found from the exports when ``shape`` is not given.  A step task gets no more
    memory than ``STEP_MEMORY_BYTES_MAX``.

    Raises:
        RemoteProtocolError: the module is not acceptable (sections 7.2 and 7.3).
        LocalProtocolError: another field is not (section 7.1).
    """
    facts = check_module(module)
    shape = shape or detect_shape(facts)
    if shape is Shape.STEP:
        memory_bytes_max = min(memory_bytes_max, STEP_MEMORY_BYTES_MAX)
    manifest = Manifest(
        name=name,
        version=version,
        author=author.node_id,
        module_hash=hash_module(module),
        module_size=len(module),
        shape=shape,
        memory_bytes_max=memory_bytes_max,
        output_bytes_max=output_bytes_max,
        royalty_ppm=royalty_ppm,
        description=description,
    )
    _check_task(module, facts, manifest)
    fields = manifest_to_value(manifest)
    try:
        manifest_from_value(fields)
    except RemoteProtocolError as error:
        raise LocalProtocolError(str(error)) from None
    signed = sign(PACKAGE, NO_NETWORK, author, fields)
    return encode([_MAGIC, signed.body, signed.signature, module])


def open_package(data: bytes) -> Package:
    """Return the package in the file ``data`` after checking all of it.

    This decodes every operator of the module, about a second for a megabyte: call it in a thread
    when the file is large, and keep the result.

    Raises:
        RemoteProtocolError: the file or manifest is malformed (section 7.1), its signature does
            not hold (section 2.3), or the module is not acceptable (sections 7.2 and 7.3).
    """
    match decode(data, bytes_max=PACKAGE_BYTES_MAX):
        case [str(magic), bytes() as body, bytes() as signature, bytes(module)] if magic == _MAGIC:
            signed = signed_from_value(PACKAGE, [body, signature])
        case _:
            raise RemoteProtocolError("not a package file", rule="7.1")
    manifest = open_manifest(signed)
    if manifest.module_size != len(module) or manifest.module_hash != hash_module(module):
        raise RemoteProtocolError("another module than the manifest names", rule="7.1")
    facts = check_module(module)
    _check_task(module, facts, manifest)
    return Package(blob_id(data), manifest, facts, module, data)


def _check_task(module: bytes, facts: ModuleFacts, manifest: Manifest) -> None:
    check_shape(facts, manifest.shape, manifest.memory_bytes_max)
    if manifest.shape is Shape.STEP:
        check_step_task(module, facts)


def open_manifest(signed: Signed) -> Manifest:
    """Return the manifest in ``signed`` after checking that the author it names signed it.

    Raises:
        RemoteProtocolError: not a manifest (section 7.1), or a wrong signature (section 2.3).
    """
    manifest = manifest_from_value(decode(signed.body, bytes_max=MANIFEST_BYTES_MAX))
    open_signed(PACKAGE, NO_NETWORK, manifest.author, signed)
    return manifest


def hash_module(module: bytes) -> bytes:
    """Return the 32-byte hash that names ``module`` in a manifest."""
    return blake2b(module, digest_size=MODULE_HASH_BYTES).digest()


def manifest_to_value(manifest: Manifest) -> Value:
    """Return the fields of the body of ``manifest``."""
    return [
        _MANIFEST_VERSION,
        manifest.name,
        manifest.version,
        manifest.author,
        manifest.module_hash,
        manifest.module_size,
        str(manifest.shape),
        manifest.memory_bytes_max,
        manifest.output_bytes_max,
        manifest.royalty_ppm,
        manifest.description,
    ]


def manifest_from_value(value: Value) -> Manifest:
    """Return the manifest that a decoded body says; its signature is checked elsewhere.

    Raises:
        RemoteProtocolError: it is not a manifest (section 7.1).
    """
    match value:
        case [
            int(format_version),
            str(name),
            str(version),
            bytes(author),
            bytes(module_hash),
            int(module_size),
            str(shape),
            int(memory_bytes_max),
            int(output_bytes_max),
            int(royalty_ppm),
            str(description),
        ] if (
            _in_range(format_version, _MANIFEST_VERSION)
            and format_version == _MANIFEST_VERSION
            and _NAME.fullmatch(name)
            and _VERSION.fullmatch(version)
            and len(author) == NODE_ID_BYTES
            and len(module_hash) == MODULE_HASH_BYTES
            and _in_range(module_size, PACKAGE_BYTES_MAX)
            and shape in set(Shape)
            and _in_range(memory_bytes_max, _memory_bytes_max(shape))
            and _in_range(output_bytes_max, OUTPUT_BYTES_MAX)
            and _in_range(royalty_ppm, ROYALTY_PPM_MAX)
            and len(description.encode("utf-8")) <= DESCRIPTION_BYTES_MAX
        ):
            return Manifest(
                name=name,
                version=version,
                author=NodeId(author),
                module_hash=module_hash,
                module_size=module_size,
                shape=Shape(shape),
                memory_bytes_max=memory_bytes_max,
                output_bytes_max=output_bytes_max,
                royalty_ppm=royalty_ppm,
                description=description,
            )
        case _:
            raise RemoteProtocolError("not a manifest", rule="7.1")


def _memory_bytes_max(shape: str) -> int:
    return STEP_MEMORY_BYTES_MAX if shape == Shape.STEP else MEMORY_BYTES_MAX


def _in_range(value: int, largest: int) -> bool:
    # A boolean is an int in Python, but another value on the wire.
    return 0 <= value <= largest and not isinstance(value, bool)
