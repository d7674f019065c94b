"""Who has the seats of an epoch, shown to somebody who was not there (SPEC.md section 8.22)."""

from typing import Any

import pytest

from fogbank_dag_ledger.committee_operations import table_of, table_value
from fogbank_dag_ledger.committee_proof import (
    check_committee_proof,
    committees,
    decode_committee_request,
    encode_committee_request,
)
from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_protocol.encoding import encode
from fogbank_protocol.errors import RemoteProtocolError

from .vector_files import case_name, vectors

ALL = vectors("checkpoints")
GENESIS = decode_genesis(bytes.fromhex(ALL["genesis"]))
BEFORE = table_of(GENESIS.seats, GENESIS.quorum)


@pytest.mark.parametrize("case", ALL["committees"], ids=case_name)
def test_precommits_of_a_quorum_show_the_next_committee(case: Any) -> None:
    proof = bytes.fromhex(case["hex"])
    table = check_committee_proof(proof, GENESIS.network, case["epoch"], BEFORE)
    assert encode(table_value(table)).hex() == case["table"]
    assert committees(GENESIS, [proof]) == [table]


@pytest.mark.parametrize("case", ALL["no_committees"], ids=case_name)
def test_nothing_else_does(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        check_committee_proof(bytes.fromhex(case["hex"]), GENESIS.network, case["epoch"], BEFORE)
    assert caught.value.rule == case["rule"]


def test_one_epoch_is_asked_for_at_a_time() -> None:
    assert decode_committee_request(encode_committee_request(7)) == 7
    for wrong in ([], [0], [True], [1 << 32], [1, 2]):
        with pytest.raises(RemoteProtocolError):
            decode_committee_request(encode(list(wrong)))
