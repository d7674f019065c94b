"""Why the answer is no: one code and one sentence for each reason (SPEC.md section 9.7)."""

import re
from collections.abc import Sequence
from enum import StrEnum

from fogbank_protocol.errors import RemoteProtocolError

_CODE = re.compile(r"[a-z_]{1,32}")


class Reason(StrEnum):
    """A reason code.  Those a provider sends in a bid come first, the requestor's own after."""

    BUSY = "busy"
    CANNOT_EXECUTE = "cannot_execute"
    DEADLINE_TOO_SOON = "deadline_too_soon"
    FUEL_TOO_HIGH = "fuel_too_high"
    INPUT_TOO_LARGE = "input_too_large"
    INPUT_UNAVAILABLE = "input_unavailable"
    NO_CHANNEL_FUNDS = "no_channel_funds"
    NO_PRICE = "no_price"
    ON_BATTERY = "on_battery"
    OUTPUT_TOO_LARGE = "output_too_large"
    OUTSIDE_HOURS = "outside_hours"
    PACKAGE_BROKEN = "package_broken"
    PACKAGE_UNAVAILABLE = "package_unavailable"
    PAUSED = "paused"
    PRICE_TOO_LOW = "price_too_low"
    REQUESTOR_IN_DEBT = "requestor_in_debt"
    SHUTTING_DOWN = "shutting_down"
    TOO_HOT = "too_hot"
    TOO_SMALL_MEMORY = "too_small_memory"
    UNKNOWN_WEIGHTS = "unknown_weights"
    AGREEMENT_EXPIRED = "agreement_expired"
    AGREEMENT_USED = "agreement_used"

    SERVICE_ENDED = "service_ended"
    SERVICE_FAILED = "service_failed"
    SERVICE_IDLE = "service_idle"
    SERVICE_STOPPED = "service_stopped"
    UNKNOWN_SERVICE = "unknown_service"

    NO_SUCH_STAKE = "no_such_stake"
    PROOF_REFUSED = "proof_refused"
    PROOF_UNAVAILABLE = "proof_unavailable"
    RESULT_RIGHT = "result_right"

    ADVANCE_SPENT = "advance_spent"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    BAD_VOUCHER = "bad_voucher"
    BEATEN_ON_PRICE = "beaten_on_price"
    BROKEN_RULE = "broken_rule"
    CANCELLED = "cancelled"
    DEADLINE_PASSED = "deadline_passed"
    DISK_FULL = "disk_full"
    HOST_FAULT = "host_fault"
    NO_ANSWER = "no_answer"
    NO_FUNDS = "no_funds"
    NO_PROVIDER = "no_provider"
    NO_STAKE = "no_stake"
    OUTPUT_UNAVAILABLE = "output_unavailable"
    PRICE_TOO_HIGH = "price_too_high"
    PROVIDER_CAUGHT = "provider_caught"
    PROVIDER_LOST = "provider_lost"
    REQUESTOR_STOPPED = "requestor_stopped"
    TICK_UNPAID = "tick_unpaid"
    UNVERIFIED = "unverified"
    WRONG_RESULT = "wrong_result"

    OTHER = "other"


SAID_BY_PROVIDERS = frozenset(
    {
        Reason.AGREEMENT_EXPIRED,
        Reason.AGREEMENT_USED,
        Reason.BUSY,
        Reason.CANNOT_EXECUTE,
        Reason.DEADLINE_TOO_SOON,
        Reason.FUEL_TOO_HIGH,
        Reason.HOST_FAULT,
        Reason.INPUT_TOO_LARGE,
        Reason.INPUT_UNAVAILABLE,
        Reason.NO_CHANNEL_FUNDS,
        Reason.NO_PRICE,
        Reason.ON_BATTERY,
        Reason.OUTPUT_TOO_LARGE,
        Reason.OUTPUT_UNAVAILABLE,
        Reason.OUTSIDE_HOURS,
        Reason.PACKAGE_BROKEN,
        Reason.PACKAGE_UNAVAILABLE,
        Reason.PAUSED,
        Reason.PRICE_TOO_LOW,
        Reason.REQUESTOR_IN_DEBT,
        Reason.SHUTTING_DOWN,
        Reason.TICK_UNPAID,
        Reason.TOO_HOT,
        Reason.TOO_SMALL_MEMORY,
        Reason.UNKNOWN_WEIGHTS,
    }
)
"""What a provider may say of an order or a run; all else is found here or said of other things."""

REQUESTORS_DOING = frozenset(
    {
        Reason.BEATEN_ON_PRICE,
        Reason.CANCELLED,
        Reason.DISK_FULL,
        Reason.REQUESTOR_STOPPED,
        Reason.TICK_UNPAID,
    }
)
"""Why an agreement gives no result that is no fault of its provider."""


_SENTENCES = {
    Reason.BUSY: "all its slots are taken",
    Reason.CANNOT_EXECUTE: "it cannot run tasks on its machine",
    Reason.DEADLINE_TOO_SOON: "it cannot finish within the time allowed",
    Reason.FUEL_TOO_HIGH: "it does not take runs with so much fuel",
    Reason.INPUT_TOO_LARGE: "it does not take inputs of that size",
    Reason.INPUT_UNAVAILABLE: "it could not fetch the input",
    Reason.NO_CHANNEL_FUNDS: "no channel with money left in it leads to it",
    Reason.NO_PRICE: "its owner's pricing gives no price now",
    Reason.ON_BATTERY: "it runs on its battery, which its owner spares",
    Reason.OUTSIDE_HOURS: "its owner lends it at other hours only",
    Reason.OUTPUT_TOO_LARGE: "it does not promise outputs of that size",
    Reason.PACKAGE_BROKEN: "the package breaks a rule",
    Reason.PACKAGE_UNAVAILABLE: "it could not fetch the package",
    Reason.PAUSED: "it is paused",
    Reason.PRICE_TOO_LOW: "the order's highest price is below what it asks",
    Reason.REQUESTOR_IN_DEBT: "too many earlier bills of this requestor are unpaid",
    Reason.SHUTTING_DOWN: "it is shutting down",
    Reason.TOO_HOT: "it is too hot",
    Reason.TOO_SMALL_MEMORY: "it does not have the memory that the run may need",
    Reason.UNKNOWN_WEIGHTS: "it does not know the fuel table that the order names",
    Reason.AGREEMENT_EXPIRED: "its bid had expired when the agreement came",
    Reason.AGREEMENT_USED: "it has already worked on this agreement",
    Reason.SERVICE_ENDED: "the time that was agreed for the service is over",
    Reason.SERVICE_FAILED: "the task ended by itself: a trap, an exit, or no fuel left for a call",
    Reason.SERVICE_IDLE: "the service was not called for as long as was agreed",
    Reason.SERVICE_STOPPED: "the requestor stopped the service",
    Reason.UNKNOWN_SERVICE: "it keeps no such service",
    Reason.NO_SUCH_STAKE: "it knows no such stake that it watches over",
    Reason.PROOF_REFUSED: "the proof breaks a rule",
    Reason.PROOF_UNAVAILABLE: "it could not fetch the proof",
    Reason.RESULT_RIGHT: "it found the result right",
    Reason.ADVANCE_SPENT: "strangers kept what they were paid before any result, so none is now",
    Reason.ATTEMPTS_EXHAUSTED: "every attempt that was allowed has failed",
    Reason.BAD_VOUCHER: "a voucher does not count",
    Reason.BEATEN_ON_PRICE: "another one asks at most half as much for the rest",
    Reason.BROKEN_RULE: "it broke a rule of the protocol",
    Reason.CANCELLED: "the requestor cancelled it",
    Reason.DEADLINE_PASSED: "the time allowed has passed",
    Reason.DISK_FULL: "this machine's own disk has no room for its output",
    Reason.HOST_FAULT: "its machine failed, which is nobody's lie",
    Reason.NO_ANSWER: "it did not answer in time",
    Reason.NO_FUNDS: "there is not enough money in the wallet for what the run may cost",
    Reason.NO_PROVIDER: "no connected provider took it",
    Reason.NO_STAKE: "it has too little at stake, and this machine cannot check its results itself",
    Reason.OUTPUT_UNAVAILABLE: "its output could not be fetched",
    Reason.PRICE_TOO_HIGH: "it asks more than the order allows",
    Reason.PROVIDER_CAUGHT: "it was caught with a wrong result in this job",
    Reason.PROVIDER_LOST: "the connection to it was lost",
    Reason.REQUESTOR_STOPPED: (
        "this agent was stopped while it was under way; if it belongs to a kept job, the job "
        "orders it again as another run"
    ),
    Reason.TICK_UNPAID: "no voucher came for what it had done, so it stopped",
    Reason.UNVERIFIED: "nobody could confirm the result",
    Reason.WRONG_RESULT: "its result was wrong",
    Reason.OTHER: "it gave a reason that this version does not know",
}


def sentence(reason: Reason) -> str:
    """Return the reason in words, to follow a provider's name and a colon."""
    return _SENTENCES[reason]


def reason_from_code(code: str) -> Reason:
    """Return the reason that a peer's ``code`` names; ``OTHER`` for one from a later version."""
    try:
        return Reason(code)
    except ValueError:
        return Reason.OTHER


def check_code(code: str, *, rule: str) -> None:
    """Check that ``code`` is spelled as section 9.7 says, known or not.

    Raises:
        RemoteProtocolError: it is not; ``rule`` is the section of the object it stands in.
    """
    if not _CODE.fullmatch(code):
        raise RemoteProtocolError("not a reason code", rule=rule)


def sentences(reasons: Sequence[Reason]) -> str:
    """Return several reasons in words, joined."""
    return ", ".join(sentence(reason) for reason in reasons)
