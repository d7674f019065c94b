"""Ops on objects to values and back (SPEC.md section 8.12).

What has another shape than it should breaks rule 8.3.1; what only a bound forbids, 8.12.1.
"""

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import SIGNATURE_BYTES

from .action_codec import action_from_value, action_value
from .checked_values import DIGEST_BYTES, Values, bytes_in, check, check_integers, vertex_id_in
from .home_codec import HOME, home_operation_from_value, home_value
from .home_operations import CreateHome, MoveHome
from .limits import LABEL_BYTES_MAX, OPENING_BYTES_A_DROP, OPERATIONS_MAX
from .operations import Act, Anchor, Opening, Operation
from .terms_codec import terms_from_value, terms_value

OPEN, ACT, ANCHOR = 2, 3, 4


def operation_value(operation: Operation) -> Value:
    """Return the array that says ``operation``."""
    match operation:
        case Opening(_, amount, terms):
            kind, fields = terms_value(terms)
            return [OPEN, kind, amount, fields]
        case Act(opening, index, action):
            number, arguments, signatures = action_value(action)
            return [ACT, opening, index, number, arguments, list(signatures)]
        case Anchor(digest, length, label):
            return [ANCHOR, digest, length, label]
        case CreateHome() | MoveHome():
            return home_value(operation)


def operation_from_value(value: Values, index: int) -> Operation:
    """Return the op that ``value``, op ``index`` of its vertex, says.

    Raises:
        RemoteProtocolError: it is none (8.3.1), or a bound is broken (8.12.1).
    """
    if value and type(value[0]) is int and value[0] == HOME:
        return home_operation_from_value(value)
    match value:
        case [int(kind), int(type_), int(amount), list(terms)] if kind == OPEN:
            check_integers(kind, type_, amount)
            check(amount >= 1, "an object of nothing")
            return Opening(index, amount, terms_from_value(type_, terms))
        case [int(kind), bytes(opening), int(of), int(number), list(arguments), list(signatures)]:
            if kind == ACT:
                check_integers(kind, of, number)
                check(of < OPERATIONS_MAX, "an op beyond the last")
                action = action_from_value(
                    number, arguments, [bytes_in(one, SIGNATURE_BYTES) for one in signatures]
                )
                return Act(vertex_id_in(opening), of, action)
        case [int(kind), bytes(digest), int(length), bytes(label)] if kind == ANCHOR:
            check_integers(kind, length)
            check(len(label) <= LABEL_BYTES_MAX, "a label too long")
            return Anchor(bytes_in(digest, DIGEST_BYTES), length, label)
        case _:
            pass
    raise RemoteProtocolError("not an operation known in this version", rule="8.3.1")


def storage_deposit(opening: Opening) -> int:
    """Return the least amount that ``opening`` may put in, in drops (8.12.11)."""
    return -(-len(encode(operation_value(opening))) // OPENING_BYTES_A_DROP)
