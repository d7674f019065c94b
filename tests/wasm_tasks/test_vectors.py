"""Replays the vectors of tasks: packages, receipts, modules."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.wasm_tasks.runs import run_command, run_exactly

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.signed import signed_from_value
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.outcome import outcome_to_value
from fogbank_wasm_tasks.package import manifest_to_value, open_package
from fogbank_wasm_tasks.receipt import (
    RECEIPT,
    Receipt,
    open_receipt,
    receipt_to_value,
    sign_receipt,
)
from fogbank_wasm_tasks.sandbox.engine import Engine
from fogbank_wasm_tasks.sandbox.messages import Finished

FOLDER = Path(__file__).parents[1] / "vectors"


def load(topic: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{topic}.json").read_text(encoding="utf-8")))


def cases(topic: str, side: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in load(topic)[side]]


@pytest.mark.parametrize("case", cases("packages", "accept"))
def test_packages_that_are_accepted(case: dict[str, Any]) -> None:
    package = open_package(bytes.fromhex(case["hex"]))

    fields = manifest_to_value(package.manifest)
    assert isinstance(fields, list)
    assert [each.hex() if isinstance(each, bytes) else each for each in fields] == case["manifest"]
    assert package.package_id.hex() == case["package_id"]


@pytest.mark.parametrize("case", cases("packages", "reject"))
def test_packages_that_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        open_package(bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


def open_vector(case: dict[str, Any]) -> Receipt:
    network = NetworkId(bytes.fromhex(load("receipts")["network"]))
    return open_receipt(signed_from_value(RECEIPT, decode(bytes.fromhex(case["hex"]))), network)


@pytest.mark.parametrize("case", cases("receipts", "accept"))
def test_receipts_that_are_accepted(case: dict[str, Any]) -> None:
    receipt = open_vector(case)

    vectors = load("receipts")
    provider = Identity.from_seed(bytes.fromhex(vectors["provider_seed"]))
    network = NetworkId(bytes.fromhex(vectors["network"]))
    assert encode(sign_receipt(receipt, network, provider).to_value()).hex() == case["hex"]
    assert encode(receipt_to_value(receipt)).hex() in case["hex"]


@pytest.mark.parametrize("case", cases("receipts", "reject"))
def test_receipts_that_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        open_vector(case)
    assert caught.value.rule == case["rule"]


@pytest.fixture(name="engine", scope="module")
def make_engine() -> Engine:
    return Engine(on_call=lambda _fuel: None)


@pytest.mark.parametrize("case", [*cases("modules", "accept"), *cases("metering", "accept")])
def test_modules_that_run(engine: Engine, case: dict[str, Any]) -> None:
    module = bytes.fromhex(case["hex"])
    check_module(module)

    ended = run_exactly(
        engine,
        module,
        run_command(
            Shape(case["shape"]), input=bytes.fromhex(case["input"]), fuel_max=case["fuel_max"]
        ),
    )

    said = [0] if isinstance(ended.ending, Finished) else outcome_to_value(ended.ending)
    assert (said, ended.output.hex(), ended.fuel) == (
        case["outcome"],
        case["output"],
        case["fuel"],
    )


@pytest.mark.parametrize("case", cases("modules", "reject"))
def test_modules_that_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        check_module(bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]
