"""Waits until something has come to pass on the agents of the demonstration."""

import time
from collections.abc import Callable, Sequence

from ..control.client import ControlClient
from ..control.requests.disputes import Dispute, Disputes, GetDisputes
from ..control.requests.peers import GetPeers, Peers
from ..errors import AgentUnreachable, MachineError
from ..limits import DEMO_DISPUTE_S, DEMO_GATHER_S, DEMO_POLL_S
from .processes import AgentProcess


def wait_until(
    condition: Callable[[], bool], processes: Sequence[AgentProcess], *, seconds: float, what: str
) -> None:
    """Return when ``condition`` holds.

    Raises:
        MachineError: it did not within ``seconds``, or an agent stopped; ``what`` says what was
            waited for.
    """
    ends_at = time.monotonic() + seconds
    while not condition():
        for process in processes:
            process.check_running()
        if time.monotonic() > ends_at:
            logs = processes[0].player.log.parent
            raise MachineError(f"{what} took more than {seconds:.0f} s: see the logs in {logs}")
        time.sleep(DEMO_POLL_S)


def wait_gathered(processes: Sequence[AgentProcess]) -> None:
    """Return when every agent has a channel to every other and the first knows all offers."""
    others = len(processes) - 1

    def gathered() -> bool:
        return all(_connected(process) == others for process in processes) and _offered(
            processes[0]
        ) == sum(process.player.number > 1 for process in processes)

    wait_until(
        gathered, processes, seconds=DEMO_GATHER_S, what="finding each other by mDNS on loopback"
    )


def wait_judged(processes: Sequence[AgentProcess]) -> Sequence[Dispute]:
    """Return the requestor's disputes when all are over, or when ``DEMO_DISPUTE_S`` are."""
    found: Sequence[Dispute] = ()

    def is_over() -> bool:
        nonlocal found
        with processes[0].connect() as client:
            found = client.ask(GetDisputes(), Disputes).disputes
        return all(one.state not in ("open", "proved") for one in found)

    try:
        wait_until(is_over, processes, seconds=DEMO_DISPUTE_S, what="judging the liar")
    except MachineError:
        for process in processes:
            process.check_running()
    return found


def _peers(process: AgentProcess) -> Peers | None:
    try:
        with ControlClient(process.player.state.control_socket) as client:
            return client.ask(GetPeers(), Peers)
    except AgentUnreachable:
        return None


def _connected(process: AgentProcess) -> int:
    peers = _peers(process)
    return 0 if peers is None else len(peers.peers)


def _offered(process: AgentProcess) -> int:
    peers = _peers(process)
    return 0 if peers is None else sum(peer.price is not None for peer in peers.peers)
