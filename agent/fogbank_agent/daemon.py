"""The daemon: one agent in the foreground, from its state folder to a signal that ends it."""

import errno
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

import trio

from fogbank_dag_ledger.genesis import Genesis, decode_genesis
from fogbank_dag_ledger.service.failures import StorageFailure
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId, short_form
from fogbank_protocol.node.database import DatabaseFailure
from fogbank_protocol.node.node import CannotListen

from .composition import Foundation, run_agent
from .config_file import read_config
from .errors import FogbankError, MachineError, StateFolderError, printable
from .limits import GARBAGE_THRESHOLDS
from .state_folder import StateFolder

_log = logging.getLogger(__name__)

_ExceptionInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


@dataclass(frozen=True, slots=True)
class Listening:
    """An agent that has started: neighbours and commands reach it."""

    node_id: NodeId
    short: str
    network_id: NetworkId
    network_name: str
    port: int
    """Where it accepts channels, 0 when it accepts none."""

    process: int
    state_folder: str


def run_daemon(
    state: StateFolder, *, announce: Callable[[Listening], None] = lambda listening: None
) -> None:
    """Run the agent of ``state`` until SIGINT or SIGTERM; ``announce`` hears when it listens.

    Raises:
        FogbankError: it cannot start or go on; the message is a sentence that says what to do.
    """
    identity = state.read_identity()
    genesis = _genesis(state)
    config = read_config(state.config)
    _log_to_stderr(config.log.level)
    with state.locked(), _files_for_the_owner():
        state.clear_uploads()
        try:
            gc.set_threshold(*GARBAGE_THRESHOLDS)
            trio.run(_until_signal, Foundation(state, config, identity, genesis), announce)
        except (FogbankError, CannotListen, StorageFailure, DatabaseFailure, OSError) as error:
            raise as_fogbank_error(error) or error from None
        except ExceptionGroup as group:
            sentence = as_fogbank_error(group)
            if sentence is None:
                raise
            raise sentence from None


@contextmanager
def _files_for_the_owner() -> Generator[None]:
    """Let nobody else read the files that are made inside: a group may be let into the folder."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


async def _until_signal(foundation: Foundation, announce: Callable[[Listening], None]) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_at_signal, signals, nursery.cancel_scope)
            parts = await nursery.start(run_agent, foundation)
            for notice in parts.notices():
                _log.warning("%s", notice)
            # Whatever is loaded by now lives as long as the process: looking through it again and
            # again for garbage, the last time at the very end, is work for nothing.
            gc.collect()
            gc.freeze()
            here = _listening(foundation, parts.node.port)
            _log.info(
                "agent %s in network '%s' (%s) listens on port %d",
                here.short,
                here.network_name,
                here.network_id.hex(),
                here.port,
            )
            announce(here)
    _log.info("stopped")


def _listening(foundation: Foundation, port: int) -> Listening:
    node_id, genesis = foundation.identity.node_id, foundation.genesis
    return Listening(
        node_id=node_id,
        short=short_form(node_id),
        network_id=genesis.network,
        network_name=genesis.name,
        port=port,
        process=os.getpid(),
        state_folder=str(foundation.state.path),
    )


async def _stop_at_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for number in signals:
        _log.info("%s: stopping", signal.Signals(number).name)
        scope.cancel()


def _genesis(state: StateFolder) -> Genesis:
    try:
        return decode_genesis(state.read_genesis())
    except RemoteProtocolError:
        raise StateFolderError(
            f"{state.genesis} is damaged: take a copy from another agent of the network"
        ) from None


class OneLine(logging.Formatter):
    """Writes each event as one line, whatever a library or a peer put into it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of ``record``, with nothing that would steer a terminal."""
        return printable(" | ".join(super().format(record).splitlines()))

    def formatException(self, ei: _ExceptionInfo) -> str:
        """Return what was raised, without the way there."""
        return f"{type(ei[1]).__name__}: {ei[1]}"


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(OneLine(form, "%Y-%m-%dT%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def as_fogbank_error(error: Exception) -> FogbankError | None:
    """Return what a person can put right about ``error``; None when part of it is a bug."""
    match error:
        case ExceptionGroup():
            found = [as_fogbank_error(one) for one in error.exceptions]
            return None if None in found else found[0]
        case FogbankError():
            return error
        case CannotListen() | StorageFailure() | DatabaseFailure():
            return MachineError(str(error))
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return MachineError(
                f"the disk is full ({error.filename or 'state folder'}): make room and start "
                "again; nothing that was accepted is lost"
            )
        case OSError(errno=errno.EACCES | errno.EPERM | errno.EROFS | errno.EIO, filename=str()):
            return MachineError(f"{error.filename} cannot be used: {error.strerror}")
        case _:
            return None
