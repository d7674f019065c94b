"""The composition root: the one place where an agent's parts are made and tied together."""

import socket
from dataclasses import dataclass
from logging import getLogger
from os import cpu_count
from random import Random, SystemRandom
from typing import Literal

import trio

from fogbank_dag_ledger.genesis import Genesis
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_protocol.discovery.address import Address, parse_address
from fogbank_protocol.identity import Identity
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.node import Node, NodeSettings
from fogbank_wasm_tasks.errors import SandboxUnavailable
from fogbank_wasm_tasks.sandbox.pool import Sandbox

from .config import Config
from .control.answers import responder
from .control.server import serve_control
from .errors import ConfigError
from .limits import MEBIBYTE
from .parts import Parts
from .published import PublishedPackages
from .state_folder import StateFolder
from .trading.interfaces import CheckingRunner
from .trading.job_desk import JobDesk
from .trading.journal import Journal
from .trading.owner_pricing import OwnerPricing
from .trading.provider import Provider, ProviderSettings
from .trading.requestor import Requestor
from .trading.sensors import Sensors
from .trading.watch import Watch

DEMO_PREFIX = "demo"
"""How the name of a network begins in which agents may be told to lie."""

_log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Foundation:
    """What an agent is built upon: read from the state folder, and the folder locked."""

    state: StateFolder
    config: Config
    identity: Identity
    genesis: Genesis


async def run_agent(
    foundation: Foundation, *, task_status: trio.TaskStatus[Parts] = trio.TASK_STATUS_IGNORED
) -> None:
    """Run an agent until cancelled; ``task_status`` gets its parts when it answers commands.

    Raises:
        ConfigError: a setting makes no sense here.
        MachineError: the control socket cannot be made.
        CannotListen, StorageFailure, DatabaseFailure: as the parts say.
    """
    began = trio.current_time()
    state, config = foundation.state, foundation.config
    journal = Journal(state.journal)
    blobs = BlobStore(state.blobs, capacity_bytes=config.storage.blobs_mib_max * MEBIBYTE)
    try:
        async with trio.open_nursery() as nursery:
            runner, sandbox, why_not = await _start_sandbox(foundation, nursery)
            parts = _assemble(foundation, journal, blobs, runner, sandbox, why_not, began)
            await nursery.start(journal.run)
            await parts.published.restore()
            await nursery.start(parts.ledger.run)
            await nursery.start(parts.node.run)
            state.write_last_port(parts.node.port)
            await nursery.start(parts.requestor.run)
            await nursery.start(parts.jobs.run)
            if parts.provider is not None:
                await nursery.start(parts.provider.run)
            await nursery.start(
                serve_control, state.control_socket, config.control.group, responder(parts)
            )
            task_status.started(parts)
    finally:
        journal.close()
        blobs.close()


async def _start_sandbox(
    foundation: Foundation, nursery: trio.Nursery
) -> tuple[CheckingRunner | None, Sandbox | None, str]:
    """Return what executes runs and what keeps services, or None and why this machine cannot."""
    sandbox = Sandbox(foundation.state.sandbox, workers=_slots(foundation.config))
    try:
        await nursery.start(sandbox.run)
    except SandboxUnavailable as error:
        _log.warning("runs no tasks: %s", error)
        return None, None, str(error)
    return _with_fault(sandbox, foundation), sandbox, ""


def _assemble(
    foundation: Foundation,
    journal: Journal,
    blobs: BlobStore,
    runner: CheckingRunner | None,
    sandbox: Sandbox | None,
    why_not: str,
    began: float,
) -> Parts:
    state, config = foundation.state, foundation.config
    identity, genesis = foundation.identity, foundation.genesis
    node = Node(identity, genesis.network, _node_settings(foundation), genesis.body, blobs=blobs)
    ledger = LedgerService(genesis, identity, state.ledger, node)
    node.add_services(ledger.services())
    watch = Watch(node, identity, ledger, blobs, runner)
    node.add_services(watch.services())
    requestor = Requestor(
        node,
        identity,
        ledger,
        blobs,
        journal,
        runner=runner,
        watch=watch,
        random=SystemRandom(),
        deposit=config.requestor.deposit,
        channel_beats=config.requestor.channel_beats,
    )
    node.add_services(requestor.services())
    provider = None
    if not config.provider.enabled:
        why_not = "[provider] enabled is false in config.toml"
    elif runner is not None:
        provider = Provider(
            node,
            identity,
            ledger,
            blobs,
            journal,
            runner=runner,
            settings=_provider_settings(config),
            random=SystemRandom(),
            pricing=_pricing(foundation),
            sessions=sandbox,
        )
        node.add_services(provider.services())
    return Parts(
        state=state,
        config=config,
        genesis=genesis,
        identity=identity,
        blobs=blobs,
        node=node,
        ledger=ledger,
        journal=journal,
        published=PublishedPackages(state.published, blobs),
        requestor=requestor,
        jobs=JobDesk(requestor, blobs, journal, SystemRandom()),
        provider=provider,
        why_no_provider=why_not,
        began=began,
    )


def _slots(config: Config) -> int:
    return config.provider.workers or max(1, (cpu_count() or 1) - 1)


def _node_settings(foundation: Foundation) -> NodeSettings:
    network = foundation.config.network
    interfaces: tuple[str, ...] | Literal["auto"] = network.interfaces or "auto"
    return NodeSettings(
        listen_hosts=network.listen_addresses,
        port=network.listen_port or _free_again(foundation),
        interfaces=interfaces,
        mdns=network.mdns,
        network_name=foundation.genesis.name,
        static_peers=tuple(map(_static_peer, network.static_peers)),
        addresses_file=foundation.state.addresses,
        kept_peers=frozenset(foundation.genesis.seats),
    )


def _free_again(foundation: Foundation) -> int:
    """Return the port of the last start if it is free, so that remembered addresses hold; or 0."""
    port = foundation.state.read_last_port()
    if port == 0:
        return 0
    for host in foundation.config.network.listen_addresses:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError:
                return 0
    return port


def _static_peer(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise ConfigError(f"[network] static_peers: {error}") from None


def _provider_settings(config: Config) -> ProviderSettings:
    provider = config.provider
    return ProviderSettings(
        slots=_slots(config),
        price=provider.price,
        start_price=provider.start_price,
        memory_bytes_max=provider.memory_mib_max * MEBIBYTE,
        input_bytes_max=provider.input_mib_max * MEBIBYTE,
        output_bytes_max=provider.output_mib_max * MEBIBYTE,
        fuel_max=provider.fuel_max,
        credit=provider.credit,
        reuse_ppm=provider.reuse_ppm,
        services_max=provider.services,
        warm_price=provider.warm_price,
        stake=provider.stake,
    )


def _pricing(foundation: Foundation) -> OwnerPricing | None:
    provider = foundation.config.provider
    if not provider.pricing:
        return None
    folder = foundation.state.config.parent
    pricing = OwnerPricing(
        provider.pricing, folder, provider.price, provider.start_price, Sensors()
    )
    pricing.load()
    return pricing


def _with_fault(sandbox: Sandbox, foundation: Foundation) -> CheckingRunner:
    """Put the liar around the sandbox where the configuration of a demonstration asks for it."""
    lie_ppm = foundation.config.fault.lie_ppm
    if lie_ppm == 0:
        return sandbox
    if not foundation.genesis.name.startswith(DEMO_PREFIX):
        raise ConfigError(
            f"[fault] lie_ppm: this network is named '{foundation.genesis.name}', and agents are "
            f"told to lie only in networks whose name begins with '{DEMO_PREFIX}'"
        )
    from .demo.liar import LyingRunner

    _log.warning("lies about %d of a million results, as [fault] says", lie_ppm)
    seed = foundation.identity.node_id
    return LyingRunner(sandbox, lie_ppm, Random(seed))
