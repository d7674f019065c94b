"""Vectors of objects: ops by themselves, stories, what breaks a rule (SPEC.md 8.12 to 8.17)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.dag_ledger.town import ANN, BOB, CAT, DAN, ROOT, Town, name_of
from tests.vectors.write_vertices import NET, NEXT, SEATED, ids, signed

from fogbank_dag_ledger.committee_operations import table_of, table_value
from fogbank_dag_ledger.home_codec import STATEMENT as HOME
from fogbank_dag_ledger.home_codec import home_preimage
from fogbank_dag_ledger.merkle import merkle_path, merkle_root
from fogbank_dag_ledger.operations import (
    Act,
    Action,
    Agree,
    Close,
    Deliver,
    Dispute,
    EscrowTerms,
    Forked,
    Halve,
    Judge,
    ObjectId,
    Opening,
    PostVouchers,
    Proof,
    Reclaim,
    ReclaimFinal,
    Refund,
    RefundLate,
    Release,
    ReleaseLate,
    Seize,
    Slash,
    StakeTerms,
    Take,
    TopUp,
    TwoVerdicts,
    TwoVouchers,
    Unstake,
    Voucher,
    Withdraw,
    WrongResult,
    object_id,
    outcome_digest,
)
from fogbank_dag_ledger.slashing import result_hash
from fogbank_dag_ledger.statements import (
    FINDING,
    VERDICT,
    sign_finding,
    sign_verdict,
    sign_voucher,
)
from fogbank_dag_ledger.statements import VOUCHER as VOUCHER_DOMAIN
from fogbank_dag_ledger.vertex import NO_VERTEX, Vertex
from fogbank_dag_ledger.vertex_codec import decode_vertex, encode_vertex
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NodeId
from fogbank_protocol.signed import Domain

Json = dict[str, Any]

KEY, OTHER, THIRD = b"\x0a" * 32, b"\x0b" * 32, b"\x0c" * 32
SIGNATURE = b"\x5e" * 64
O = ids(1)[0]  # noqa: E741 - as in SPEC.md 8.12
VOUCHER: Value = [0, 9, 1, ROOT, []]
SPLIT_VOUCHER: Value = [7, 9, 1, ROOT, [[KEY, 4], [OTHER, 5]]]
PROOF = bytes(224)

CHANNEL: list[Value] = [KEY, OTHER, 8, 3_600]
ESCROW: list[Value] = [KEY, [OTHER, THIRD], 2, [[OTHER, 1_000_000]], 60, 60, ROOT]
STAKE: list[Value] = [[KEY, OTHER, THIRD], 2, 86_400, 3]


def _act(number: int, arguments: Value, count: int = 0, index: int = 15) -> Value:
    return [3, O, index, number, arguments, [SIGNATURE] * count]


ACCEPTED: dict[str, Value] = {
    "a channel": [2, 1, 500, CHANNEL],
    "an escrow with arbiters": [2, 2, 500, ESCROW],
    "an escrow without": [2, 2, 1, [KEY, [], 0, [], 1, (1 << 32) - 1, ROOT]],
    "a stake": [2, 3, 500, STAKE],
    "a top-up": _act(1, [5]),
    "vouchers posted": _act(2, [VOUCHER, SPLIT_VOUCHER], 2),
    "a close": _act(3, [ids(2)[1], ids(1), [VOUCHER]], 1),
    "a close with nothing": _act(3, [b"", [], []]),
    "a reclaim": _act(4, []),
    "a reclaim-final": _act(5, [ids(8), [VOUCHER]], 1),
    "a delivery": _act(6, [ROOT]),
    "a dispute": _act(7, []),
    "a release": _act(8, []),
    "a refund": _act(9, []),
    "an agreement": _act(10, [0], 1),
    "a judgement": _act(11, [5, [0, 2]], 2),
    "a late release": _act(12, []),
    "a late refund": _act(13, []),
    "a halving": _act(14, []),
    "an unstaking": _act(15, []),
    "a withdrawal": _act(16, []),
    "a proof of a fork": _act(17, [1, PROOF]),
    "a proof of two verdicts": _act(17, [2, ROOT, 0, 1], 2),
    "a proof of a wrong result": _act(17, [3, ROOT, 0, ROOT, [0, 1]], 2),
    "a proof of two vouchers": _act(17, [4, O, 0, VOUCHER, [0, 8, 1, ROOT, []]], 2),
    "a seizure": _act(18, ids(1)),
    "a take": _act(19, [*ids(1), ROOT]),
    "an anchor": [4, ROOT, 1 << 40, b"photo of the field"],
    "an anchor of nothing": [4, ROOT, 0, b""],
}

REFUSED: dict[str, tuple[list[Value], str]] = {
    "an object of type 4": ([[2, 4, 1, CHANNEL]], "8.3.1"),
    "a type that is true": ([[2, True, 1, CHANNEL]], "8.3.1"),
    "a channel with a term too few": ([[2, 1, 1, CHANNEL[:3]]], "8.3.1"),
    "a key of 31 bytes": ([[2, 1, 1, [KEY[1:], OTHER, 1, 1]]], "8.3.1"),
    "lanes that are text": ([[2, 1, 1, [KEY, OTHER, "1", 1]]], "8.3.1"),
    "an act of number 20": ([_act(20, [])], "8.3.1"),
    "an act of number true": ([[3, O, 0, True, [5], []]], "8.3.1"),
    "a reclaim that says something": ([_act(4, [1])], "8.3.1"),
    "a reclaim with a signature": ([_act(4, [], 1)], "8.3.1"),
    "a top-up with a signature": ([_act(1, [5], 1)], "8.3.1"),
    "a delivery with a signature": ([_act(6, [ROOT], 1)], "8.3.1"),
    "an agreement without a signature": ([_act(10, [0])], "8.3.1"),
    "an agreement with two signatures": ([_act(10, [0], 2)], "8.3.1"),
    "a seizure with a signature": ([_act(18, ids(1), 1)], "8.3.1"),
    "a take with a signature": ([_act(19, [*ids(1), ROOT], 1)], "8.3.1"),
    "a take of half an outcome": ([_act(19, [*ids(1), ROOT[:16]])], "8.3.1"),
    "a delivery of 31 bytes": ([_act(6, [ROOT[1:]])], "8.3.1"),
    "an opening of kind 7": ([[7, 1, 500, CHANNEL]], "8.3.1"),
    "an anchor of kind 7": ([[7, ROOT, 1, b""]], "8.3.1"),
    "an anchor of 31 bytes": ([[4, ROOT[1:], 1, b""]], "8.3.1"),
    "an act without signatures": ([[3, O, 0, 4, []]], "8.3.1"),
    "a signature of 63 bytes": ([[3, O, 0, 10, [0], [SIGNATURE[1:]]]], "8.3.1"),
    "vouchers without signatures": ([_act(2, [VOUCHER])], "8.3.1"),
    "a voucher without a root": ([_act(2, [[0, 9, 1, []]], 1)], "8.3.1"),
    "a judgement with a signature too many": ([_act(11, [5, [0]], 2)], "8.3.1"),
    "a proof of kind 5": ([_act(17, [5, PROOF])], "8.3.1"),
    "a proof of a fork with a signature": ([_act(17, [1, PROOF], 1)], "8.3.1"),
    "a proof of two verdicts with one signature": ([_act(17, [2, ROOT, 0, 1], 1)], "8.3.1"),
    "a proof of kind 5, said like verdicts": ([_act(17, [5, ROOT, 0, 1], 2)], "8.3.1"),
    "a proof of kind 5, said like vouchers": (
        [_act(17, [5, O, 0, VOUCHER, [0, 8, 1, ROOT, []]], 2)],
        "8.3.1",
    ),
    "a proof of a fork of 223 bytes": ([_act(17, [1, PROOF[1:]])], "8.3.1"),
    "an anchor without a label": ([[4, ROOT, 1]], "8.3.1"),
    "a channel of nothing": ([[2, 1, 0, CHANNEL]], "8.12.1"),
    "a channel without lanes": ([[2, 1, 1, [KEY, OTHER, 0, 1]]], "8.12.1"),
    "a channel with nine lanes": ([[2, 1, 1, [KEY, OTHER, 9, 1]]], "8.12.1"),
    "a channel without beats": ([[2, 1, 1, [KEY, OTHER, 1, 0]]], "8.12.1"),
    "a channel of 2**32 beats": ([[2, 1, 1, [KEY, OTHER, 1, 1 << 32]]], "8.12.1"),
    "four arbiters": (
        [[2, 2, 1, [KEY, [bytes([one]) * 32 for one in range(4)], 3, [], 1, 1, ROOT]]],
        "8.12.1",
    ),
    "arbiters that do not ascend": (
        [[2, 2, 1, [KEY, [THIRD, OTHER], 2, [], 1, 1, ROOT]]],
        "8.12.1",
    ),
    "half of the arbiters": ([[2, 2, 1, [KEY, [OTHER, THIRD], 1, [], 1, 1, ROOT]]], "8.12.1"),
    "arbiters without need": ([[2, 2, 1, [KEY, [OTHER], 0, [], 1, 1, ROOT]]], "8.12.1"),
    "a split of more than all": (
        [[2, 2, 1, [KEY, [], 0, [[OTHER, 999_999], [THIRD, 2]], 1, 1, ROOT]]],
        "8.12.1",
    ),
    "a provider in the split": ([[2, 2, 1, [KEY, [], 0, [[KEY, 1]], 1, 1, ROOT]]], "8.12.1"),
    "a provider who judges": ([[2, 2, 1, [KEY, [KEY], 1, [], 1, 1, ROOT]]], "8.12.1"),
    "a stake without a watch": ([[2, 3, 1, [[], 0, 1, 1]]], "8.12.1"),
    "a stake whose half decides": ([[2, 3, 9, [[KEY, OTHER], 1, 1, 2]]], "8.12.1"),
    "a reward of less than a drop each": ([[2, 3, 9, [[KEY, OTHER], 2, 1, 1]]], "8.12.1"),
    "an act on op 16": ([_act(4, [], index=16)], "8.12.1"),
    "a top-up of nothing": ([_act(1, [0])], "8.12.1"),
    "nine vouchers posted": ([_act(2, [VOUCHER] * 9, 9)], "8.12.1"),
    "vouchers of op 16": (
        [_act(17, [4, O, 16, VOUCHER, [0, 8, 1, ROOT, []]], 2)],
        "8.12.1",
    ),
    "a watch of nine": (
        [[2, 3, 9, [[bytes([one]) * 32 for one in range(9)], 5, 1, 9]]],
        "8.12.1",
    ),
    "no vouchers posted": ([_act(2, [])], "8.12.1"),
    "a lane beyond the last": ([_act(2, [[8, 9, 1, ROOT, []]], 1)], "8.12.1"),
    "a voucher that splits more than it has": (
        [_act(2, [[0, 9, 1, ROOT, [[KEY, 10]]]], 1)],
        "8.12.1",
    ),
    "a share of nothing": ([_act(2, [[0, 9, 1, ROOT, [[KEY, 0]]]], 1)], "8.12.1"),
    "posted ids that do not ascend": ([_act(5, [ids(2)[::-1], []])], "8.12.1"),
    "nine posted ids": ([_act(5, [ids(9), []])], "8.12.1"),
    "arbiters named twice": ([_act(11, [5, [1, 1]], 2)], "8.12.1"),
    "two verdicts that agree": ([_act(17, [2, ROOT, 1, 1], 2)], "8.12.1"),
    "two vouchers that agree": ([_act(17, [4, O, 0, VOUCHER, VOUCHER], 2)], "8.12.1"),
    "vouchers of two counts": (
        [_act(17, [4, O, 0, VOUCHER, [0, 9, 2, ROOT, []]], 2)],
        "8.12.1",
    ),
    "vouchers of two lanes": (
        [_act(17, [4, O, 0, VOUCHER, [1, 9, 1, ROOT, []]], 2)],
        "8.12.1",
    ),
    "a receipt id of 31 bytes": ([_act(17, [3, bytes(31), 0, ROOT, [0]], 1)], "8.3.1"),
    "a finding without its signature": ([_act(17, [3, ROOT, 0, ROOT, [0, 1]], 1)], "8.3.1"),
    "a label of 33 bytes": ([[4, ROOT, 1, bytes(33)]], "8.12.1"),
    "one action twice": ([_act(4, []), _act(4, [])], "8.12.2"),
    "two settlements": ([_act(8, []), _act(13, [])], "8.12.2"),
}


def _of_form() -> tuple[list[Json], list[Json]]:
    accept: list[Json] = []
    for name, operation in ACCEPTED.items():
        data = signed({**NEXT, "ops": [operation]})
        vertex = decode_vertex(data, NET)
        opened = (
            [object_id(vertex.id, 0).hex()] if isinstance(vertex.operations[0], Opening) else []
        )
        edges = sorted(edge.hex() for edge in vertex.edges)
        accept.append({"name": name, "hex": data.hex(), "opens": opened, "edges": edges})
    reject = [
        {"name": name, "hex": signed({**SEATED, "ops": operations}).hex(), "rule": rule}
        for name, (operations, rule) in REFUSED.items()
    ]
    return accept, reject


# Stories.


def _closed_channel(town: Town) -> None:
    opening = town.open(ANN, 500, town.channel())
    top_up = town.act(ANN, opening, TopUp(100))
    vouchers = (
        town.voucher(opening, 300, count=2, split={CAT: 30}),
        town.voucher(opening, 250, lane=1, split={CAT: 5, DAN: 1}),
    )
    closing = town.act(BOB, opening, Close(top_up.id, (), vouchers))
    take = town.act(BOB, opening, town.taking(opening, closing))
    town.act(ANN, opening, town.taking(opening, closing))
    town.issue(CAT, claims=[(take, 35)])
    town.wait(2)


def _reclaimed_channel(town: Town) -> None:
    opening = town.open(ANN, 500, town.channel(beats=6))
    posted = town.act(DAN, opening, PostVouchers((town.voucher(opening, 120),)))
    town.act(ANN, opening, Reclaim())
    settling = town.act(ANN, opening, ReclaimFinal((posted.id,), ()))
    town.wait(12)
    town.act(ANN, opening, town.taking(opening, settling))


def _taken_back(town: Town) -> None:
    """Ann signs away to Cat what an earlier voucher of hers leaves to Bob."""
    opening = town.open(ANN, 500, town.channel(beats=6))
    good = town.act(DAN, opening, PostVouchers((town.voucher(opening, 120, split={CAT: 20}),)))
    later = town.voucher(opening, 130, count=2, split={CAT: 31})
    posted = town.act(ANN, opening, PostVouchers((later,)))
    town.act(ANN, opening, Reclaim())
    town.act(ANN, opening, ReclaimFinal((posted.id,), ()))
    town.wait(12)
    named = tuple(sorted((good.id, posted.id)))
    settling = town.act(ANN, opening, ReclaimFinal(named, ()))
    town.wait(6)
    town.act(BOB, opening, town.taking(opening, settling))


def _judged_escrow(town: Town) -> None:
    opening = town.open(ANN, 500, town.escrow(arbiters=(CAT, DAN), need=2))
    town.act(BOB, opening, Deliver(ROOT))
    town.act(ANN, opening, Dispute())
    settling = town.act(BOB, opening, _judged(town, opening, 200))
    town.act(BOB, opening, town.taking(opening, settling))
    town.act(ANN, opening, town.taking(opening, settling))


def _judged(town: Town, opening: Vertex, award: int) -> Judge:
    keys = sorted((town.key(CAT), town.key(DAN)), key=lambda one: one.node_id)
    name = name_of(opening)
    verdicts = tuple(sign_verdict(key, town.community.network, name, award) for key in keys)
    return Judge(award, (0, 1), verdicts)


def _short(town: Town) -> EscrowTerms:
    return replace(town.escrow(), delivery_beats=8, dispute_beats=4)


def _released_late(town: Town) -> None:
    opening = town.open(ANN, 500, _short(town))
    town.act(BOB, opening, Deliver(ROOT))
    town.wait(6)
    settling = town.act(BOB, opening, ReleaseLate())
    town.act(BOB, opening, town.taking(opening, settling))


def _halved(town: Town) -> None:
    opening = town.open(ANN, 501, _short(town))
    town.act(ANN, opening, Dispute())
    settling = town.act(BOB, opening, Halve())
    town.wait(6)
    town.act(ANN, opening, town.taking(opening, settling))


def _refunded_late(town: Town) -> None:
    opening = town.open(ANN, 500, _short(town))
    settling = town.act(ANN, opening, RefundLate())
    town.wait(12)
    town.act(ANN, opening, town.taking(opening, settling))


def _seized(town: Town) -> None:
    opening = town.open(ANN, 500, town.stake(beats=20))
    town.act(ANN, opening, Unstake())
    notice = town.act(BOB, opening, Slash(town.verdicts_of(ANN)))
    settling = town.act(BOB, opening, Seize(notice.id))
    town.act(CAT, opening, town.taking(opening, settling))


def _withdrawn(town: Town) -> None:
    opening = town.open(ANN, 500, town.stake(beats=6))
    town.act(ANN, opening, Unstake())
    settling = town.act(ANN, opening, Withdraw())
    town.wait(12)
    town.act(ANN, opening, town.taking(opening, settling))


def _proofs(town: Town) -> None:
    """Every sort of proof, none of which is needed twice."""
    opening = town.open(ANN, 300, town.stake())
    channel = town.open(ANN, 100, town.channel())
    proofs = (town.fork_of(ANN), town.wrong_result(ANN), town.two_vouchers(channel))
    for proof in proofs:
        town.issue(BOB, Act(opening.id, 0, Slash(proof)))
    town.wait(2)


def _closed_with_posted(town: Town) -> None:
    opening = town.open(ANN, 500, town.channel())
    posted = town.act(DAN, opening, PostVouchers((town.voucher(opening, 120, split={CAT: 9}),)))
    closing = town.act(BOB, opening, Close(NO_VERTEX, (posted.id,), ()))
    town.act(BOB, opening, town.taking(opening, closing))


def _released(town: Town) -> None:
    opening = town.open(ANN, 500, town.escrow())
    settling = town.act(ANN, opening, Release())
    town.act(BOB, opening, town.taking(opening, settling))


def _refunded(town: Town) -> None:
    opening = town.open(ANN, 500, town.escrow())
    settling = town.act(BOB, opening, Refund())
    town.act(ANN, opening, town.taking(opening, settling))


def _agreed(town: Town) -> None:
    """Ann has signed that Bob gets 200, and Bob settles by it; a tenth of that is Cat's."""
    opening = town.open(ANN, 500, town.escrow())
    signature = sign_verdict(town.key(ANN), town.community.network, name_of(opening), 200)
    settling = town.act(BOB, opening, Agree(200, signature))
    taken = town.act(BOB, opening, town.taking(opening, settling))
    town.act(ANN, opening, town.taking(opening, settling))
    town.issue(CAT, claims=[(taken, 20)])
    town.wait(2)


def _halved_by_the_opener(town: Town) -> None:
    """Who disputed may halve after twice as many beats as the provider."""
    opening = town.open(ANN, 500, _short(town))
    town.act(ANN, opening, Dispute())
    settling = town.act(ANN, opening, Halve())
    town.wait(12)
    town.act(BOB, opening, town.taking(opening, settling))


def _split_votes(town: Town) -> None:
    opening = town.open(ANN, 500, town.escrow())
    town.split_votes(opening, Release(), Refund())


def _escrow_for_three(town: Town, *, delivery_beats: int) -> EscrowTerms:
    """To Bob, for whom it says nothing; an op of 200 bytes with 255 beats, of 201 with 256."""
    names = town.community.names
    split = tuple((name, 300_000) for name in sorted((names[ANN], names[CAT], names[DAN])))
    return EscrowTerms(names[BOB], (), 0, split, delivery_beats, 200, ROOT)


def _smallest_deposits(town: Town) -> None:
    """Each puts in as little as 8.12.11 allows."""
    town.open(ANN, 1, replace(town.channel(), beats=(1 << 32) - 1))
    for beats, least in ((255, 2), (256, 3)):
        opening = town.open(ANN, least, _escrow_for_three(town, delivery_beats=beats))
        release = town.act(ANN, opening, Release())
        town.act(BOB, opening, town.taking(opening, release))


STORIES = {
    "objects with the smallest deposits": _smallest_deposits,
    "a channel, topped up, closed, taken": _closed_channel,
    "a channel, reclaimed": _reclaimed_channel,
    "an escrow, judged": _judged_escrow,
    "an escrow, released late": _released_late,
    "an escrow, halved": _halved,
    "an escrow, refunded late": _refunded_late,
    "a stake, seized": _seized,
    "a stake, withdrawn": _withdrawn,
    "a channel, closed with what was posted": _closed_with_posted,
    "a channel, reclaimed by a later voucher that leaves its provider less": _taken_back,
    "an escrow, released": _released,
    "an escrow, refunded": _refunded,
    "an escrow, agreed on": _agreed,
    "an escrow, halved by its opener": _halved_by_the_opener,
    "proofs": _proofs,
    "an escrow whose votes are split": _split_votes,
}


def _story(name: str) -> Json:
    town = Town()
    STORIES[name](town)
    town.check()
    ledger = town.ledger
    return {
        "name": name,
        "genesis": town.community.genesis.body.hex(),
        "vertices": _wires(town.inserted),
        "final": sorted(one.id.hex() for one in town.inserted if ledger.is_final(one.id)),
        "outcomes": [
            {"id": held.id.hex(), "award": held.outcome.award, "seized": held.outcome.is_seizure}
            for held in ledger.objects()
            if held.outcome is not None
        ],
        "balances": {one.hex(): ledger.balance(one) for one in town.community.names},
        "supply_held": ledger.supply_held(),
        "burned": ledger.burned,
        "state_hash": ledger.state_hash().hex(),
    }


# What breaks a rule of the cone.


class _Case:
    """An open channel, escrow and stake of Ann's, and what is drafted on top."""

    def __init__(self) -> None:
        self.town = town = Town()
        self.channel = town.open(ANN, 300, town.channel())
        self.escrow = town.open(ANN, 300, town.escrow(arbiters=(CAT, DAN), need=2))
        self.stake = town.open(ANN, 300, town.stake())
        self.top_up = town.act(ANN, self.channel, TopUp(50))
        self.posted = town.act(DAN, self.channel, PostVouchers((self.voucher(30),)))
        self.release = town.act(ANN, self.escrow, Release())
        self.take = town.taking(self.escrow, self.release)
        self.taken = town.act(BOB, self.escrow, self.take)

    def voucher(self, total: int, **changes: Any) -> Any:
        return self.town.voucher(self.channel, total, **changes)

    def by(self, person: int, opening: Vertex, action: Action, index: int = 0) -> Vertex:
        return self.town.draft(person, Act(opening.id, index, action))

    def opens(self, person: int, terms: Any, amount: int = 10) -> Vertex:
        return self.town.draft(person, Opening(0, amount, terms))


def _broken(case: _Case) -> list[tuple[str, Vertex, str]]:
    town, by = case.town, case.by
    names, network = town.community.names, town.community.network
    channel, escrow, stake = case.channel, case.escrow, case.stake
    spoilt = replace(case.voucher(10), signature=bytes(64))
    other_side = town.community.vertex(ANN, does=[Act(channel.id, 0, Reclaim())], note=7)
    agreed, too_much = (
        sign_verdict(town.key(ANN), network, name_of(escrow), award) for award in (10, 301)
    )
    pair = tuple(sorted((names[CAT], names[DAN])))
    return [
        ("an act on a vertex that opens nothing", by(ANN, case.top_up, Reclaim()), "8.12.3"),
        ("an act on another op", by(ANN, channel, Reclaim(), index=1), "8.12.3"),
        ("a dispute of a channel", by(ANN, channel, Dispute()), "8.12.4"),
        ("a reclaim by the provider", by(BOB, channel, Reclaim()), "8.12.4"),
        ("a close by the payer", by(ANN, channel, Close(NO_VERTEX, (), ())), "8.12.4"),
        ("a halving by a stranger", by(DAN, escrow, Halve()), "8.12.4"),
        ("an act on the other side of a fork", other_side, "8.12.5"),
        ("funds that are no top-up", by(BOB, channel, Close(channel.id, (), ())), "8.12.6"),
        (
            "vouchers that were not posted",
            by(BOB, channel, Close(NO_VERTEX, (case.top_up.id,), ())),
            "8.12.6",
        ),
        ("a seizure without a proof", by(BOB, stake, Seize(stake.id)), "8.12.6"),
        ("a take of what was not settled", by(ANN, channel, case.take), "8.12.6"),
        (
            "a take of another outcome",
            by(BOB, escrow, Take(case.release.id, outcome_digest(299, (), is_seizure=False))),
            "8.12.6",
        ),
        ("a voucher nobody signed", by(BOB, channel, PostVouchers((spoilt,))), "8.12.7"),
        (
            "a voucher of another channel",
            by(BOB, channel, PostVouchers((town.voucher(escrow, 10),))),
            "8.12.7",
        ),
        ("an agreement on something else", by(BOB, escrow, Agree(11, agreed)), "8.12.7"),
        ("an agreement with oneself", by(ANN, escrow, Agree(10, agreed)), "8.12.7"),
        (
            "verdicts in another order",
            by(BOB, escrow, _backwards(_judged(town, escrow, 10))),
            "8.12.7",
        ),
        ("a take after all was taken", by(BOB, escrow, case.take), "8.12.9"),
        ("a take of a stranger's", by(DAN, escrow, case.take), "8.12.9"),
        ("a take of nothing", by(ANN, escrow, case.take), "8.12.9"),
        (
            "a deposit of two drops for 201 bytes",
            case.opens(ANN, _escrow_for_three(town, delivery_beats=256), 2),
            "8.12.11",
        ),
        (
            "a channel to oneself",
            case.opens(BOB, replace(town.channel(), lanes=1)),
            "8.13.1",
        ),
        ("a top-up that says no more", by(ANN, channel, TopUp(50)), "8.13.2"),
        ("a top-up beyond 2**64", by(ANN, channel, TopUp((1 << 64) - 300)), "8.13.2"),
        (
            "a lane that is not open",
            by(BOB, channel, PostVouchers((case.voucher(9, lane=2),))),
            "8.13.3",
        ),
        (
            "a split with the provider",
            by(BOB, channel, PostVouchers((case.voucher(9, split={BOB: 1}),))),
            "8.13.3",
        ),
        (
            "a close for more than the opening",
            by(BOB, channel, Close(NO_VERTEX, (), (case.voucher(301),))),
            "8.13.4",
        ),
        (
            "a close for more than opening and top-up, by two lanes",
            by(
                BOB,
                channel,
                Close(case.top_up.id, (case.posted.id,), (case.voucher(321, lane=1),)),
            ),
            "8.13.4",
        ),
        (
            "a reclaim-final for more than was put in",
            by(ANN, channel, ReclaimFinal((), (case.voucher(351),))),
            "8.13.4",
        ),
        (
            "an escrow whose opener judges",
            case.opens(CAT, EscrowTerms(names[BOB], (names[CAT],), 1, (), 1, 1, ROOT)),
            "8.14.1",
        ),
        (
            "an escrow for oneself",
            case.opens(BOB, EscrowTerms(names[BOB], (), 0, (), 1, 1, ROOT)),
            "8.14.1",
        ),
        ("an award of too much", by(BOB, escrow, Agree(301, too_much)), "8.14.2"),
        ("a judgement of too much", by(BOB, escrow, _judged(town, escrow, 301)), "8.14.2"),
        (
            "a judgement of one arbiter of two",
            by(BOB, escrow, _of_one(_judged(town, escrow, 10), 0)),
            "8.14.2",
        ),
        (
            "a judgement of an arbiter that is none",
            by(BOB, escrow, replace(_judged(town, escrow, 10), arbiters=(0, 2))),
            "8.14.2",
        ),
        (
            "a reward above the stake",
            case.opens(BOB, StakeTerms(pair, 2, 1, 11)),
            "8.15.1",
        ),
        ("a proof against somebody else", by(BOB, stake, Slash(town.fork_of(CAT))), "8.15.2"),
        ("a proof of no fork", by(BOB, stake, Slash(Forked(bytes(224)))), "8.15.2"),
        ("verdicts of somebody else", by(BOB, stake, Slash(town.verdicts_of(CAT))), "8.15.2"),
        (
            "verdicts nobody signed",
            by(BOB, stake, Slash(_unsigned(town.verdicts_of(ANN)))),
            "8.15.2",
        ),
        (
            "a wrong result found by too few",
            by(BOB, stake, Slash(town.wrong_result(ANN, members=1))),
            "8.15.2",
        ),
        (
            "a wrong result of somebody else",
            by(BOB, stake, Slash(town.wrong_result(CAT))),
            "8.15.2",
        ),
        (
            "another receipt than the finding's",
            by(BOB, stake, Slash(replace(town.wrong_result(ANN), receipt_id=bytes([1] * 32)))),
            "8.15.2",
        ),
        (
            "another result than the finding's",
            by(BOB, stake, Slash(replace(town.wrong_result(ANN), number=1))),
            "8.15.2",
        ),
        (
            "vouchers of a channel that was opened before the stake",
            by(BOB, stake, Slash(town.two_vouchers(channel))),
            "8.15.2",
        ),
        ("more put in than there is", case.opens(ANN, town.channel(), 51), "8.3.17"),
    ]


class _Later:
    """A stake of Ann's, and what she and others opened after it."""

    def __init__(self) -> None:
        self.town = town = Town()
        self.stake = town.open(ANN, 300, town.stake())
        self.channel = town.open(ANN, 100, town.channel(lanes=3))
        self.escrow = town.open(ANN, 100, town.escrow())
        self.of_cat = town.open(CAT, 100, town.channel())
        self.spent = town.open(ANN, 100, town.channel())
        closing = town.act(BOB, self.spent, Close(NO_VERTEX, (), ()))
        town.act(ANN, self.spent, town.taking(self.spent, closing))
        self.posted = [
            town.act(DAN, self.channel, PostVouchers((self.to_eight(lane),))) for lane in (0, 1)
        ]

    def to_eight(self, lane: int, payees: int = 8) -> Voucher:
        """Return a voucher that pays so many people, others on each lane."""
        return sign_voucher(
            self.town.key(ANN),
            self.town.community.network,
            name_of(self.channel),
            lane=lane,
            total=payees,
            count=1,
            root=ROOT,
            split=[(NodeId(bytes([8 * lane + one]) * 32), 1) for one in range(1, payees + 1)],
        )

    def by_bob(self, opening: Vertex, action: Action) -> Vertex:
        return self.town.draft(BOB, Act(opening.id, 0, action))


def _broken_later(case: _Later) -> list[tuple[str, Vertex, str]]:
    town, proof = case.town, case.town.two_vouchers(case.channel)
    posted = tuple(sorted(one.id for one in case.posted))

    def slash(proof: Proof) -> Vertex:
        return case.by_bob(case.stake, Slash(proof))

    return [
        (
            "a top-up after taking what was left",
            town.draft(ANN, Act(case.spent.id, 0, TopUp(50))),
            "8.13.2",
        ),
        (
            "a close that pays seventeen",
            case.by_bob(case.channel, Close(NO_VERTEX, posted, (case.to_eight(2, payees=1),))),
            "8.13.4",
        ),
        ("vouchers of another channel", slash(replace(proof, opening=case.spent.id)), "8.15.2"),
        ("vouchers nobody signed", slash(_unsigned_vouchers(proof)), "8.15.2"),
        (
            "vouchers of a channel of somebody else",
            slash(town.two_vouchers(case.of_cat)),
            "8.15.2",
        ),
        ("vouchers of an escrow", slash(town.two_vouchers(case.escrow)), "8.15.2"),
        ("vouchers of what was not opened", slash(replace(proof, index=1)), "8.15.2"),
        (
            "a wrong result found by a member that there is not",
            slash(replace(town.wrong_result(ANN), members=(0, 2))),
            "8.15.2",
        ),
        (
            "a finding that nobody signed",
            slash(_without_second(town.wrong_result(ANN))),
            "8.15.2",
        ),
        (
            "one verdict of two that the owner signed",
            slash(_one_signed(town.verdicts_of(ANN))),
            "8.15.2",
        ),
    ]


def _backwards(judged: Judge) -> Judge:
    return replace(judged, signatures=judged.signatures[::-1])


def _of_one(judged: Judge, number: int) -> Judge:
    return replace(judged, arbiters=(number,), signatures=judged.signatures[number : number + 1])


def _unsigned(proof: TwoVerdicts) -> TwoVerdicts:
    return replace(proof, signatures=(bytes(64), bytes(64)))


def _one_signed(proof: TwoVerdicts) -> TwoVerdicts:
    return replace(proof, signatures=(proof.signatures[0], bytes(64)))


def _without_second(proof: WrongResult) -> WrongResult:
    return replace(proof, signatures=(proof.signatures[0], bytes(64)))


def _unsigned_vouchers(proof: TwoVouchers) -> TwoVouchers:
    one, other = proof.vouchers
    return replace(proof, vouchers=(one, replace(other, signature=bytes(64))))


def _settled_too_often() -> tuple[Town, Vertex]:
    town = Town()
    opening = town.open(ANN, 300, town.channel())
    for total in range(1, 5):
        settling = Act(opening.id, 0, ReclaimFinal((), (town.voucher(opening, total),)))
        town.issue(ANN, settling)
    return town, town.draft(ANN, Act(opening.id, 0, ReclaimFinal((), ())))


def _false_statements() -> list[Json]:
    """Return the same, signed by somebody else or for another network."""
    cases: list[Json] = []
    ann, bob = Town().key(ANN), Town().key(BOB)
    for true in _statements():
        preimage = bytes.fromhex(true["preimage"])
        domain, _, rest = preimage.partition(b"\0")
        elsewhere = domain + b"\0" + bytes(8) + rest[8:]
        signatures = {"somebody else": bob.sign(preimage), "elsewhere": ann.sign(elsewhere)}
        cases += [
            {**true, "by": by, "signature": signature.hex()} for by, signature in signatures.items()
        ]
    return cases


def _statements() -> list[Json]:
    """One of each, signed by Ann for one network; each is good for nothing else."""
    ann, name = Town().key(ANN), ObjectId(b"\1" * 32)
    voucher = sign_voucher(
        ann, NET, name, lane=1, total=900, count=3, root=ROOT, split=[(Town().key(CAT).node_id, 90)]
    )
    split: Value = [[who, drops] for who, drops in voucher.split]
    table = table_of({ann.node_id: 2}, 2)
    bodies: list[tuple[Domain, Value, bytes]] = [
        (VOUCHER_DOMAIN, [1, name, 1, 900, 3, ROOT, split], voucher.signature),
        (VERDICT, [1, name, 250], sign_verdict(ann, NET, name, 250)),
        (
            FINDING,
            [1, ann.node_id, ROOT, 4, bytes(32)],
            sign_finding(ann, NET, ann.node_id, ROOT, 4, bytes(32)),
        ),
        (
            HOME,
            [1, ann.node_id, table_value(table), NO_VERTEX],
            ann.sign(home_preimage(NET, ann.node_id, table)),
        ),
    ]
    return [
        {
            "name": domain.name,
            "key": ann.node_id.hex(),
            "body": encode(fields).hex(),
            "preimage": domain.preimage(NET, encode(fields)).hex(),
            "signature": signature.hex(),
        }
        for domain, fields, signature in bodies
    ]


def _paths() -> list[Json]:
    names = [bytes([number]) * 32 for number in range(11)]
    return [
        {
            "count": count,
            "index": index,
            "id": names[index].hex(),
            "path": [one.hex() for one in merkle_path(names[:count], index)],
            "root": merkle_root(names[:count]).hex(),
        }
        for count in (1, 2, 3, 7, 8, 11)
        for index in (0, count // 2, count - 1)
    ]


def _false_paths() -> list[Json]:
    names = [bytes([number]) * 32 for number in range(11)]
    root, path = merkle_root(names), list(merkle_path(names, 4))
    other = merkle_root(names[:10])
    cases: list[tuple[str, bytes, int, int, bytes, list[bytes]]] = [
        ("another id", root, 11, 4, names[5], path),
        ("another index", root, 11, 5, names[4], path),
        ("an index beyond the last", root, 11, 11, names[4], path),
        ("another count", root, 10, 8, names[8], list(merkle_path(names, 8))),
        ("another root", other, 11, 4, names[4], path),
        ("a hash too few", root, 11, 4, names[4], path[:-1]),
        ("a hash too many", root, 11, 4, names[4], [*path, root]),
        ("a hash of 31 bytes", root, 11, 4, names[4], [path[0][:31], *path[1:]]),
        ("no ids", merkle_root([]), 0, 0, names[0], []),
    ]
    return [
        {
            "name": name,
            "count": count,
            "index": index,
            "id": one.hex(),
            "path": [part.hex() for part in way],
            "root": top.hex(),
            "rule": "8.16",
        }
        for name, top, count, index, one, way in cases
    ]


def _wires(vertices: Sequence[Vertex]) -> list[str]:
    return [encode_vertex(vertex).hex() for vertex in vertices]


def _group(town: Town, cases: Sequence[tuple[str, Vertex, str]]) -> Json:
    return {
        "genesis": town.community.genesis.body.hex(),
        "held": _wires(town.inserted),
        "cases": [
            {"name": name, "hex": encode_vertex(one).hex(), "rule": rule}
            for name, one, rule in cases
        ],
    }


def build() -> Json:
    """Return the vectors."""
    accept, reject = _of_form()
    case = _Case()
    broken = _broken(case)
    later = _Later()
    often, vertex = _settled_too_often()
    return {
        "spec": "8.12",
        "network": NET.hex(),
        "accept": accept,
        "reject": reject,
        "statements": _statements(),
        "false statements": _false_statements(),
        "paths": _paths(),
        "false paths": _false_paths(),
        "result": {
            "preimage": (b"fog-result-1\0" + encode([[1], 1_000])).hex(),
            "hash": result_hash([1], 1_000).hex(),
        },
        "stories": [_story(name) for name in STORIES],
        "broken": [
            _group(case.town, broken),
            _group(later.town, _broken_later(later)),
            _group(often, [("a fifth settlement", vertex, "8.12.8")]),
        ],
    }
