"""Takes the state of the last but one checkpoint from peers (SPEC.md section 8.22)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId, short_form
from fogbank_protocol.node.failures import CallFailure

from ..checkpoint import (
    COMMITTEE,
    NAMES,
    NEWEST,
    RULE,
    STATE,
    Checkpoint,
    check_signatures,
    decode_checkpoint,
    decode_names,
    decode_newest,
    decode_records,
    encode_names_request,
    encode_state_request,
)
from ..checkpoint_state import decode_record, encode_record
from ..checkpointing import Certified
from ..committee_operations import Table, table_of
from ..committee_proof import check_committee_proof, committees, encode_committee_request
from ..genesis import Genesis
from ..limits import REQUEST_TIMEOUT_S, SNAPSHOT_PEERS
from .checkpoint_files import Snapshot, check_certified, check_quorum
from .network import Network

_log = logging.getLogger(__name__)

_NOTHING = b"\x90"


@dataclass(slots=True)
class _Offer:
    """A floor that some peers stand on."""

    checkpoint: Checkpoint
    signatures: dict[NodeId, bytes]
    proofs: list[bytes]
    tables: list[Table]
    peers: list[NodeId] = field(default_factory=list[NodeId])


async def fetch_snapshot(
    network: Network, genesis: Genesis, peers: Sequence[NodeId], above: int
) -> Snapshot | None:
    """Return the highest floor that ``peers`` stand on, if it is higher than ``above``.

    None when fewer than three peers answered, unless there are fewer, or nothing fits.
    """
    offers, answered = await _offers(network, genesis, peers)
    if answered < min(SNAPSHOT_PEERS, len(peers)) or not offers:
        return None
    best = max(offers, key=lambda offer: (offer.checkpoint.height, len(offer.peers)))
    if best.checkpoint.height <= above:
        return None
    for peer in best.peers:
        # From one peer as long as it answers: what it sends is right as a whole or not at all.
        try:
            certified = await _read(network, genesis, best, peer)
            return Snapshot(certified, tuple(best.proofs))
        except CallFailure as failure:
            _log.debug("the state of %s failed: %s", short_form(peer), failure)
        except RemoteProtocolError as error:
            network.cut_off(peer, str(error))
    return None


async def _offers(
    network: Network, genesis: Genesis, peers: Sequence[NodeId]
) -> tuple[list[_Offer], int]:
    offers: dict[bytes, _Offer] = {}
    proven: list[bytes] = []
    answered = 0
    for peer in peers:
        try:
            answer = await network.request(peer, NEWEST, _NOTHING, timeout_s=REQUEST_TIMEOUT_S)
            checkpoints = decode_newest(answer)
            answered += 1
            if len(checkpoints) == 2:
                body, signatures = checkpoints[0]
                checkpoint = decode_checkpoint(body, genesis.network)
                if checkpoint.hash not in offers:
                    proofs, tables = await _committees(
                        network, genesis, proven, checkpoint.epoch, peer
                    )
                    check_quorum(checkpoint, signatures, genesis, tables)
                    offer = _Offer(checkpoint, signatures, proofs, tables)
                    offers[checkpoint.hash] = offer
                    proven = max(proven, proofs, key=len)
                check_signatures(checkpoint.hash, signatures, genesis.network)
                offers[checkpoint.hash].peers.append(peer)
        except CallFailure as failure:
            _log.debug("%s did not tell its checkpoints: %s", short_form(peer), failure)
        except RemoteProtocolError as error:
            network.cut_off(peer, str(error))
    return list(offers.values()), answered


async def _committees(
    network: Network, genesis: Genesis, proven: Sequence[bytes], epoch: int, peer: NodeId
) -> tuple[list[bytes], list[Table]]:
    """Return the proofs up to ``epoch``; ``proven`` are those that are known.

    Each is checked before the next is asked for: an epoch can be invented, its proof cannot.
    """
    proofs = list(proven[:epoch])
    tables = committees(genesis, proofs)
    while len(proofs) < epoch:
        number = len(proofs) + 1
        body = encode_committee_request(number)
        proof = await network.request(peer, COMMITTEE, body, timeout_s=REQUEST_TIMEOUT_S)
        before = tables[-1] if tables else table_of(genesis.seats, genesis.quorum)
        tables.append(check_committee_proof(proof, genesis.network, number, before))
        proofs.append(proof)
    return proofs, tables


async def _read(network: Network, genesis: Genesis, offer: _Offer, peer: NodeId) -> Certified:
    checkpoint = offer.checkpoint
    state: dict[bytes, bytes] = {}
    while len(state) < checkpoint.record_count:
        body = encode_state_request(checkpoint.hash, len(state))
        answer = await network.request(peer, STATE, body, timeout_s=REQUEST_TIMEOUT_S)
        for data in decode_records(answer):
            key, record = encode_record(decode_record(data))
            if key in state:
                raise RemoteProtocolError("a record told twice", rule=RULE)
            state[key] = record
    body = encode_names_request(checkpoint.hash)
    answer = await network.request(peer, NAMES, body, timeout_s=REQUEST_TIMEOUT_S)
    return check_certified(
        checkpoint, offer.signatures, state, decode_names(answer), genesis, offer.tables
    )
