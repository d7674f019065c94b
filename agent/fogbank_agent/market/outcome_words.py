"""How a run ended, in words for people."""

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
