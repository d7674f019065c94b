"""How runs ended, in words for people."""

from collections import Counter
from collections.abc import Sequence

from fogbank_wasm_tasks.outcome import Exited, HostFault, Ok, Outcome, OutOfFuel, Trap


def describe_outcome(outcome: Outcome) -> str:
    """Return a few words such as "ok" or "trap: unreachable"."""
    match outcome:
        case Ok():
            return "ok"
        case OutOfFuel():
            return "out of fuel"
        case Trap(kind):
            return f"trap: {kind.replace('_', ' ')}"
        case Exited(code):
            return f"exit code {code}"
        case HostFault(kind):
            return f"host fault: {kind.replace('_', ' ')}"


def describe_outcomes(outcomes: Sequence[Outcome]) -> str:
    """Return a few words such as "ok", or "254 ok, 2 out of fuel" of several runs."""
    if len(outcomes) == 1:
        return describe_outcome(outcomes[0])
    counts = Counter(map(describe_outcome, outcomes))
    return ", ".join(f"{count} {words}" for words, count in counts.most_common())
