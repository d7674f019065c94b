"""Ops about a committee to values and back (SPEC.md section 8.19); the vectors have the rest."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.committee_codec import committee_from_value, committee_value
from fogbank_dag_ledger.committee_operations import (
    CommitteeOperation,
    CommitteeVote,
    Decision,
    Proposal,
    SignOff,
    Table,
    Want,
)
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

EPOCHS = st.integers(1, 2**32 - 1)
ATTEMPTS = st.integers(0, 1_023)
IDS = st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=32).map(
    lambda found: tuple(VertexId(one) for one in sorted(found))
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    names = sorted(draw(st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=5)))
    seats = tuple((NodeId(name), draw(st.integers(1, 2**31))) for name in names)
    weight = sum(one for _, one in seats)
    return Table(seats, draw(st.integers(weight // 2 + 1, weight)))


@st.composite
def operations(draw: st.DrawFn) -> CommitteeOperation:
    epoch, attempt = draw(EPOCHS), draw(ATTEMPTS)
    digest = draw(st.sampled_from([b"", bytes(32)]))
    proposal = Proposal(
        epoch, attempt, draw(st.integers(-1, attempt - 1)), draw(tables()), draw(IDS)
    )
    drawn: list[CommitteeOperation] = [
        Want(epoch, proposal.table),
        SignOff(epoch),
        proposal,
        CommitteeVote(epoch, attempt, digest, is_precommit=draw(st.booleans())),
        Decision(epoch, proposal.sign_offs[0], proposal.sign_offs),
    ]
    return draw(st.sampled_from(drawn))


@given(operations())
def test_what_is_written_is_read_again(operation: CommitteeOperation) -> None:
    value = decode(encode(committee_value(operation)))
    assert isinstance(value, list)
    assert committee_from_value([*value]) == operation


VALUES: st.SearchStrategy[Value] = st.recursive(
    st.integers(0, 7) | st.booleans() | st.just(bytes(32)) | st.just(b"") | st.none(),
    lambda inner: st.lists(inner, max_size=4),
)


@given(st.lists(VALUES, max_size=4))
def test_anything_else_breaks_a_rule(value: list[Value]) -> None:
    fields: list[object] = [6, *value]
    try:
        operation = committee_from_value(fields)
    except RemoteProtocolError as error:
        broken = error.rule
    else:
        broken = ""
        assert committee_value(operation) == fields
    assert broken in ("", "8.3.1", "8.19.1")
