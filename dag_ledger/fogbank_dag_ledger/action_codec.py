"""Acts on objects to values and back, with their vouchers and proofs (SPEC.md section 8.12)."""

from collections.abc import Sequence

from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError

from .checked_values import (
    DIGEST_BYTES,
    Values,
    bytes_in,
    check,
    check_integers,
    ids_in,
    integer,
    members_in,
    positive,
    split_in,
    vertex_id_in,
)
from .limits import EQUIVOCATION_PROOF_BYTES, OBJECT_LIST_MAX, OPERATIONS_MAX
from .operations import (
    Action,
    Agree,
    Close,
    Deliver,
    Dispute,
    Forked,
    Halve,
    Judge,
    ObjectId,
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
    Take,
    TopUp,
    TwoVerdicts,
    TwoVouchers,
    Unstake,
    Voucher,
    Withdraw,
    WrongResult,
)
from .statements import voucher_value
from .vertex import NO_VERTEX
from .vouchers import check_form

_BARE: dict[int, Action] = {
    4: Reclaim(),
    7: Dispute(),
    8: Release(),
    9: Refund(),
    12: ReleaseLate(),
    13: RefundLate(),
    14: Halve(),
    15: Unstake(),
    16: Withdraw(),
}
"""Actions that say nothing more, by number."""

_NUMBERS = {action: number for number, action in _BARE.items()}


def action_value(action: Action) -> tuple[int, Value, Sequence[bytes]]:
    """Return the number of ``action``, its args and its sigs."""
    match action:
        case TopUp(total):
            return 1, [total], ()
        case PostVouchers(vouchers):
            return 2, _voucher_values(vouchers), _signatures(vouchers)
        case Close(funds, posted, vouchers):
            return 3, [funds, list(posted), _voucher_values(vouchers)], _signatures(vouchers)
        case ReclaimFinal(posted, vouchers):
            return 5, [list(posted), _voucher_values(vouchers)], _signatures(vouchers)
        case Deliver(result):
            return 6, [result], ()
        case Agree(award, signature):
            return 10, [award], (signature,)
        case Judge(award, arbiters, signatures):
            return 11, [award, list(arbiters)], signatures
        case Slash(proof):
            return 17, *_proof_value(proof)
        case Seize(notice):
            return 18, [notice], ()
        case Take(settling, outcome):
            return 19, [settling, outcome], ()
        case _:
            return _NUMBERS[action], [], ()


def _voucher_values(vouchers: Sequence[Voucher]) -> Value:
    return [voucher_value(voucher) for voucher in vouchers]


def _signatures(vouchers: Sequence[Voucher]) -> list[bytes]:
    return [voucher.signature for voucher in vouchers]


def action_from_value(number: int, arguments: Values, signatures: list[bytes]) -> Action:
    """Return the action that a number, its args and its sigs say.

    Raises:
        RemoteProtocolError: it is none (8.3.1), or a bound is broken (8.12.1).
    """
    bare = _BARE.get(number)
    if bare is not None and not arguments and not signatures:
        return bare
    match number, arguments:
        case 1, [total] if not signatures:
            return TopUp(positive(total))
        case 2, _:
            vouchers = _vouchers(arguments, signatures)
            check(len(vouchers) >= 1, "no vouchers")
            return PostVouchers(vouchers)
        case 3, [funds, list(posted), list(shown)]:
            counted = NO_VERTEX if funds == NO_VERTEX else vertex_id_in(funds)
            return Close(counted, ids_in(posted), _vouchers(shown, signatures))
        case 5, [list(posted), list(shown)]:
            return ReclaimFinal(ids_in(posted), _vouchers(shown, signatures))
        case 6, [result] if not signatures:
            return Deliver(bytes_in(result, DIGEST_BYTES))
        case 10, [award] if len(signatures) == 1:
            return Agree(integer(award), signatures[0])
        case 11, [award, list(arbiters)] if len(arbiters) == len(signatures):
            return Judge(integer(award), members_in(arbiters), tuple(signatures))
        case 17, _:
            return Slash(_proof(arguments, signatures))
        case 18, [notice] if not signatures:
            return Seize(vertex_id_in(notice))
        case 19, [settling, outcome] if not signatures:
            return Take(vertex_id_in(settling), bytes_in(outcome, DIGEST_BYTES))
        case _:
            raise RemoteProtocolError("not an action known in this version", rule="8.3.1")


# Proofs.


def _proof_value(proof: Proof) -> tuple[Value, Sequence[bytes]]:
    match proof:
        case Forked(data):
            return [1, data], ()
        case TwoVerdicts(object_id, (one, other), signatures):
            return [2, object_id, one, other], signatures
        case WrongResult(receipt_id, number, right, members, signatures):
            return [3, receipt_id, number, right, list(members)], signatures
        case TwoVouchers(opening, index, (one, other)):
            shown = (one, other)
            return [4, opening, index, *map(voucher_value, shown)], _signatures(shown)


def _proof(arguments: Values, signatures: list[bytes]) -> Proof:
    match arguments:
        case [int(kind), bytes(data)] if kind == 1 and not signatures:
            check_integers(kind)
            return Forked(bytes_in(data, EQUIVOCATION_PROOF_BYTES))
        case [int(kind), bytes(name), one, other] if kind == 2 and len(signatures) == 2:
            check_integers(kind)
            awards = (integer(one), integer(other))
            check(awards[0] < awards[1], "verdicts that do not differ")
            pair = (signatures[0], signatures[1])
            return TwoVerdicts(ObjectId(bytes_in(name, DIGEST_BYTES)), awards, pair)
        case [int(kind), receipt, int(of), right, list(members)] if kind == 3:
            check_integers(kind, of)
            if len(signatures) == len(members):
                return WrongResult(
                    bytes_in(receipt, DIGEST_BYTES),
                    of,
                    bytes_in(right, DIGEST_BYTES),
                    members_in(members),
                    tuple(signatures),
                )
        case [int(kind), bytes(opening), int(index), list(one), list(other)] if kind == 4:
            check_integers(kind, index)
            shown = _vouchers([one, other], signatures)
            check(shown[0].lane == shown[1].lane, "vouchers of two lanes")
            check(shown[0].count == shown[1].count, "vouchers of two counts")
            differ = voucher_value(shown[0]) != voucher_value(shown[1])
            check(differ and index < OPERATIONS_MAX, "vouchers that do not differ")
            return TwoVouchers(vertex_id_in(opening), index, (shown[0], shown[1]))
        case _:
            pass
    raise RemoteProtocolError("not a proof known in this version", rule="8.3.1")


def _vouchers(values: Sequence[object], signatures: list[bytes]) -> tuple[Voucher, ...]:
    if len(values) != len(signatures):
        raise RemoteProtocolError("vouchers without signatures", rule="8.3.1")
    check(len(values) <= OBJECT_LIST_MAX, "too many vouchers")
    return tuple(map(_voucher, values, signatures))


def _voucher(value: object, signature: bytes) -> Voucher:
    match value:
        case [lane, total, count, root, split]:
            voucher = Voucher(
                integer(lane),
                integer(total),
                integer(count),
                bytes_in(root, DIGEST_BYTES),
                split_in(split),
                signature,
            )
        case _:
            raise RemoteProtocolError("not a voucher", rule="8.3.1")
    check_form(voucher)
    return voucher
