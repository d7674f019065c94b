"""What members of a watch sign about a wrong result (SPEC.md sections 8.15 and 9.10)."""

from fogbank_dag_ledger.slashing import result_hash
from fogbank_dag_ledger.statements import sign_finding
from fogbank_protocol.identity import Identity, NetworkId, NodeId
from fogbank_wasm_tasks.outcome import Outcome, outcome_to_value

from ..market.dispute_messages import Finding


def make_finding(
    identity: Identity,
    network: NetworkId,
    owner: NodeId,
    receipt_id: bytes,
    number: int,
    right: bytes,
) -> Finding:
    """Return a finding of ``identity`` about a result that ``owner`` signed."""
    signature = sign_finding(identity, network, owner, receipt_id, number, right)
    return Finding(receipt_id, number, right, signature)


def end_hash(outcome: Outcome, fuel: int) -> bytes:
    """Return the result hash of an end (8.15)."""
    return result_hash(outcome_to_value(outcome), fuel)
