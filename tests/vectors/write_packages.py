"""Package files (SPEC.md section 7.1), and the manifests that they must not have."""

from typing import Any

from tests.wasm_tasks.assembler import ECHO, command

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NO_NETWORK, Identity
from fogbank_protocol.signed import sign
from fogbank_wasm_tasks.package import (
    PACKAGE,
    Package,
    hash_module,
    manifest_to_value,
    open_package,
    pack_module,
)

SEED = bytes(range(32))
AUTHOR = Identity.from_seed(SEED)
STRANGER = Identity.from_seed(bytes(32))


def build() -> dict[str, Any]:
    """Return the vectors; ``author_seed`` is the Ed25519 seed of the accepted packages' author."""
    return {
        "spec": "7.1",
        "author_seed": SEED.hex(),
        "accept": [
            _accept("a reactor", pack_module(ECHO, name="echo", version="1.0", author=AUTHOR)),
            _accept(
                "a command with every field",
                pack_module(
                    command(b"\x01"),
                    name="0-task",
                    version="2.0.0-rc.1+b3",
                    author=AUTHOR,
                    memory_bytes_max=65_536,
                    output_bytes_max=0,
                    royalty_ppm=1_000_000,
                    description="größer",
                ),
            ),
        ],
        "reject": _reject_cases(),
    }


def _fields(**changes: Value) -> list[Value]:
    values: dict[str, Value] = {
        "format": 1,
        "name": "echo",
        "version": "1.0",
        "author": AUTHOR.node_id,
        "module_hash": hash_module(ECHO),
        "module_size": len(ECHO),
        "shape": "reactor",
        "memory_bytes_max": 1 << 20,
        "output_bytes_max": 1 << 20,
        "royalty_ppm": 0,
        "description": "",
        **changes,
    }
    return list(values.values())


def _file(fields: Value, *, signer: Identity = AUTHOR, module: bytes = ECHO) -> bytes:
    signed = sign(PACKAGE, NO_NETWORK, signer, fields)
    return encode(["fogpkg", signed.body, signed.signature, module])


def _reject_cases() -> list[dict[str, str]]:
    right = _file(_fields())
    flipped = bytearray(right)
    flipped[right.index(hash_module(ECHO)) + 5] ^= 1
    return [
        _reject("another version of the format", _file(_fields(format=2))),
        _reject("an upper-case name", _file(_fields(name="Echo"))),
        _reject("a name that begins with a hyphen", _file(_fields(name="-echo"))),
        _reject("a name that ends with a line feed", _file(_fields(name="echo\n"))),
        _reject("a name of 65 letters", _file(_fields(name="e" * 65))),
        _reject("an empty version", _file(_fields(version=""))),
        _reject("a short author", _file(_fields(author=bytes(31)))),
        _reject("another module's hash", _file(_fields(module_hash=bytes(32)))),
        _reject("another module's size", _file(_fields(module_size=len(ECHO) + 1))),
        _reject("an unknown shape", _file(_fields(shape="daemon"))),
        _reject("a shape that the module has not", _file(_fields(shape="command")), "7.3"),
        _reject("too little memory", _file(_fields(memory_bytes_max=65_535)), "7.3"),
        _reject("too much memory", _file(_fields(memory_bytes_max=268_435_457))),
        _reject("too large an output", _file(_fields(output_bytes_max=67_108_865))),
        _reject("more than all of the price", _file(_fields(royalty_ppm=1_000_001))),
        _reject("a royalty that is a boolean", _file(_fields(royalty_ppm=False))),
        _reject("a long description", _file(_fields(description="x" * 1_025))),
        _reject("a field too many", _file([*_fields(), 0])),
        _reject("a field too few", _file(_fields()[:-1])),
        _reject("signed by another", _file(_fields(), signer=STRANGER), "2.3"),
        _reject("a flipped bit in the body", bytes(flipped), "2.3"),
        _reject("another module than was signed", _file(_fields(), module=command(b""))),
        _reject("a trailing byte", right + b"\0", "2.1"),
        _reject("cut short", right[:-1], "2.1"),
    ]


def _accept(name: str, data: bytes) -> dict[str, Any]:
    package: Package = open_package(data)
    return {
        "name": name,
        "hex": data.hex(),
        "package_id": package.package_id.hex(),
        "manifest": [
            each.hex() if isinstance(each, bytes) else each
            for each in _list(manifest_to_value(package.manifest))
        ],
    }


def _list(value: Value) -> list[Value]:
    assert isinstance(value, list)
    return value


def _reject(name: str, data: bytes, rule: str = "7.1") -> dict[str, str]:
    return {"name": name, "hex": data.hex(), "rule": rule}
