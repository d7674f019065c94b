"""Services: warm instances that neighbours keep for this agent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartService:
    """Have an instance of a task kept warm.  Answered by ``ServiceState`` when it has begun.

    What is None is taken from the configuration.
    """

    task_id: bytes
    """The blob of a package file or of a module, kept before."""

    task_name: str
    """What a module is called; a package has a name of its own."""

    arguments: tuple[str, ...]
    environment: tuple[str, ...]
    """Each "NAME=VALUE"."""

    seed: int
    verify: str | None
    """How calls are checked; nothing but "none" is taken, from here or from the configuration."""

    price_max: int | None
    start_price_max: int | None
    warm_price_max: int | None
    fuel_max: int | None
    """Of the beginning, and of each call; None: the configuration's, or less, so that a call costs
    at most an eighth of the budget."""

    budget: int | None
    """Drops that it may cost in all; the channel's deposit when it is None."""

    call_s: int | None
    idle_s: int
    duration_s: int
    patience_s: int | None


@dataclass(frozen=True, slots=True)
class CallService:
    """Call a service with a blob that was kept before.  Answered by ``ServiceCalled``."""

    service: str
    """The first hexadecimal digits of its id."""

    input_id: bytes


@dataclass(frozen=True, slots=True)
class StopService:
    """End a service.  Answered by ``ServiceState`` when it has ended and is paid."""

    service: str


@dataclass(frozen=True, slots=True)
class GetServices:
    """Which services does this agent have?  Answered by ``Services``."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service."""

    service: str
    provider: str
    """Its short form."""

    name: str
    """The task's."""

    live: bool
    why: str
    """Why it has ended, as a sentence; empty while it is live."""

    reason: str
    """The same as a code of SPEC.md section 9.7."""

    calls: int
    charges: int
    fuel: int
    fuel_max: int
    """Of the beginning, and of each call."""

    warm_ms: int
    drops: int
    """Of all charges."""

    paid: int


@dataclass(frozen=True, slots=True)
class Services:
    """All services since this agent started, the oldest first."""

    services: tuple[ServiceState, ...]


@dataclass(frozen=True, slots=True)
class ServiceCalled:
    """How a call went."""

    service: str
    sequence: int
    ok: bool
    outcome: str
    output_id: bytes | None
    """None unless it went well."""

    output_bytes: int
    fuel: int
    drops: int
    """Of the charge: the call, and the time since the charge before."""
