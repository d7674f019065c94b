"""What receipts of one lot say against each other (SPEC.md section 9.10)."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank_agent.market.offers import StakePlace
from fogbank_agent.trading.accusations import Accusation, AccusationBook
from fogbank_agent.trading.contradiction import Contradictions
from fogbank_agent.trading.journal import Journal
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import Identity
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.outcome import Ok, Trap
from fogbank_wasm_tasks.receipt import Receipt, Result, TraceClaim, sign_receipt
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.verification.terms import StepPlan, make_terms

from ..market.objects import NETWORK

LIAR, HONEST, OTHER = (Identity.from_seed(bytes([number]) * 32) for number in (1, 2, 3))
PACKAGE, INPUTS = b"package", (b"first", b"second")
TERMS = make_terms(
    blob_id(PACKAGE), RunRequest(input=b"", fuel_max=100, arguments=[], seed=7), StepPlan(1, 4)
)
RIGHT = tuple(
    Result(blob_id(data), Ok(blob_id(b"out" + data), 3), 50, TraceClaim(10, b"r" * 32))
    for data in INPUTS
)


def signed(who: Identity, results: Sequence[Result]) -> Signed:
    """Return the receipt of ``who``."""
    receipt = Receipt(b"a" * 32, who.node_id, TERMS.package_id, TERMS.terms_id(), results)
    return sign_receipt(receipt, NETWORK, who)


def accusation(results: Sequence[Result], who: Identity = LIAR) -> Accusation:
    """Return what the honest one and the other have outvoted."""
    return Accusation(
        provider=who.node_id,
        lot_id=b"lot",
        receipt=signed(who, results),
        package_id=TERMS.package_id,
        terms=TERMS,
        inputs=[blob_id(data) for data in INPUTS],
        snapshot=None,
        wall_s_max=60.0,
        confirmed_by=sorted([HONEST.node_id, OTHER.node_id]),
    )


@pytest.fixture
async def contradictions(tmp_path: Path) -> AsyncGenerator[Contradictions]:
    """Give what reads packages and inputs that are here."""
    blobs = BlobStore(tmp_path)
    for data in (PACKAGE, *INPUTS):
        await blobs.put(data)
    yield Contradictions(NETWORK, blobs)
    blobs.close()


@pytest.mark.parametrize(
    "changes",
    [{"outcome": Trap("unreachable")}, {"fuel": 51}, {"trace": TraceClaim(11, b"r" * 32)}],
    ids=str,
)
async def test_another_root_shields_no_lie_that_comes_after_it(
    contradictions: Contradictions, changes: dict[str, object]
) -> None:
    root = replace(RIGHT[0], trace=TraceClaim(10, b"w" * 32))
    lie = replace(RIGHT[1], **changes)  # type: ignore[arg-type]
    proof = await contradictions.prove(accusation((root, lie)), [signed(HONEST, RIGHT)])
    assert proof is not None
    assert (proof.index, proof.given) == (1, INPUTS[1])


async def test_where_only_roots_differ_nothing_can_be_proved(
    contradictions: Contradictions,
) -> None:
    roots = [replace(one, trace=TraceClaim(10, b"w" * 32)) for one in RIGHT]
    assert await contradictions.prove(accusation(roots), [signed(HONEST, RIGHT)]) is None
    assert contradictions.against(accusation(RIGHT), 0, [signed(HONEST, roots)]) == []


async def test_who_contradicts_what_was_right_is_accused_of_that_result(
    contradictions: Contradictions,
) -> None:
    lies = (RIGHT[0], replace(RIGHT[1], fuel=60))
    receipts = [signed(HONEST, lies), signed(OTHER, RIGHT), signed(LIAR, RIGHT)]
    (other,) = contradictions.against(accusation(RIGHT), 1, receipts)
    assert (other.provider, other.number, other.receipt) == (HONEST.node_id, 1, receipts[0])
    proof = await contradictions.prove(other, receipts)
    assert proof is not None
    assert (proof.index, proof.receipt) == (1, receipts[0])


def test_an_accusation_is_kept_until_it_is_ended(tmp_path: Path) -> None:
    place = StakePlace(VertexId(bytes(32)), 3)
    stakes = [(HONEST.node_id, StakePlace(VertexId(b"v" * 32), 1))]
    kept = [
        replace(accusation(RIGHT), their_stakes=stakes),
        replace(accusation(RIGHT, OTHER), number=1),
    ]
    book = AccusationBook(Journal(tmp_path / "journal"))
    for one in kept:
        book.keep(one, place)
    assert sorted(book.left(), key=lambda one: one[0].number or 0) == [
        (replace(one, their_stakes=list(one.their_stakes)), place) for one in kept
    ]
    book.end(kept[0])
    assert [one.provider for one, _ in book.left()] == [OTHER.node_id]
