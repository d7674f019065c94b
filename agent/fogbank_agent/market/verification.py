"""Which results of a lot are right, and how often to ask for others (SPEC.md section 9.6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.receipt import Result

from ..limits import PARTS_PER_MILLION
from .orders import Audit, NoVerification, Partial, Quorum, Verification, Verify

Claim: TypeAlias = tuple[Result, ...]
"""What somebody says of a lot, run by run.  Never a host fault."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One claim and whose it is: ``provider`` is None for the requestor's own sandbox."""

    provider: NodeId | None
    attempt: int
    claim: Claim


class Verdict(StrEnum):
    """What a check of one claim in the own sandbox says."""

    SOUND = "sound"
    WRONG = "wrong"
    OPEN = "open"
    """It could not be finished, or within its fuel."""


def fuel_of(claim: Claim) -> int:
    """Return the fuel of all runs."""
    return sum([result.fuel for result in claim])


def output_bytes_of(claim: Claim) -> int:
    """Return the bytes of all outputs."""
    return sum([one.outcome.output_size for one in claim if isinstance(one.outcome, Ok)])


def audit_rate_ppm(verification: Verification, confirmed_in_a_row: int, lie_ppm: int = 0) -> int:
    """Return the probability of an audit in parts per million: certain for a stranger.

    With ``Partial`` that of each run; with ``Verify`` what is left to check is the fuel alone,
    which a stranger may have counted as well as anybody.  ``lie_ppm`` is the least at which lying
    does not pay: see ``deterrent_ppm``.
    """
    match verification:
        case Verify(ppm):
            return max(ppm, lie_ppm)
        case Audit(ppm) | Partial(ppm):
            if confirmed_in_a_row == 0:
                return PARTS_PER_MILLION
            return max(ppm, lie_ppm, -(-PARTS_PER_MILLION // confirmed_in_a_row))
        case NoVerification() | Quorum():
            return 0


def deterrent_ppm(at_risk: int, stake: int) -> int:
    """Return the probability of an audit, in parts per million, at which a lie wins nothing.

    A lie that passes wins the ``at_risk`` drops of its bill; one that is found loses the ``stake``.
    """
    if at_risk <= 0:
        return 0
    return -(-PARTS_PER_MILLION * at_risk // (at_risk + max(0, stake)))


def voices_needed(verification: Verification, voices: Sequence[Voice], *, auditors: int = 0) -> int:
    """Return how many providers must agree; ``auditors`` are to confirm a claim that is audited."""
    at_first = verification.voices if isinstance(verification, Quorum) else 1
    is_at_odds = len({voice.claim for voice in voices}) > 1
    return max(at_first, 1 + auditors, 2 if is_at_odds else 1)


def count_voices(voices: Sequence[Voice], claim: Claim, is_caught: Callable[[NodeId], bool]) -> int:
    """Return how many providers that are not caught say ``claim``."""
    return sum(
        voice.claim == claim and voice.provider is not None and not is_caught(voice.provider)
        for voice in voices
    )


def decide(
    voices: Sequence[Voice], needed: int, is_caught: Callable[[NodeId], bool]
) -> Claim | None:
    """Return the claim that is right, None while that is open.

    The own voice decides alone, and against any number of others.
    """
    for voice in voices:
        if voice.provider is None:
            return voice.claim
    for voice in voices:
        if count_voices(voices, voice.claim, is_caught) >= needed:
            return voice.claim
    return None


def missing_voices(
    voices: Sequence[Voice], needed: int, is_caught: Callable[[NodeId], bool]
) -> int:
    """Return how many more providers are needed if all of them support the strongest claim."""
    strongest = max((count_voices(voices, voice.claim, is_caught) for voice in voices), default=0)
    return max(0, needed - strongest)
