"""Questions and statements in a dispute (SPEC.md section 7.11)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.encoding import encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.signed import Signed, sign
from fogbank_wasm_tasks.limits import RESULTS_MAX, STATES_MAX
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.statements import (
    STATEMENT,
    Question,
    Statement,
    Wanted,
    decode_question,
    encode_question,
    open_statement,
    sign_statement,
)

PARTY = Identity.from_seed(b"p" * 32)
NETWORK = NetworkId(b"net-work")
SAID = Statement(b"r" * 32, 7, PARTY.node_id, 5, Digest(b"d" * 32))


@given(
    index=st.integers(0, RESULTS_MAX - 1),
    position=st.integers(0, STATES_MAX - 1),
    wanted=st.sampled_from(Wanted),
)
def test_a_question_comes_back(index: int, position: int, wanted: Wanted) -> None:
    question = Question(b"r" * 32, index, position, wanted)

    assert decode_question(encode_question(question)) == question


@pytest.mark.parametrize(
    "fields",
    [
        [2, bytes(32), 0, 0, 0],
        [True, bytes(32), 0, 0, 0],
        [1, bytes(31), 0, 0, 0],
        [1, bytes(32), RESULTS_MAX, 0, 0],
        [1, bytes(32), True, 0, 0],
        [1, bytes(32), 0, STATES_MAX, 0],
        [1, bytes(32), 0, True, 0],
        [1, bytes(32), 0, 0, 2],
        [1, bytes(32), 0, 0, False],
        [1, bytes(32), 0, 0],
        0,
    ],
)
def test_what_is_no_question_is_refused(fields: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_question(encode(fields))
    assert caught.value.rule == "7.11"


def test_a_statement_comes_back() -> None:
    assert open_statement(sign_statement(SAID, NETWORK, PARTY), NETWORK) == SAID


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 2),
        (1, bytes(31)),
        (2, RESULTS_MAX),
        (3, bytes(33)),
        (4, STATES_MAX),
        (4, True),
        (5, bytes(31)),
    ],
)
def test_what_is_no_statement_is_refused(place: int, value: Any) -> None:
    fields: list[Any] = [1, SAID.receipt_id, 7, SAID.party, SAID.position, SAID.digest]
    fields[place] = value

    with pytest.raises(RemoteProtocolError) as caught:
        open_statement(sign(STATEMENT, NETWORK, PARTY, fields), NETWORK)
    assert caught.value.rule == "7.11"


def test_nobody_states_for_another() -> None:
    signed = sign_statement(SAID, NETWORK, PARTY)
    other = Identity.from_seed(b"o" * 32)
    forged = Signed(signed.body, other.sign(STATEMENT.preimage(NETWORK, signed.body)))

    for each, network in ((forged, NETWORK), (signed, NetworkId(bytes(8)))):
        with pytest.raises(RemoteProtocolError) as caught:
            open_statement(each, network)
        assert caught.value.rule == "2.3"
