"""Whom nobody dealt with has to work for being heard (SPEC.md section 8.20)."""

from hashlib import blake2b

import pytest

from fogbank_dag_ledger.events import Unwanted
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import STRANGER_STEP, STRANGER_WORK_BITS, STRANGER_WORK_BITS_MAX
from fogbank_dag_ledger.operations import Act, PostVouchers, Unstake
from fogbank_dag_ledger.strangers import bits_of, bits_wanted, find_work, is_introduced
from fogbank_dag_ledger.vertex import NO_VERTEX, ORDINARY, Draft, Vertex, VertexId
from fogbank_dag_ledger.vertex_codec import sign_vertex
from fogbank_protocol.identity import Identity, NetworkId, NodeId

from .community import Community, people
from .vector_files import vectors

STRANGER = 6
NAME = people(1)[0].node_id


@pytest.mark.parametrize("bits", range(9))
def test_work_is_the_zeros_that_a_hash_of_the_place_begins_with(bits: int) -> None:
    network = Community().network
    work = find_work(network, NAME, 7, bits)
    text = b"fog-pow-1\0" + network + NAME + bytes([0, 0, 0, 7]) + work.to_bytes(8, "big")
    written = "".join(f"{byte:08b}" for byte in blake2b(text, digest_size=32).digest())
    assert bits_of(network, NAME, 7, work) == len(written) - len(written.lstrip("0")) >= bits


def test_the_work_of_the_vectors_is_worth_what_they_say() -> None:
    told = vectors("vertices")
    network = NetworkId(bytes.fromhex(told["network"]))
    for case in told["work"]:
        issuer = NodeId(bytes.fromhex(case["issuer"]))
        assert bits_of(network, issuer, case["seq"], int(case["pow"])) == case["bits"]
    assert max(case["bits"] for case in told["work"]) >= 12


def test_more_strangers_ask_for_more_work() -> None:
    held = [0, STRANGER_STEP - 1, STRANGER_STEP, 2 * STRANGER_STEP, 4 * STRANGER_STEP, 1 << 40]
    wanted = [bits_wanted(strangers) for strangers in held]
    least = STRANGER_WORK_BITS
    assert wanted == [least, least, least + 1, least + 2, least + 3, STRANGER_WORK_BITS_MAX]


def test_only_what_an_issuer_cannot_do_by_itself_introduces_it() -> None:
    opening = VertexId(bytes(32))
    assert not is_introduced((), (Act(opening, 0, PostVouchers(())),))
    assert is_introduced((), (Act(opening, 0, Unstake()),))
    assert not is_introduced((), ())


def test_a_stranger_is_heard_when_it_shows_work_or_was_paid() -> None:
    community = Community(seats=4, others=3)
    ledger = Ledger(community.genesis)
    assert community.genesis.balances.get(community.names[STRANGER], 0) == 0
    idle = community.vertex(STRANGER)
    assert ledger.unwanted(idle) is Unwanted.STRANGER
    # Asked for, as an edge of somebody's, it is taken like any other.
    assert ledger.unwanted(idle, is_asked=True) is None
    worked = _worked(community, STRANGER_WORK_BITS)
    assert ledger.unwanted(worked) is None
    ledger.insert(worked)
    # Work is for one place only, and makes nobody known.
    assert ledger.unwanted(community.vertex(STRANGER, worked)) is Unwanted.STRANGER

    paying = community.vertex(4, pays={STRANGER: 5})
    early = community.vertex(STRANGER, worked, claims=[(paying, 5)])
    assert ledger.unwanted(early) is Unwanted.STRANGER
    ledger.insert(paying)
    claiming = community.vertex(STRANGER, worked, claims=[(paying, 5)])
    assert ledger.unwanted(claiming) is None
    ledger.insert(claiming)
    assert ledger.unwanted(community.vertex(STRANGER, claiming)) is None


def test_many_strangers_make_it_dearer_until_somebody_deals_with_them() -> None:
    community = Community(seats=4, others=3)
    ledger = Ledger(community.genesis)
    last = community.vertex(STRANGER)
    for number in range(STRANGER_STEP - 1):
        identity = Identity.from_seed(b"stranger" + number.to_bytes(24, "big"))
        draft = Draft(ORDINARY, identity.node_id, 0, NO_VERTEX)
        ledger.insert(sign_vertex(draft, identity, community.network))
    assert ledger.work_wanted(last) == STRANGER_WORK_BITS
    ledger.insert(last)
    assert ledger.work_wanted(last) == STRANGER_WORK_BITS + 1
    paying = community.vertex(4, pays={STRANGER: 5})
    ledger.insert(paying)
    ledger.insert(community.vertex(STRANGER, last, claims=[(paying, 5)]))
    other = Draft(ORDINARY, Identity.from_seed(b"s" * 32).node_id, 0, NO_VERTEX)
    assert ledger.work_wanted(other) == STRANGER_WORK_BITS


def _worked(community: Community, bits: int) -> Vertex:
    name = community.names[STRANGER]
    work = find_work(community.network, name, 0, bits)
    return community.sign(Draft(ORDINARY, name, 0, NO_VERTEX, work=work))
