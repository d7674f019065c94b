"""Vectors of signatures and short forms (SPEC.md section 2.2)."""

from typing import Any

from fogbank_protocol.identity import Identity, short_form

Json = dict[str, Any]

ORDER = (1 << 252) + 27742317777372353535851937790883648493
"""The order L of the group that Ed25519 signs in."""

# From "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko; the ed25519-speccheck project):
# inputs on which implementations of Ed25519 disagree.  (name, node id, message, signature)
EDGE_CASES = (
    (
        "A and R of small order, S zero",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "2a66241a42a9ee12994d8068dcf1bb7dfc6637b45450acd43711f637fa5080fc",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "A and R of small order, S zero, another message",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "A of small order, R of mixed order",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "A of small order, R of mixed order, another message",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "A of mixed order, R of small order",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
        "182ef1a5b928da07fec769cc8a12db6bcf70dab3f3227fa315e9d5e3e01a3405",
    ),
    (
        "A of mixed order, R of small order, another message",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
        "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ),
    (
        "A and R of mixed order, both equations hold",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
        "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ),
    (
        "A and R of mixed order, only the equation with cofactor holds",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    (
        "A of mixed order, R in the subgroup, only the equation with cofactor holds",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
        "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ),
    (
        "S above the group's order",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
    (
        "S far above the group's order",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
        "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ),
    (
        "R not canonical and of small order",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ),
    (
        "R not canonical and of small order, hashed after reduction",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    ),
    (
        "A not canonical and of small order",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "A not canonical and of small order, hashed after reduction",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
)
EDGE_CASES_ACCEPTED = frozenset({"A and R of mixed order, both equations hold"})


def _signed() -> list[Json]:
    return [
        {
            "name": f"a message of {len(message)} bytes",
            "seed": seed.hex(),
            "node_id": identity.node_id.hex(),
            "short_form": short_form(identity.node_id),
            "message": message.hex(),
            "signature": identity.sign(message).hex(),
        }
        for seed, message in (
            # The first three of RFC 8032 section 7.1.
            (
                bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
                b"",
            ),
            (
                bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
                b"\x72",
            ),
            (
                bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
                b"\xaf\x82",
            ),
            (bytes(range(32)), bytes(range(256)) * 4),
        )
        for identity in (Identity.from_seed(seed),)
    ]


def _edge_cases() -> list[Json]:
    return [
        {"name": name, "node_id": node_id, "message": message, "signature": signature}
        for name, node_id, message, signature in EDGE_CASES
    ]


def _broken() -> list[Json]:
    identity = Identity.from_seed(bytes(range(32)))
    message = b"ten drops"
    good = identity.sign(message)
    scalar = int.from_bytes(good[32:], "little")
    variants = {
        "another message": (identity.node_id, b"ten drop5", good),
        "another signer": (Identity.from_seed(b"o" * 32).node_id, message, good),
        "S raised by the group's order": (
            identity.node_id,
            message,
            good[:32] + (scalar + ORDER).to_bytes(32, "little"),
        ),
        "R changed": (identity.node_id, message, bytes([good[0] ^ 1]) + good[1:]),
        "S changed": (identity.node_id, message, good[:-1] + bytes([good[-1] ^ 1])),
        "a signature of zeros": (identity.node_id, message, bytes(64)),
        "a signature one byte short": (identity.node_id, message, good[:-1]),
        "a signature one byte long": (identity.node_id, message, good + b"\0"),
        "a node id that is not on the curve": (b"\x02" + bytes(31), message, good),
        "a node id one byte short": (identity.node_id[:-1], message, good),
        "the sign of A flipped": (
            identity.node_id[:-1] + bytes([identity.node_id[-1] ^ 0x80]),
            message,
            good,
        ),
    }
    return [
        {"name": name, "node_id": signer.hex(), "message": text.hex(), "signature": signature.hex()}
        for name, (signer, text, signature) in variants.items()
    ]


def build() -> Json:
    """Return the vectors."""
    edge_cases = _edge_cases()
    return {
        "spec": "2.2",
        "accept": _signed() + [case for case in edge_cases if case["name"] in EDGE_CASES_ACCEPTED],
        "reject": [
            case | {"rule": "2.2"}
            for case in [
                *(case for case in edge_cases if case["name"] not in EDGE_CASES_ACCEPTED),
                *_broken(),
            ]
        ],
    }
