"""The agents of the demonstration, before they start."""

from pathlib import Path

import pytest

from fogbank_agent.config import ProviderConfig, RequestorConfig
from fogbank_agent.config_file import read_config
from fogbank_agent.demo.stage import Player, Role, casting, set_up
from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_protocol.identity import short_form


def stage(folder: Path, seed: int = 0) -> list[Player]:
    return set_up(folder / "agents", folder / "logs", count=6, seed=seed)


@pytest.fixture(scope="module")
def players(tmp_path_factory: pytest.TempPathFactory) -> list[Player]:
    return stage(tmp_path_factory.mktemp("stage"))


def test_one_buys_and_one_lies_among_any_number() -> None:
    for count in (5, 6, 16):
        roles = casting(count)
        assert len(roles) == count
        for role in (Role.REQUESTOR, Role.LIAR):
            assert roles.count(role) == 1


def test_all_are_in_one_network_with_four_seats_of_which_three_decide(
    players: list[Player],
) -> None:
    bodies = {player.state.read_genesis() for player in players}

    assert len(bodies) == 1
    genesis = decode_genesis(bodies.pop())
    assert genesis.quorum == 3
    seats = {node_id.hex() for node_id in genesis.seats}
    assert seats == {player.node_id for player in players[:4]}
    balances = {node_id.hex(): drops for node_id, drops in genesis.balances.items()}
    grants = {balances.pop(player.node_id) for player in players[1:]}
    assert grants == {2 * ProviderConfig().stake}, "what it takes to have a stake"
    assert list(balances) == [players[0].node_id]


def test_the_liar_has_no_seat_and_takes_no_long_run(players: list[Player]) -> None:
    limits = {player.role: read_config(player.state.config).provider.fuel_max for player in players}

    assert [player.role for player in players].index(Role.LIAR) >= 4
    assert limits[Role.LIAR] < RequestorConfig().fuel_max <= limits[Role.HONEST]


def test_only_the_liar_lies_and_only_the_requestor_sells_nothing(players: list[Player]) -> None:
    for player in players:
        config = read_config(player.state.config)
        assert (config.fault.lie_ppm > 0) == (player.role is Role.LIAR)
        assert config.provider.enabled == (player.role is not Role.REQUESTOR)
        assert config.network.listen_addresses == config.network.interfaces == ("127.0.0.1",)


def test_no_agent_knows_an_address_beforehand(players: list[Player]) -> None:
    for player in players:
        assert read_config(player.state.config).network.static_peers == ()
        assert not player.state.addresses.exists()


@pytest.mark.slow
def test_keys_follow_from_the_seed(tmp_path: Path) -> None:
    one, same, other = (
        stage(tmp_path / name, seed) for name, seed in (("1", 3), ("2", 3), ("3", 4))
    )

    assert [player.node_id for player in one] == [player.node_id for player in same]
    assert not {player.node_id for player in one} & {player.node_id for player in other}
    assert one[0].short == short_form(bytes.fromhex(one[0].node_id))
