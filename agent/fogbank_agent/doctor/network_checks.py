"""Whether neighbours can find this machine and reach it."""

import socket
import struct
from collections.abc import Sequence
from errno import EACCES, EADDRINUSE
from importlib.util import find_spec

from fogbank_protocol.node.mdns import usable_hosts

from .finding import Finding, note, ok, problem

_GROUP = "224.0.0.251"
_PORT = 5_353
_STATIC = "name a neighbour: [network] static_peers in config.toml"


def check_mdns(interfaces: Sequence[str], is_wanted: bool) -> Finding:
    """Return whether neighbours can be found by multicast DNS on ``interfaces`` (none: every)."""
    if not is_wanted:
        return ok("mDNS", "turned off in config.toml", "static peers alone are dialled")
    if find_spec("zeroconf") is None:
        return problem("mDNS", "zeroconf is not installed", "nobody is found", _STATIC)
    try:
        hosts = usable_hosts(tuple(interfaces) or "auto")
    except OSError as error:
        return note("mDNS", f"no interfaces are told: {error.strerror}", "nobody is found", _STATIC)
    missing = [host for host in interfaces if host not in hosts]
    if missing:
        return note(
            "mDNS",
            f"no interface has the address {missing[0]} now",
            "neighbours there are found as soon as one has",
            "nothing, or correct [network] interfaces in config.toml",
        )
    faults = {host: fault for host in hosts if (fault := _join(host))}
    if not hosts or len(faults) == len(hosts):
        why = next(iter(faults.values()), "there is no interface")
        return note(
            "mDNS", f"not possible: {why}", "neighbours are not found by themselves", _STATIC
        )
    if list(hosts) == ["127.0.0.1"]:
        return note(
            "mDNS",
            "possible on this machine only",
            "agents on other machines are not found",
            "nothing, if that is meant; else connect this machine to a network",
        )
    return ok(
        "mDNS", f"possible on {', '.join(sorted(set(hosts) - set(faults)))}", "neighbours are found"
    )


def _join(host: str) -> str:
    """Return why ``host`` cannot hear multicast DNS; empty when it can."""
    if ":" in host:
        return ""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            found.bind(("", _PORT))
            member = struct.pack("4s4s", socket.inet_aton(_GROUP), socket.inet_aton(host))
            found.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def check_port(addresses: Sequence[str], port: int, is_agent_up: bool) -> Finding:
    """Return whether channels could be accepted on ``port`` of ``addresses``; 0 is any port."""
    where = "any port" if port == 0 else f"port {port}"
    for address in addresses:
        fault = _bind(address, port)
        if fault == EADDRINUSE and is_agent_up:
            return ok("listening", f"on {where}, by the agent that is up", "neighbours reach it")
        if fault == EADDRINUSE:
            return problem(
                "listening",
                f"{where} of {address} is in use",
                "an agent cannot start",
                "stop what uses it, or set [network] listen_port in config.toml",
            )
        if fault == EACCES:
            return problem(
                "listening",
                f"{where} of {address} needs more rights",
                "an agent cannot start",
                "set [network] listen_port in config.toml to 1024 or more",
            )
        if fault:
            return problem(
                "listening",
                f"{address} is no address of this machine",
                "an agent cannot start",
                "correct [network] listen_addresses in config.toml",
            )
    return ok("listening", f"{where} is free", "neighbours can reach an agent here")


def _bind(address: str, port: int) -> int:
    """Return the error number of listening there; 0 when it works."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as found:
            # As the agent does, so that a port that it has just left is not in use.
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((address, port))
            found.listen(1)
    except OSError as error:
        return error.errno or -1
    return 0
