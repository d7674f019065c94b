"""Ops of committees to values and back (SPEC.md section 8.19).

What has another shape than it should breaks rule 8.3.1; what only a bound forbids, 8.19.1.
"""

from typing import cast

from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

from .committee_operations import (
    CommitteeOperation,
    CommitteeVote,
    Decision,
    Proposal,
    SignOff,
    Table,
    Want,
    table_value,
)
from .limits import ATTEMPTS_MAX, SEATS_MAX, VERTEX_ID_BYTES, WEIGHT_MAX
from .vertex import VertexId

COMMITTEE = 6
WANT, SIGN_OFF, PROPOSE, PREVOTE, PRECOMMIT, DECIDE = 1, 2, 3, 4, 5, 6
_DIGEST_BYTES = 32
RULE = "8.19.1"
_EPOCH_LIMIT = 2**32


def committee_value(operation: CommitteeOperation) -> Value:
    """Return the array that says ``operation``."""
    match operation:
        case Want(epoch, table):
            return [COMMITTEE, epoch, WANT, [table_value(table)]]
        case SignOff(epoch):
            return [COMMITTEE, epoch, SIGN_OFF, []]
        case Proposal(epoch, attempt, valid_attempt, table, sign_offs):
            arguments: Value = [attempt, valid_attempt + 1, table_value(table), list(sign_offs)]
            return [COMMITTEE, epoch, PROPOSE, arguments]
        case CommitteeVote(epoch, attempt, digest, is_precommit):
            action = PRECOMMIT if is_precommit else PREVOTE
            return [COMMITTEE, epoch, action, [attempt, digest]]
        case Decision(epoch, proposal, precommits):
            return [COMMITTEE, epoch, DECIDE, [proposal, list(precommits)]]


def committee_from_value(value: list[object]) -> CommitteeOperation:
    """Return the op that ``value``, whose first element is 6, says.

    Raises:
        RemoteProtocolError: it is none (8.3.1), or a bound is broken (8.19.1).
    """
    match value:
        case [_, epoch, action, list(arguments)]:
            number = _integer(epoch)
            _check(1 <= number < _EPOCH_LIMIT, "an epoch out of range")
            return _operation(number, _integer(action), cast("list[object]", arguments))
        case _:
            raise RemoteProtocolError("not an operation known in this version", rule="8.3.1")


def _operation(epoch: int, action: int, arguments: list[object]) -> CommitteeOperation:
    match action, arguments:
        case 1, [table]:
            return Want(epoch, table_from_value(table, RULE))
        case 2, []:
            return SignOff(epoch)
        case 3, [attempt, valid, table, list(sign_offs)]:
            number, valid_attempt = _attempt(attempt), _integer(valid) - 1
            _check(valid_attempt < number, "a valid attempt that is not before")
            signed = _ids(cast("list[object]", sign_offs))
            seats = table_from_value(table, RULE)
            return Proposal(epoch, number, valid_attempt, seats, signed)
        case ((4 | 5), [attempt, bytes(digest)]):
            if len(digest) not in (0, _DIGEST_BYTES):
                raise RemoteProtocolError("not a digest", rule="8.3.1")
            return CommitteeVote(epoch, _attempt(attempt), digest, is_precommit=action == PRECOMMIT)
        case 6, [proposal, list(precommits)]:
            ids = _ids(cast("list[object]", precommits))
            return Decision(epoch, _vertex_id(proposal), ids)
        case _:
            raise RemoteProtocolError("not an action known in this version", rule="8.3.1")


def table_from_value(value: object, rule: str) -> Table:
    """Return the table that ``value`` says.

    Raises:
        RemoteProtocolError: it is none (8.3.1), or breaks a bound, which is ``rule``.
    """
    match value:
        case [list(seats), quorum]:
            named = [_seat(one, rule) for one in cast("list[object]", seats)]
            table = Table(tuple(named), _integer(quorum))
        case _:
            raise RemoteProtocolError("not a table of seats", rule="8.3.1")
    names = [name for name, _ in table.seats]
    _check(1 <= len(names) <= SEATS_MAX and names == sorted(set(names)), "seats out of order", rule)
    _check(table.weight < 2 * table.quorum <= 2 * table.weight, "a quorum out of range", rule)
    return table


def _seat(value: object, rule: str) -> tuple[NodeId, int]:
    match value:
        case [bytes(name), weight] if len(name) == NODE_ID_BYTES:
            number = _integer(weight)
            _check(1 <= number <= WEIGHT_MAX, "a weight out of range", rule)
            return NodeId(name), number
        case _:
            raise RemoteProtocolError("not a seat", rule="8.3.1")


def _attempt(value: object) -> int:
    number = _integer(value)
    _check(number < ATTEMPTS_MAX, "an attempt out of range")
    return number


def _ids(values: list[object]) -> tuple[VertexId, ...]:
    ids = tuple(map(_vertex_id, values))
    _check(1 <= len(ids) <= SEATS_MAX and list(ids) == sorted(set(ids)), "ids out of order")
    return ids


def _vertex_id(value: object) -> VertexId:
    if type(value) is bytes and len(value) == VERTEX_ID_BYTES:
        return VertexId(value)
    raise RemoteProtocolError("not a vertex id", rule="8.3.1")


def _integer(value: object) -> int:
    # A boolean is an integer to Python, and True equals 1; on the wire they differ.
    if type(value) is int and value >= 0:
        return value
    raise RemoteProtocolError("not an unsigned integer", rule="8.3.1")


def _check(holds: bool, message: str, rule: str = RULE) -> None:
    if not holds:
        raise RemoteProtocolError(message, rule=rule)
