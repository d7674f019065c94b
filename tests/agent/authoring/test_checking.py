"""Files that somebody hands over: a package, or a proof of a wrong result."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.wasm_tasks.packages import command, package, translate
from tests.wasm_tasks.verification.disputed_run import (
    INPUT,
    LIE_FROM,
    NETWORK,
    PROVIDER,
    TERMS,
    Told,
    tell,
)
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_agent.authoring.checking import PackageChecked, ProofJudged, check_file
from fogbank_agent.cli.main import tree
from fogbank_agent.errors import ProofFailed, Refused
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof, encode_proof

pytestmark = pytest.mark.slow


def proof(of: Told, first: int | None, last: int | None) -> bytes:
    return encode_proof(
        WrongResultProof(
            network=NETWORK,
            package=step_package().data,
            terms=TERMS,
            receipt=of.receipt,
            index=0,
            start=None if first is None else of.stated(first),
            stop=None if last is None else of.stated(last),
            given=INPUT if first is None else of.snapshots[first],
        )
    )


def verify(path: Path) -> tuple[dict[str, Any], BaseException | None]:
    result = CliRunner().invoke(tree, ["task", "verify", str(path), "--json"])
    return json.loads(result.stdout), result.exception


def test_a_package_is_told_from_a_proof() -> None:
    task = package(command(""))
    found = check_file(task.data, "file")
    assert isinstance(found, PackageChecked)
    assert found.package.package_id == task.package_id


def test_a_proof_that_holds_names_the_provider_and_the_place(tmp_path: Path) -> None:
    path = tmp_path / "proof"
    path.write_bytes(proof(tell(LIE_FROM), LIE_FROM - 1, LIE_FROM))
    said, error = verify(path)
    assert error is None
    assert (said["kind"], said["holds"], said["verdict"]) == ("proof", True, "wrong")
    assert said["provider"] == PROVIDER.node_id.hex()
    assert said["network"] == NETWORK.hex()
    assert said["position"] == LIE_FROM
    assert said["package"]["package_id"] == step_package().package_id.hex()


def test_a_proof_against_an_honest_provider_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "proof"
    path.write_bytes(proof(tell(None), None, None))
    said, error = verify(path)
    assert (said["holds"], said["verdict"], said["position"]) == (False, "right", None)
    assert isinstance(error, ProofFailed)
    assert error.exit_code == 1


@pytest.mark.parametrize("kind", ["cut proof", "mixed proof", "cut package", "module", "text"])
def test_what_does_not_hold_is_refused_in_a_sentence(tmp_path: Path, kind: str) -> None:
    whole = proof(tell(None), None, None)
    data = {
        "cut proof": whole[:-1],
        # The same length, another author's key.
        "mixed proof": whole.replace(PROVIDER.node_id, bytes(32)),
        "cut package": package(command("")).data[:-1],
        "module": translate(command("")),
        "text": b"hello",
    }[kind]
    (tmp_path / "file").write_bytes(data)
    said, error = verify(tmp_path / "file")
    assert isinstance(error, Refused)
    assert said == {"schema": 1, "holds": False, "why": str(error)}


def test_a_judgement_has_a_sentence() -> None:
    found = check_file(proof(tell(None), None, None), "file")
    assert isinstance(found, ProofJudged)
    assert found.sentence.startswith("RIGHT: what provider")
