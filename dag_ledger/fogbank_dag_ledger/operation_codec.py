"""Ops on objects to values and back (SPEC.md section 8.12).

What has another shape than it should breaks rule 8.3.1; what only a bound forbids, 8.12.1.
"""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar, cast

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, SIGNATURE_BYTES, NodeId

from .home_codec import HOME, home_operation_from_value, home_value
from .home_operations import CreateHome, MoveHome
from .limits import (
    ARBITERS_MAX,
    BEATS_MAX,
    EQUIVOCATION_PROOF_BYTES,
    LABEL_BYTES_MAX,
    OBJECT_LIST_MAX,
    OPENING_BYTES_A_DROP,
    OPERATIONS_MAX,
    PARTS,
    VERTEX_ID_BYTES,
)
from .operations import (
    Act,
    Action,
    Agree,
    Anchor,
    ChannelTerms,
    Close,
    Deliver,
    Dispute,
    EscrowTerms,
    Forked,
    Halve,
    Judge,
    ObjectId,
    Opening,
    Operation,
    PostVouchers,
    Proof,
    Reclaim,
    ReclaimFinal,
    Refund,
    RefundLate,
    Release,
    ReleaseLate,
    Seize,
    Share,
    Slash,
    StakeTerms,
    Take,
    Terms,
    TopUp,
    TwoVerdicts,
    TwoVouchers,
    Unstake,
    Voucher,
    Withdraw,
    WrongResult,
)
from .statements import voucher_value
from .vertex import NO_VERTEX, VertexId

OPEN, ACT, ANCHOR = 2, 3, 4
CHANNEL, ESCROW, STAKE = 1, 2, 3
_HASH_BYTES = 32

_List: TypeAlias = list[object]
_Name = TypeVar("_Name", int, bytes, NodeId, VertexId)

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


def operation_value(operation: Operation) -> Value:
    """Return the array that says ``operation``."""
    match operation:
        case Opening(_, amount, terms):
            kind, fields = terms_value(terms)
            return [OPEN, kind, amount, fields]
        case Act(opening, index, action):
            number, arguments, signatures = _action_value(action)
            return [ACT, opening, index, number, arguments, list(signatures)]
        case Anchor(digest, length, label):
            return [ANCHOR, digest, length, label]
        case CreateHome() | MoveHome():
            return home_value(operation)


def operation_from_value(value: _List, index: int) -> Operation:
    """Return the op that ``value``, op ``index`` of its vertex, says.

    Raises:
        RemoteProtocolError: it is none (8.3.1), or a bound is broken (8.12.1).
    """
    if value and type(value[0]) is int and value[0] == HOME:
        return home_operation_from_value(value)
    match value:
        case [int(kind), int(type_), int(amount), list(terms)] if kind == OPEN:
            _check_integers(kind, type_, amount)
            _check(amount >= 1, "an object of nothing")
            return Opening(index, amount, _terms(type_, terms))
        case [int(kind), bytes(opening), int(of), int(number), list(arguments), list(signatures)]:
            if kind == ACT:
                _check_integers(kind, of, number)
                _check(of < OPERATIONS_MAX, "an op beyond the last")
                action = _action(
                    number, arguments, [_bytes(one, SIGNATURE_BYTES) for one in signatures]
                )
                return Act(_vertex_id(opening), of, action)
        case [int(kind), bytes(digest), int(length), bytes(label)] if kind == ANCHOR:
            _check_integers(kind, length)
            _check(len(label) <= LABEL_BYTES_MAX, "a label too long")
            return Anchor(_bytes(digest, _HASH_BYTES), length, label)
        case _:
            pass
    raise RemoteProtocolError("not an operation known in this version", rule="8.3.1")


def storage_deposit(opening: Opening) -> int:
    """Return the least amount that ``opening`` may put in, in drops (8.12.11)."""
    return -(-len(encode(operation_value(opening))) // OPENING_BYTES_A_DROP)


# Terms.


def terms_value(terms: Terms) -> tuple[int, Value]:
    """Return the type of an object and the array of its terms."""
    match terms:
        case ChannelTerms(provider, key, lanes, beats):
            return CHANNEL, [provider, key, lanes, beats]
        case EscrowTerms():
            return ESCROW, [
                terms.provider,
                list(terms.arbiters),
                terms.need,
                [list(share) for share in terms.split],
                terms.delivery_beats,
                terms.dispute_beats,
                terms.task,
            ]
        case StakeTerms(watch, need, beats, reward):
            return STAKE, [list(watch), need, beats, reward]


def _terms(type_: int, fields: _List) -> Terms:
    if type_ == CHANNEL and len(fields) == 4:
        provider, key, lanes, beats = fields
        terms = ChannelTerms(_key(provider), _key(key), _integer(lanes), _beats(beats))
        _check(1 <= terms.lanes <= OBJECT_LIST_MAX, "lanes out of range")
        return terms
    if type_ == ESCROW and len(fields) == 7:
        return _escrow_terms(fields)
    if type_ == STAKE and len(fields) == 4:
        watch, need, beats, reward = fields
        stake = StakeTerms(_keys(watch), _integer(need), _beats(beats), _integer(reward))
        _check(1 <= len(stake.watch) <= OBJECT_LIST_MAX, "a watch out of range")
        _check(_is_majority(stake.need, len(stake.watch)), "a need out of range")
        _check(stake.reward >= len(stake.watch), "a reward that nobody gets a drop of")
        return stake
    raise RemoteProtocolError("not an object known in this version", rule="8.3.1")


def _escrow_terms(fields: _List) -> EscrowTerms:
    provider, arbiters, need, split, delivery, dispute, task = fields
    terms = EscrowTerms(
        _key(provider),
        _keys(arbiters),
        _integer(need),
        _split(split),
        _beats(delivery),
        _beats(dispute),
        _bytes(task, _HASH_BYTES),
    )
    _check(len(terms.arbiters) <= ARBITERS_MAX, "too many arbiters")
    decided = _is_majority(terms.need, len(terms.arbiters)) if terms.arbiters else terms.need == 0
    _check(decided, "a need out of range")
    _check(sum(parts for _, parts in terms.split) <= PARTS, "a split of more than all")
    named = {recipient for recipient, _ in terms.split}
    _check(terms.provider not in {*named, *terms.arbiters}, "a provider in two roles")
    return terms


def _is_majority(need: int, count: int) -> bool:
    return count < 2 * need <= 2 * count


# Actions.


def _action_value(action: Action) -> tuple[int, Value, Sequence[bytes]]:
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


def _action(number: int, arguments: _List, signatures: list[bytes]) -> Action:
    bare = _BARE.get(number)
    if bare is not None and not arguments and not signatures:
        return bare
    match number, arguments:
        case 1, [total] if not signatures:
            return TopUp(_positive(total))
        case 2, _:
            vouchers = _vouchers(arguments, signatures)
            _check(len(vouchers) >= 1, "no vouchers")
            return PostVouchers(vouchers)
        case 3, [funds, list(posted), list(shown)]:
            counted = NO_VERTEX if funds == NO_VERTEX else _vertex_id(funds)
            return Close(counted, _ids(posted), _vouchers(shown, signatures))
        case 5, [list(posted), list(shown)]:
            return ReclaimFinal(_ids(posted), _vouchers(shown, signatures))
        case 6, [result] if not signatures:
            return Deliver(_bytes(result, _HASH_BYTES))
        case 10, [award] if len(signatures) == 1:
            return Agree(_integer(award), signatures[0])
        case 11, [award, list(arbiters)] if len(arbiters) == len(signatures):
            return Judge(_integer(award), _members(arbiters), tuple(signatures))
        case 17, _:
            return Slash(_proof(arguments, signatures))
        case 18, [notice] if not signatures:
            return Seize(_vertex_id(notice))
        case 19, [settling, outcome] if not signatures:
            return Take(_vertex_id(settling), _bytes(outcome, _HASH_BYTES))
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


def _proof(arguments: _List, signatures: list[bytes]) -> Proof:
    match arguments:
        case [int(kind), bytes(data)] if kind == 1 and not signatures:
            _check_integers(kind)
            return Forked(_bytes(data, EQUIVOCATION_PROOF_BYTES))
        case [int(kind), bytes(name), one, other] if kind == 2 and len(signatures) == 2:
            _check_integers(kind)
            awards = (_integer(one), _integer(other))
            _check(awards[0] < awards[1], "verdicts that do not differ")
            pair = (signatures[0], signatures[1])
            return TwoVerdicts(ObjectId(_bytes(name, _HASH_BYTES)), awards, pair)
        case [int(kind), receipt, int(of), right, list(members)] if kind == 3:
            _check_integers(kind, of)
            if len(signatures) == len(members):
                return WrongResult(
                    _bytes(receipt, _HASH_BYTES),
                    of,
                    _bytes(right, _HASH_BYTES),
                    _members(members),
                    tuple(signatures),
                )
        case [int(kind), bytes(opening), int(index), list(one), list(other)] if kind == 4:
            _check_integers(kind, index)
            shown = _vouchers([one, other], signatures)
            _check(shown[0].lane == shown[1].lane, "vouchers of two lanes")
            _check(shown[0].count == shown[1].count, "vouchers of two counts")
            differ = voucher_value(shown[0]) != voucher_value(shown[1])
            _check(differ and index < OPERATIONS_MAX, "vouchers that do not differ")
            return TwoVouchers(_vertex_id(opening), index, (shown[0], shown[1]))
        case _:
            pass
    raise RemoteProtocolError("not a proof known in this version", rule="8.3.1")


def _vouchers(values: Sequence[object], signatures: list[bytes]) -> tuple[Voucher, ...]:
    if len(values) != len(signatures):
        raise RemoteProtocolError("vouchers without signatures", rule="8.3.1")
    _check(len(values) <= OBJECT_LIST_MAX, "too many vouchers")
    return tuple(map(_voucher, values, signatures))


def _voucher(value: object, signature: bytes) -> Voucher:
    match value:
        case [lane, total, count, root, split]:
            voucher = Voucher(
                _integer(lane),
                _integer(total),
                _integer(count),
                _bytes(root, _HASH_BYTES),
                _split(split),
                signature,
            )
        case _:
            raise RemoteProtocolError("not a voucher", rule="8.3.1")
    _check(voucher.lane < OBJECT_LIST_MAX, "a lane out of range")
    shared = sum(drops for _, drops in voucher.split)
    _check(shared <= voucher.total, "a split of more than all")
    return voucher


# Values by themselves.


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise RemoteProtocolError(message, rule="8.12.1")


def _check_integers(*values: object) -> None:
    # A boolean is an integer to Python, and True equals 1; on the wire they differ.
    if any(type(value) is not int or value < 0 for value in values):
        raise RemoteProtocolError("not an unsigned integer", rule="8.3.1")


def _integer(value: object) -> int:
    _check_integers(value)
    return cast("int", value)


def _positive(value: object) -> int:
    number = _integer(value)
    _check(number >= 1, "an amount of nothing")
    return number


def _beats(value: object) -> int:
    number = _integer(value)
    _check(1 <= number <= BEATS_MAX, "beats out of range")
    return number


def _bytes(value: object, size: int) -> bytes:
    if type(value) is bytes and len(value) == size:
        return value
    raise RemoteProtocolError(f"not {size} bytes", rule="8.3.1")


def _key(value: object) -> NodeId:
    return NodeId(_bytes(value, NODE_ID_BYTES))


def _vertex_id(value: object) -> VertexId:
    return VertexId(_bytes(value, VERTEX_ID_BYTES))


def _list(value: object) -> _List:
    if type(value) is list:
        return cast("_List", value)
    raise RemoteProtocolError("not an array", rule="8.3.1")


def _keys(value: object) -> tuple[NodeId, ...]:
    keys = tuple(map(_key, _list(value)))
    _check_ascending(keys)
    return keys


def _ids(values: _List) -> tuple[VertexId, ...]:
    ids = tuple(map(_vertex_id, values))
    _check_ascending(ids)
    return ids


def _members(values: _List) -> tuple[int, ...]:
    members = tuple(map(_integer, values))
    _check_ascending(members)
    return members


def _split(value: object) -> tuple[Share, ...]:
    shares: list[Share] = []
    for one in _list(value):
        match one:
            case [recipient, part]:
                shares.append((_key(recipient), _positive(part)))
            case _:
                raise RemoteProtocolError("not a share", rule="8.3.1")
    _check_ascending([recipient for recipient, _ in shares])
    return tuple(shares)


def _check_ascending(names: Sequence[_Name]) -> None:
    ordered = list(names) == sorted(set(names))
    _check(ordered and len(names) <= OBJECT_LIST_MAX, "a list too long, or out of order")
