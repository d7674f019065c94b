"""What is asked and answered on the control socket.

A connection carries one request after another.  Each is answered by one of its answers, by
``Failed``, or, for those that stream, by several answers of which the last says so.  Everything
here is plain data, so that ``--json`` prints an answer as it stands.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class GetStatus:
    """How is this agent?  Answered by ``Status``."""


@dataclass(frozen=True, slots=True)
class GetPeers:
    """Who is connected?  Answered by ``Peers``."""


@dataclass(frozen=True, slots=True)
class GetWallet:
    """How much money is there?  Answered by ``Wallet``."""


@dataclass(frozen=True, slots=True)
class Pay:
    """Pay ``drops`` to ``to``, a node id in hexadecimal digits or a known peer's short form.

    Answered by ``Paid``, after the payment is final when ``wait_s`` is not 0, or when that many
    seconds have passed.
    """

    to: str
    drops: int
    wait_s: int


@dataclass(frozen=True, slots=True)
class PutBlob:
    """Keep ``size`` bytes, which follow in ``Chunk`` frames; answered by ``BlobKept``.

    The blob stays at least until the connection ends.
    """

    size: int


@dataclass(frozen=True, slots=True)
class GetBlob:
    """Answered by ``BlobKept`` and then the bytes in ``Chunk`` frames."""

    blob_id: bytes


@dataclass(frozen=True, slots=True)
class GetRuns:
    """Which runs were bought lately, at most ``count`` of them?  Answered by ``Runs``."""

    count: int


@dataclass(frozen=True, slots=True)
class GetStory:
    """What happened to ``run``, the beginning of its id?  Answered by ``Story``."""

    run: str


@dataclass(frozen=True, slots=True)
class RunInput:
    """One run of a job: ``name`` is for people, ``blob_id`` the input, kept before."""

    name: str
    blob_id: bytes
    size: int


@dataclass(frozen=True, slots=True)
class StartJob:
    """Buy a run of the package ``package_id``, kept before, for each of ``inputs``.

    What is None is taken from the configuration.  Answered by some ``JobProgressed``, a
    ``RunEnded`` for each run, and ``JobEnded`` last.  Closing the connection gives the job up.
    """

    package_id: bytes
    inputs: tuple[RunInput, ...]
    arguments: tuple[str, ...]
    environment: tuple[str, ...]
    """Each "NAME=VALUE"."""

    seed: int
    verify: str | None
    price_max: int | None
    start_price_max: int | None
    fuel_max: int | None
    deadline_s: int | None


Request: TypeAlias = (
    GetStatus | GetPeers | GetWallet | Pay | PutBlob | GetBlob | GetRuns | GetStory | StartJob
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next bytes of a blob, 1 … CONTROL_CHUNK_BYTES of them, in either direction."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The request was not carried out: ``sentence`` says why and what to do."""

    sentence: str


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """What this agent sells."""

    working: bool
    why_not: str
    """A sentence when it sells nothing, else empty."""

    workers: int
    running: int
    price: int
    """Drops for a gigafuel."""

    start_price: int
    runs_completed: int
    earned: int
    """Drops billed by this process for runs that were accepted."""


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """The ledger as this agent sees it."""

    vertices: int
    tips: int
    final: int
    validator: bool
    """This agent holds a seat."""

    supply: int
    supply_held: int
    """What is in accounts and on its way between them: equal to ``supply``, always."""

    payments: int
    payments_final: int
    state_hash: str


@dataclass(frozen=True, slots=True)
class Status:
    """How an agent is."""

    version: str
    node_id: str
    short: str
    network_id: str
    network_name: str
    state_folder: str
    process: int
    port: int
    up_s: float
    peers: int
    balance: int
    provider: ProviderStatus
    ledger: LedgerStatus


@dataclass(frozen=True, slots=True)
class Peer:
    """Another agent with an open channel, and what it offers."""

    node_id: str
    short: str
    host: str
    port: int
    connected_s: float
    round_trip_ms: float | None
    price: int | None
    """Drops for a gigafuel; None while it offers nothing."""

    start_price: int | None
    slots_free: int | None


@dataclass(frozen=True, slots=True)
class Peers:
    """Everybody connected."""

    peers: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Wallet:
    """This agent's account, in drops."""

    node_id: str
    short: str
    balance: int
    """Final and free to be spent."""

    claimable: int
    """Paid to this account, final, and claimed by its next vertex."""

    pending_out: int
    """Paid by this account and not yet final."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment was signed, kept and sent."""

    vertex_id: str
    to: str
    drops: int
    final: bool


@dataclass(frozen=True, slots=True)
class BlobKept:
    """A blob is in the agent's store."""

    blob_id: bytes
    size: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run, as the journal has it."""

    run_id: str
    job_id: str
    name: str
    package: str
    began: str
    """When, in local time, for people."""

    state: str
    """"accepted", "failed" or "under way"."""

    why: str
    """The reason in words when it failed, else empty."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs bought, the newest first."""

    runs: tuple[RunSummary, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to a run, a sentence a line."""

    run_id: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobProgressed:
    """Something happened to run ``run`` of the job: ``what``, for people; may be left out."""

    run: int
    what: str
    provider: str
    """Its short form; empty when no provider has to do with it."""

    accepted: int
    failed: int
    under_way: int
    waiting: int


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Run ``number`` of the job has its result, or will have none."""

    number: int
    run_id: str
    name: str
    ok: bool
    """A result was accepted and is an output, not a trap or an exit code."""

    outcome: str
    """"ok", how the task failed, or why nobody ran it."""

    output_id: bytes | None
    output_bytes: int
    provider: str
    fuel: int
    attempts: int


@dataclass(frozen=True, slots=True)
class ProviderTotals:
    """What one provider did in a job."""

    provider: str
    runs: int
    fuel: int
    paid: int
    unpaid: int
    refused: int
    """Results found wrong."""

    lost: int
    """Attempts that gave no result."""

    caught: bool


@dataclass(frozen=True, slots=True)
class JobEnded:
    """Every run of the job has ended."""

    job_id: str
    ok: int
    failed: int
    lies_caught: int
    fuel: int
    paid: int
    seconds: float
    providers: tuple[ProviderTotals, ...]
    payments: tuple[str, ...]


Answer: TypeAlias = (
    Status
    | Peers
    | Wallet
    | Paid
    | BlobKept
    | Runs
    | Story
    | JobProgressed
    | RunEnded
    | JobEnded
    | Chunk
    | Failed
)

Message: TypeAlias = Request | Answer
