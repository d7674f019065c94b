"""The process that checks signatures: its questions and answers (SPEC.md rule 8.3.12)."""

from io import BytesIO

from fogbank_dag_ledger.signature_process import (
    CLAIM_BYTES,
    COUNT_BYTES,
    answer_claims,
    encode_claims,
    serve,
)

from .community import Community

COMMUNITY = Community()


def test_a_question_names_what_was_signed_and_by_whom() -> None:
    vertices = [COMMUNITY.vertex(person) for person in range(3)]
    question = encode_claims(vertices, COMMUNITY.network)
    assert question[:COUNT_BYTES] == bytes([0, 0, 0, 3])
    assert len(question) == COUNT_BYTES + 3 * CLAIM_BYTES
    assert answer_claims(question[COUNT_BYTES:]) == b"\1\1\1"


def test_a_wrong_signature_a_wrong_key_and_another_network_do_not_hold() -> None:
    good = COMMUNITY.vertex(0)
    forged = good._replace(signature=bytes(64))
    foreign = good._replace(issuer=COMMUNITY.names[1])
    question = encode_claims([good, forged, foreign], COMMUNITY.network)
    assert answer_claims(question[COUNT_BYTES:]) == b"\1\0\0"
    elsewhere = encode_claims([good], type(COMMUNITY.network)(bytes(8)))
    assert answer_claims(elsewhere[COUNT_BYTES:]) == b"\0"


def test_it_answers_question_after_question_until_there_are_no_more() -> None:
    good, other = COMMUNITY.vertex(0), COMMUNITY.vertex(1)._replace(signature=bytes(64))
    questions = encode_claims([good, other], COMMUNITY.network) + encode_claims(
        [other], COMMUNITY.network
    )
    answers = BytesIO()
    serve(BytesIO(questions), answers)
    assert answers.getvalue() == b"\1\0\0"
