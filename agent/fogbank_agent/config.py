"""The configuration: one dataclass a section, one docstring a field, read from TOML.

The comments of the file that ``fogbank init`` writes and the page ``docs/configuration.md`` are
made from the docstrings below (``config_page``), so that there is one place to say what a setting
means.  ``config_file`` reads and checks the file.
"""

from dataclasses import dataclass, field
from typing import Annotated

from .limits import (
    DROPS_MAX,
    MEBIBYTE,
    PRICE_MAX,
    RUN_DATA_BYTES_MAX,
    RUN_FUEL_MAX,
    RUN_MEMORY_BYTES_MAX,
    VERIFIER_FUEL_MAX,
)
from .strict_toml import Between, LiteralAddresses, Matching, OneOf

Port = Annotated[int, Between(0, 65_535)]
Price = Annotated[int, Between(0, PRICE_MAX)]
Fuel = Annotated[int, Between(1, RUN_FUEL_MAX)]
Drops = Annotated[int, Between(0, DROPS_MAX)]
RunMebibytes = Annotated[int, Between(1, RUN_MEMORY_BYTES_MAX // MEBIBYTE)]
DataMebibytes = Annotated[int, Between(1, RUN_DATA_BYTES_MAX // MEBIBYTE)]
Mebibytes = Annotated[int, Between(1, 1 << 20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """How this agent finds its neighbours and is found by them."""

    listen_port: Port = 0
    """TCP port for channels from other agents; 0 takes the last start's, or a free one."""

    listen_addresses: Annotated[tuple[str, ...], LiteralAddresses()] = ("0.0.0.0",)
    """Addresses of this machine on which channels are accepted; ["127.0.0.1"] keeps to itself."""

    interfaces: Annotated[tuple[str, ...], LiteralAddresses()] = ()
    """Addresses of the interfaces on which mDNS is spoken; none named means every one but loopback,
    or loopback where there is no other."""

    mdns: bool = True
    """Announce this agent and look for others by multicast DNS."""

    static_peers: Annotated[
        tuple[str, ...], Matching(r"\[?[^\s\[\]]+\]?:\d{1,5}", '["192.168.1.20:7001"]')
    ] = ()
    """Agents to dial besides those found, each "host:port"; for networks without multicast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """What this agent sells."""

    enabled: bool = True
    """Run tasks for others; false makes this agent a requestor and relay only."""

    workers: Annotated[int, Between(0, 64)] = 0
    """Runs carried out at the same time; 0 takes one for each processor core but one."""

    price: Price = 100
    """Drops for a gigafuel (10^9 fuel, very roughly a second of work)."""

    start_price: Price = 1
    """Drops for a run, besides its fuel."""

    pricing: Annotated[
        str, Matching(r"|[^:]+\.toml|[^:]+\.py:[A-Za-z_]\w*", '"pricing.toml" or "prices.py:ask"')
    ] = ""
    """A file beside this one that sets prices by load, power, heat and hour (docs/pricing.md), or
    a function of your own in one; none named means the two prices above, always."""

    memory_mib_max: RunMebibytes = 128
    """Mebibytes of WebAssembly memory that one run may have."""

    input_mib_max: DataMebibytes = 64
    """Mebibytes of the largest input taken."""

    output_mib_max: DataMebibytes = 64
    """Mebibytes of the largest output promised."""

    fuel_max: Fuel = 1_000_000_000_000
    """Fuel of the largest run taken."""

    credit: Drops = 1_000_000
    """Drops that a requestor that has paid much may owe; a newcomer may owe a tenth."""

    stake: Drops = 10_000
    """Drops that this agent locks as soon as it has twice as many, and loses when a result of it
    is proved wrong; with a stake it is audited less and chosen more.  0 locks none."""

    reuse_ppm: Annotated[int, Between(0, 1_000_000)] = 1_000_000
    """What a result that was computed and paid before costs when it is served again, in parts per
    million of the prices; 1000000 serves none again, but runs everything."""

    services: Annotated[int, Between(0, 64)] = 1
    """Services, warm instances, kept for requestors at the same time, each in the place of a
    run; 0 keeps none."""

    warm_price: Price = 1
    """Drops for each second that a service is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestorConfig:
    """What this agent buys when ``fogbank run`` does not say otherwise."""

    price_max: Price = 1_000
    """Drops for a gigafuel that are never exceeded."""

    start_price_max: Price = 100
    """Drops for the start of a run that are never exceeded."""

    verify: Annotated[
        str,
        Matching(
            "auto|none|audit|verify|partial|quorum:[2-7]",
            '"auto", "none", "audit", "verify", "partial" or "quorum:3"',
        ),
    ] = "auto"
    """How results are checked: "none", "audit" (some run again), "verify" (by the task's own
    verifier), "partial" (some runs of each lot again) or "quorum:K" (K must agree); "auto" is
    "verify" for a task that has a verifier, and "audit" for any other.  "none" believes and pays
    whatever is said, which is for providers of your own, and "quorum:K" what K say that lie
    together.  On a machine that cannot run tasks "audit" has every run of whoever asks money for it
    repeated by others with a stake, and pays them too: one or, where the bill is more than the
    stake covers, up to seven."""

    audit_ppm: Annotated[int, Between(0, 1_000_000)] = 50_000
    """Runs audited at least, in parts per million.  Who has shown little, or has too little at
    stake, is audited more often."""

    verifier_fuel_max: Fuel = VERIFIER_FUEL_MAX
    """Fuel that a task's verifier may use for one output, here."""

    deposit: Drops = 10_000
    """Drops that a channel to a provider is opened with; at most an eighth of what wallet and
    channels have together."""

    channel_beats: Annotated[int, Between(1, 1_000_000)] = 3_600
    """Seconds that a provider may be cut off without losing what it has earned over a channel."""

    warm_price_max: Price = 100
    """Drops for each second that a service is kept, never exceeded."""

    fuel_max: Fuel = 100_000_000_000
    """Fuel that one run may use."""

    memory_mib_max: RunMebibytes = 128
    """Mebibytes of memory that a run is allowed, when its package asks for more."""

    deadline_s: Annotated[int, Between(1, 3_600)] = 120
    """Seconds that a provider has for a run, from agreement to result."""

    hedge_s: Annotated[int, Between(0, 3_600)] = 0
    """Seconds after which another provider gets a run too and the first result counts, or 0."""

    patience_s: Annotated[int, Between(1, 3_600)] = 30
    """Seconds that a run waits for a provider that takes it at the price."""

    lots_at_once: Annotated[int, Between(1, 256)] = 16
    """Lots of one job, each one run or many small ones, that are under way at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """What this agent keeps on disk."""

    blobs_mib_max: Mebibytes = 1_024
    """Mebibytes of packages, inputs and outputs kept; the oldest that nobody needs go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlConfig:
    """Who may command this agent."""

    group: str = ""
    """Members of this group may use the control socket too; none named means the owner alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """What is written to standard error."""

    level: Annotated[str, OneOf(("debug", "info", "warning", "error"))] = "info"
    """The least important event still written: "debug", "info", "warning" or "error"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultConfig:
    """Deliberate dishonesty, for demonstrations: refused outside networks named "demo…"."""

    lie_ppm: Annotated[int, Between(0, 1_000_000)] = 0
    """Results falsified before they are signed, in parts per million; 0 is an honest agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be set."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    provider: ProviderConfig = field(default_factory=ProviderConfig)
    requestor: RequestorConfig = field(default_factory=RequestorConfig)
    storage: StorageConfig = field(default_factory=StorageConfig)
    control: ControlConfig = field(default_factory=ControlConfig)
    log: LogConfig = field(default_factory=LogConfig)
    fault: FaultConfig = field(default_factory=FaultConfig)
