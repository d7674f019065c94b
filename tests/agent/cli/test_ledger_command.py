"""``fogbank ledger``: every command on a ledger that an agent left on disk (SPEC.md 8)."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest
from tests.dag_ledger.community import Community

from fogbank_agent.cli.main import tree
from fogbank_agent.errors import FogbankError
from fogbank_agent.setting_up import read_network_file
from fogbank_agent.state_folder import StateFolder
from fogbank_dag_ledger.service.disk import STORE_NAME
from fogbank_dag_ledger.service.store import VertexStore
from fogbank_dag_ledger.vertex_codec import encode_vertex


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """Return the folder of an agent that has seen one payment become final."""
    community = Community()
    folder = StateFolder(tmp_path)
    folder.genesis.write_bytes(community.genesis.body)
    folder.ledger.mkdir()
    store = VertexStore(folder.ledger / STORE_NAME, community.network)
    payment = community.vertex(4, pays={6: 100})
    votes = [community.vertex(seat, parents=[payment]) for seat in range(3)]
    acknowledgements = [
        community.vertex(seat, votes[seat], acknowledges=[payment]) for seat in range(3)
    ]
    vertices = [payment, *votes, *acknowledgements]
    store.append([(vertex.id, encode_vertex(vertex)) for vertex in vertices])
    store.close()
    return folder


def ledger(state: StateFolder, *arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    tree.main(
        ["ledger", *arguments, "--state", str(state.path)],
        prog_name="fogbank",
        standalone_mode=False,
    )
    return capsys.readouterr().out


def test_each_command_tells_what_is_on_disk(
    state: StateFolder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    community = Community()
    payment = community.vertex(4, pays={6: 100})

    shown = ledger(state, "show", capsys=capsys)
    assert "7 vertices held, 1 final" in shown
    assert "begins at genesis" in shown
    told = json.loads(
        ledger(state, "account", community.names[4].hex()[:8], "--json", capsys=capsys)
    )
    assert (told["balance"], told["final"], told["forked"]) == (900, 1, False)
    assert "to   " in ledger(state, "account", community.names[4].hex(), capsys=capsys)
    told = json.loads(ledger(state, "vertex", payment.id.hex(), "--json", capsys=capsys))
    assert told["state"] == "final"
    assert len(told["voters"]) == 3
    assert "pays 100 drops" in ledger(state, "vertex", payment.id.hex()[:40], capsys=capsys)
    assert len(ledger(state, "tips", capsys=capsys).splitlines()) == 3
    stats = json.loads(ledger(state, "stats", "--json", capsys=capsys))
    assert (stats["vertices_held"], stats["checkpoint"]) == (7, -1)
    assert stats["supply_held"] == stats["supply"]
    assert "equal; state hash" in ledger(state, "verify", capsys=capsys)

    out = tmp_path / "out"
    ledger(state, "export", "--format", "graphml", "--out", str(out), capsys=capsys)
    graph = nx.read_graphml(out)
    assert (len(graph), graph.number_of_edges()) == (7, 6)
    ledger(state, "export", "--format", "dot", "--out", str(out), capsys=capsys)
    assert out.read_text().count("->") == 6
    ledger(state, "export", "--out", str(out), capsys=capsys)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert sum(len(line["edges"]) for line in lines) == 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["account", "nobody"], "is no node id"),
        (["account", "0000"], "no account, or more than one"),
        (["vertex", "ffffffff"], "no vertex"),
        (["export", "--out", "/no/such/folder/file"], "cannot be written"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(
    state: StateFolder,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(FogbankError, match=sentence):
        ledger(state, *arguments, capsys=capsys)


def test_verify_finds_what_was_changed_on_disk(
    state: StateFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sqlite3.connect(state.ledger / STORE_NAME)
    ((number, wire),) = file.execute("SELECT n, wire FROM vertex LIMIT 1").fetchall()
    damaged = wire[:-1] + bytes([wire[-1] ^ 1])
    file.execute("UPDATE vertex SET wire = ? WHERE n = ?", (damaged, number))
    file.commit()
    file.close()

    with pytest.raises(FogbankError, match="not what it should be"):
        ledger(state, "verify", capsys=capsys)
    assert "is damaged" in capsys.readouterr().out


def test_without_a_ledger_or_with_a_broken_file_a_sentence_says_what_to_do(
    state: StateFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = state.ledger / STORE_NAME
    path.write_bytes(b"no database" * 1_000)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with pytest.raises(FogbankError, match="damaged"):
        ledger(state, "stats", capsys=capsys)
    # Looking never sets anything aside.
    assert [one.name for one in state.ledger.iterdir()] == [STORE_NAME]
    result = subprocess.run(
        [sys.executable, "-m", "fogbank_agent", "ledger", "show", "--state", str(tmp_path / "x")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 4
    assert "Traceback" not in result.stderr


def test_a_network_begins_anew_with_the_balances_of_one_whose_seats_are_lost(
    state: StateFolder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    community = Community()
    survivor, out = community.names[3], tmp_path / "next.network"

    def begin(seat: str) -> None:
        named = ("--name", "next", "--seat", seat, "--out", str(out))
        tree.main(
            ["network", "begin-anew", *named, "--state", str(state.path), "--json"],
            prog_name="fogbank",
            standalone_mode=False,
        )

    with pytest.raises(FogbankError, match="is no key"):
        begin("four")
    begin(survivor.hex())
    said = json.loads(capsys.readouterr().out)
    genesis = read_network_file(out)
    assert (said["seats"], said["quorum"]) == ([survivor.hex()], 1)
    assert genesis.network != community.network
    assert genesis.supply == community.genesis.supply
    # Paid and final; the payee has not claimed it.
    assert genesis.balances[community.names[4]] == 900
    assert genesis.balances[community.names[6]] == 100
    with pytest.raises(FogbankError, match="exists already"):
        begin(survivor.hex())
