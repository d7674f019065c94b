"""Looks at everything, in the order in which a person puts it right."""

from ..state_folder import StateFolder
from .finding import Finding
from .folder_checks import check_folder, is_agent_up, read_config_or_default
from .machine_checks import (
    check_channel_cipher,
    check_clock,
    check_cores,
    check_disk,
    check_memory,
    check_open_files,
    check_signatures,
    check_system,
    check_wasmtime,
)
from .network_checks import check_mdns, check_port
from .pricing_checks import check_pricing, check_sensors
from .sandbox_checks import check_sandbox


def examine(state: StateFolder) -> list[Finding]:
    """Return what an agent in ``state`` has and lacks on this machine; no agent need be running.

    Nothing is changed: what is written is gone again at the end.
    """
    config = read_config_or_default(state)
    network, provider = config.network, config.provider
    return [
        check_system(),
        check_wasmtime(),
        *check_sandbox(),
        check_cores(provider.workers),
        check_memory(provider.workers, provider.memory_mib_max),
        check_signatures(),
        check_channel_cipher(),
        *check_folder(state),
        *check_disk(state.path),
        check_mdns(network.interfaces, network.mdns),
        check_port(
            network.listen_addresses,
            network.listen_port or state.read_last_port(),
            is_agent_up(state),
        ),
        check_open_files(),
        check_clock(),
        check_sensors(),
        *check_pricing(provider, state.config.parent),
    ]
