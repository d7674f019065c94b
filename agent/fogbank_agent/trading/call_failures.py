"""What a call that failed means to the market: a reason code (SPEC.md sections 4.4 and 9.7)."""

from fogbank_protocol.node.failures import CallFailure, CallRefused, CallTimedOut, PeerGone

from ..market.reasons import Reason, reason_from_code


def reason_of(failure: CallFailure, *, late: Reason, otherwise: Reason) -> Reason:
    """Return why a call failed: ``late`` when its time was over, ``otherwise`` for no known cause.

    A refusal has its code as its message.
    """
    match failure:
        case CallRefused(code="refused", message=message):
            return reason_from_code(message)
        case CallRefused(code="busy"):
            return Reason.BUSY
        case CallRefused(code="shutting_down"):
            return Reason.SHUTTING_DOWN
        case PeerGone():
            return Reason.PROVIDER_LOST
        case CallTimedOut() | CallRefused(code="deadline_passed"):
            return late
        case _:
            return otherwise
