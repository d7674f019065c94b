"""A process that checks signatures for the agent (SPEC.md rule 8.3.12).

A thread will not do.  libsodium releases the interpreter's lock for the 50 µs of one check, but a
thread that wants the lock back waits up to 5 ms for an agent that is busy, so checks in a thread
and work in the agent do not overlap when there is most of both.

The agent writes a count of four bytes and so many claims of ``CLAIM_BYTES``; the answer is one byte
a claim, 1 when its signature holds.  The process ends when its input does.
"""

import sys
from collections.abc import Iterable
from typing import BinaryIO

from fogbank_protocol.identity import (
    NODE_ID_BYTES,
    SIGNATURE_BYTES,
    NetworkId,
    is_signed_by,
)

from .limits import VERTEX_ID_BYTES
from .vertex import Vertex, preimage

COUNT_BYTES = 4

_SIGNED_BYTES = len(b"fog-vtx-1\0") + 8 + VERTEX_ID_BYTES
_MESSAGE_AT = NODE_ID_BYTES + SIGNATURE_BYTES
CLAIM_BYTES = _MESSAGE_AT + _SIGNED_BYTES
"""issuer(32) | signature(64) | what was signed(50), of one vertex."""


def encode_claims(vertices: Iterable[Vertex], network: NetworkId) -> bytes:
    """Return the question whether the signatures of ``vertices`` hold (SPEC.md 8.3.12)."""
    parts = [
        part
        for vertex in vertices
        for part in (vertex.issuer, vertex.signature, preimage(network, vertex.id))
    ]
    return (len(parts) // 3).to_bytes(COUNT_BYTES, "big") + b"".join(parts)


def answer_claims(claims: bytes) -> bytes:
    """Return one byte for each of ``claims``: 1 when its signature holds, else 0."""
    return bytes(
        is_signed_by(
            claims[start : start + NODE_ID_BYTES],
            claims[start + _MESSAGE_AT : start + CLAIM_BYTES],
            claims[start + NODE_ID_BYTES : start + _MESSAGE_AT],
        )
        for start in range(0, len(claims), CLAIM_BYTES)
    )


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until ``questions`` ends."""
    while count := questions.read(COUNT_BYTES):
        claims = questions.read(int.from_bytes(count, "big") * CLAIM_BYTES)
        answers.write(answer_claims(claims))
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
