"""Packs a module as its manifest says, and opens packages and modules of others."""

import re
from typing import TYPE_CHECKING

from ..errors import Refused
from ..limits import MEBIBYTE
from .manifest import TaskManifest

if TYPE_CHECKING:
    from fogbank_protocol.identity import Identity
    from fogbank_wasm_tasks.package import Package

WASM = b"\0asm"


def pack(manifest: TaskManifest, module: bytes, author: "Identity") -> bytes:
    """Return the package file of ``module``, signed by ``author``.

    Raises:
        Refused: the module is not acceptable; the sentence says why.
    """
    from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
    from fogbank_wasm_tasks.module.facts import Shape
    from fogbank_wasm_tasks.package import pack_module

    package, limits = manifest.package, manifest.limits
    try:
        return pack_module(
            module,
            name=package.name,
            version=package.version,
            author=author,
            shape=None if package.shape == "auto" else Shape(package.shape),
            memory_bytes_max=limits.memory_mib_max * MEBIBYTE,
            output_bytes_max=limits.output_mib_max * MEBIBYTE,
            royalty_ppm=package.royalty_ppm,
            description=manifest.full_description,
        )
    except (RemoteProtocolError, LocalProtocolError) as error:
        raise Refused(f"no package can be made: {error}") from None


def open_task(
    data: bytes, name: str, *, wanted: str = "a WebAssembly module nor a package"
) -> "Package":
    """Return the package in ``data``, or one made on the spot when that is a bare module.

    Such a package is signed by a key that everybody knows: it is for this machine alone.  In errors
    the data is called ``name``, and neither what is ``wanted`` where it is nothing known at all.

    Raises:
        Refused: neither a package nor a module that can be run; the sentence says why.
    """
    from fogbank_protocol.encoding import decode
    from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
    from fogbank_protocol.identity import Identity
    from fogbank_wasm_tasks.limits import PACKAGE_BYTES_MAX
    from fogbank_wasm_tasks.package import open_package, pack_module

    if not data.startswith(WASM):
        try:
            decode(data, bytes_max=PACKAGE_BYTES_MAX)
        except RemoteProtocolError:
            raise Refused(f"{name} is neither {wanted}") from None
    try:
        if data.startswith(WASM):
            nobody = Identity.from_seed(bytes(32))
            data = pack_module(data, name=plain_name(name), version="0", author=nobody)
        return open_package(data)
    except (RemoteProtocolError, LocalProtocolError) as error:
        raise Refused(f"{name}: {error}") from None


def plain_name(name: str) -> str:
    """Return a name that a package may have (SPEC.md section 7.1), like ``name`` of a file."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:64] or "task"
