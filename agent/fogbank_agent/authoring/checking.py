"""Checks the two kinds of files that tasks leave behind: packages, and proofs of wrong results."""

from dataclasses import dataclass

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.repeat import describe, repeat_proof
from fogbank_wasm_tasks.verification.proof import CheckedProof, Verdict, check_proof
from fogbank_wasm_tasks.verification.proof_file import decode_proof, is_proof

from ..errors import Refused
from .inspection import PackageFacts, inspect, package_facts
from .packing import WASM, open_task
from .trial import local_sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageChecked:
    """A package of which everything holds that can be checked without running it."""

    package: PackageFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofJudged:
    """A proof that hangs together, and what repeating the run has shown."""

    verdict: str
    """``wrong``: the provider signed a wrong result; ``right``; or ``unknown``: not repeated."""

    sentence: str
    network: bytes
    provider: bytes
    position: int | None
    """Which state of the run was repeated; None for its end."""

    package: PackageFacts


def check_file(data: bytes, name: str) -> PackageChecked | ProofJudged:
    """Check the package or proof ``data``, of a file ``name``; a proof repeats its part of the run.

    Raises:
        Refused: it is neither, or something of it does not hold; the sentence says what.
        MachineError: this machine cannot run tasks, so that no proof can be judged.
    """
    if is_proof(data):
        return _judge(data, name)
    return check_package(data, name, wanted="a package nor a proof")


def check_package(
    data: bytes, name: str, *, wanted: str = "a package nor a WebAssembly module"
) -> PackageChecked:
    """Check the package ``data``, of a file ``name``; ``wanted`` as ``open_task`` takes it.

    Raises:
        Refused: it is none, or something of it does not hold; the sentence says what.
    """
    if data.startswith(WASM):
        raise Refused(
            f"{name} is a bare module, which nobody signed: 'fogbank task pack' makes a package in "
            "a task's folder, 'fogbank task inspect' tells what it is"
        )
    package = inspect(open_task(data, name, wanted=wanted), is_bare=False).package
    assert package is not None
    return PackageChecked(package=package)


def _judge(data: bytes, name: str) -> ProofJudged:
    try:
        proof = decode_proof(data)
        checked = check_proof(proof)
        verdict = trio.run(_repeat, checked)
    except RemoteProtocolError as error:
        raise Refused(f"{name} proves nothing: {error}") from None
    return ProofJudged(
        verdict=str(verdict),
        sentence=describe(checked, verdict),
        network=proof.network,
        provider=checked.provider,
        position=checked.stop,
        package=package_facts(checked.package),
    )


async def _repeat(checked: CheckedProof) -> Verdict:
    async with local_sandbox() as sandbox:
        return (await repeat_proof(sandbox, checked)).verdict
