"""Keeps a proof of a wrong result, with which a dispute begins (SPEC.md section 9.10)."""

from time import time

import trio

from fogbank_dag_ledger.stakes import StakeView
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof, encode_proof
from fogbank_wasm_tasks.verification.statements import receipt_id_of

from ..market.dispute_messages import DisputeOpening
from ..market.offers import StakePlace
from .dispute_book import DisputeRecord


async def keep_proof(
    blobs: BlobStore,
    proof: WrongResultProof,
    place: StakePlace,
    stake: StakeView,
    lot_id: bytes,
) -> DisputeRecord:
    """Put ``proof`` into ``blobs``, and return the dispute about the ``stake`` at ``place``.

    Raises:
        StoreFull: there is no room for it.
    """
    data = await trio.to_thread.run_sync(encode_proof, proof)
    return DisputeRecord(
        receipt_id=receipt_id_of(proof.receipt, proof.network),
        number=proof.index,
        lot_id=lot_id,
        provider=stake.owner,
        opening=DisputeOpening(place, await blobs.put(data), len(data)),
        opened_unix_s=int(time()),
        drops=stake.amount,
    )
