"""Vectors of the cipher suite (SPEC.md sections 3.2 and 3.3), those of other projects included."""

from typing import Any

from nacl.bindings import crypto_scalarmult_base

from fogbank_protocol.channel.noise import CipherState

Json = dict[str, Any]

# As published by two projects, each with its own implementation of Noise: cacophony (Haskell) and
# snow (Rust), for Noise_XX_25519_ChaChaPoly_SHA256.  The messages after the third are transport
# messages, which go on alternating between the sides.
PUBLISHED: list[Json] = [
    {
        "name": "cacophony",
        "init_prologue": "4a6f686e2047616c74",
        "init_static": "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
        "init_ephemeral": "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
        "resp_prologue": "4a6f686e2047616c74",
        "resp_static": "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
        "resp_ephemeral": "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
        "handshake_hash": "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e",
        "messages": [
            {
                "payload": "4c756477696720766f6e204d69736573",
                "ciphertext": (
                    "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477"
                    "696720766f6e204d69736573"
                ),
            },
            {
                "payload": "4d757272617920526f746862617264",
                "ciphertext": (
                    "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f"
                    "276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488"
                    "ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f8814c7194e83f23dbd8d162c"
                    "9326ad"
                ),
            },
            {
                "payload": "462e20412e20486179656b",
                "ciphertext": (
                    "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9"
                    "df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49"
                    "b25030"
                ),
            },
            {
                "payload": "4361726c204d656e676572",
                "ciphertext": "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df",
            },
            {
                "payload": "4a65616e2d426170746973746520536179",
                "ciphertext": "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5",
            },
            {
                "payload": "457567656e2042f6686d20766f6e2042617765726b",
                "ciphertext": (
                    "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f"
                ),
            },
        ],
    },
    {
        "name": "snow",
        "init_prologue": (
            "5468657265206973206e6f20726967687420616e642077726f6e672e2054686572652773"
            "206f6e6c792066756e20616e6420626f72696e672e"
        ),
        "init_static": "7dec208517a3b81a2861d7a71266d5d6dc944c5a8816634a86fe63198a0148ee",
        "init_ephemeral": "a32daf21e93c0131495ce1d903181fde81cc46937daaeb990bae7c992709421e",
        "resp_prologue": (
            "5468657265206973206e6f20726967687420616e642077726f6e672e2054686572652773"
            "206f6e6c792066756e20616e6420626f72696e672e"
        ),
        "resp_static": "4d0aed5098e3b4ef20357e9f686ce66204c792b358da2e475017d6c485304881",
        "resp_ephemeral": "4eece0f195d026db035ff987597c429d3ad3bcc2944df37d649528951b2a27c5",
        "messages": [
            {
                "payload": "d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34",
                "ciphertext": (
                    "f9fa868ba97ab8a2686deccfaad5a484ee10a5bb85e3d1dce015a84797f92818d03c4891"
                    "39e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34"
                ),
            },
            {
                "payload": "d8190a92f7dc0c93dbea9118ba8055751fb7c6590c416ffbd419964132b99a85",
                "ciphertext": (
                    "8c4e6fdb7d09d501a86f7eca5c234522751706ed409182c05cdf5f827d4dae47b81c6c5f"
                    "43b025692c24391eefee725c17d8cb0fbe3e4abb8aedf42c4fd2592d4ea48ac08989d6ae"
                    "8b4adae08b2c34087c808c7aa55a63c02b0fab9e930612336bd43eaea04d3c670a0a1466"
                    "91aa9cc9d357872320dc735dbc48580cffb553db"
                ),
            },
            {
                "payload": "77891b19dcb92ef7c055b672c4a5aa7fdf1c84146b8b303459022729473ce254",
                "ciphertext": (
                    "933ca6b5ed60df3df66121f0ab49a09e49efa45c613a86a3cecbf4c535cef2f83f72b428"
                    "37b18e3572f2fdc2b74c331e2368a545cef54bdca081678ab0e9dd5348122459e0c034c8"
                    "51984d88ce610963d43cde6cfe73a67fbd5a63e8bfca96d0"
                ),
            },
            {
                "payload": "d7efdf988072881941db045a42882433817555128fbf5663e56081712ec7d212",
                "ciphertext": (
                    "54ef0ff0629e1aaa7685a2806ab111cba76b52331f2642276736f415868eacb69ab2577f"
                    "3bda0cbf72f879685f6ed25f"
                ),
            },
            {
                "payload": "dd7bf01a588bafb52c6cfba952e5d8fe35cc2b3f92b4730ae2474615157345ce",
                "ciphertext": (
                    "356be70f110306d5c699bb834bb9d58d909e325924dfbec972e406e6f294dc63e1daebef"
                    "e8a62a334facc8048ab4ad66"
                ),
            },
        ],
    },
]

LOW_ORDER = {
    "the point zero": "00" * 32,
    "the point one": "01" + "00" * 31,
    "a point of order eight": "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "its twin": "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "p - 1": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "p": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "p + 1": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}
"""X25519 public keys with which every secret gives zero."""

STATIC_SECRET = bytes(range(32))
EPHEMERAL_SECRET = bytes(range(32, 64))


def _low_order() -> list[Json]:
    """Return first messages that the responder above must refuse when it comes to answer."""
    return [
        {
            "name": f"an ephemeral key that is {name}",
            "static_secret": STATIC_SECRET.hex(),
            "ephemeral_secret": EPHEMERAL_SECRET.hex(),
            "hex": point,
            "rule": "3.2",
        }
        for name, point in LOW_ORDER.items()
    ]


def _rekey() -> list[Json]:
    """Return messages on both sides of the first two changes of a key."""
    key = bytes(range(64, 96))
    cipher = CipherState(key)
    messages: list[Json] = []
    for nonce in range(2 * 65_536 + 1):
        ciphertext = cipher.encrypt(b"", b"")
        if nonce % 65_536 in (0, 65_535):
            messages.append({"nonce": nonce, "ciphertext": ciphertext.hex()})
    return [{"name": "an empty record beside each change", "key": key.hex(), "messages": messages}]


def _public_keys() -> list[Json]:
    return [
        {"secret": secret.hex(), "public": crypto_scalarmult_base(secret).hex()}
        for secret in (STATIC_SECRET, EPHEMERAL_SECRET)
    ]


def build() -> Json:
    """Return the vectors."""
    return {
        "spec": "3.2",
        "accept": PUBLISHED,
        "reject": _low_order(),
        "rekey": _rekey(),
        "public_keys": _public_keys(),
    }
