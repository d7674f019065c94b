"""``fogbank init``: make an agent."""

from pathlib import Path

import click

from ..errors import printable
from ..state_folder import StateFolder
from .options import json_option, print_json, state_option


@click.command("init")
@click.option("--name", metavar="NAME", help="Make a new network of this name [home].")
@click.option(
    "--join",
    metavar="[NETWORK_ID]",
    is_flag=False,
    flag_value="",
    default=None,
    help="Join the network that neighbours announce; name it when there are several.",
)
@click.option(
    "--network",
    "network_file",
    type=click.Path(path_type=Path),
    help="Be in the network of this file, made by 'fogbank network create'.",
)
@click.option("--key-only", is_flag=True, help="Make the key and nothing else yet.")
@click.option(
    "--interface",
    "interfaces",
    metavar="ADDRESS",
    multiple=True,
    help="Stay on the interface with this address, such as 127.0.0.1; may be repeated.",
)
@click.option("--port", type=click.IntRange(0, 65_535), help="TCP port to listen on.")
@click.option("--no-provider", is_flag=True, help="Buy only: run nothing for others.")
@state_option
@json_option
def command(
    name: str | None,
    join: str | None,
    network_file: Path | None,
    key_only: bool,
    interfaces: tuple[str, ...],
    port: int | None,
    no_provider: bool,
    state: StateFolder,
    as_json: bool,
) -> None:
    """Make an agent in an empty state folder: a key, a configuration, and a network to be in.

    Without --join and --network it begins a network of its own, whose one seat and whole supply
    belong to this agent; neighbours then join it.
    """
    if sum(choice is not None for choice in (name, join, network_file)) > 1:
        raise click.UsageError("--name, --join and --network exclude each other")
    from fogbank_protocol.identity import short_form

    from .. import setting_up

    settings = _settings(interfaces, port, no_provider)
    if name is not None:
        # Before there is a folder: what is refused leaves none behind.
        setting_up.check_network_name(name)
    setting_up.check_unused(state)
    if key_only:
        identity = setting_up.make_key(state)
        if as_json:
            print_json({"node_id": identity.node_id, "short": short_form(identity.node_id)})
        else:
            click.echo(identity.node_id.hex())
        return
    if join is not None:
        if not as_json:
            click.echo("listening for networks …", err=True)
        genesis = setting_up.join_network(join, interfaces)
    elif network_file is not None:
        genesis = setting_up.read_network_file(network_file)
    else:
        own = setting_up.make_key(state).node_id
        genesis = setting_up.make_network(
            "home" if name is None else name, [own], {own: setting_up.NEW_NETWORK_SUPPLY}
        )
    made = setting_up.finish(state, genesis, settings)
    node_id = made.identity.node_id
    if as_json:
        print_json(
            {
                "node_id": node_id,
                "short": short_form(node_id),
                "network_id": genesis.network,
                "network_name": genesis.name,
                "balance": genesis.balances.get(node_id, 0),
                "validator": node_id in genesis.seats,
                "state_folder": str(state.path),
            }
        )
        return
    network = f"'{printable(genesis.name)}' ({genesis.network.hex()})"
    click.echo(f"agent {short_form(node_id)} in network {network}")
    click.echo(f"its key and configuration are in {state.path}")
    if node_id in genesis.balances:
        click.echo(f"it holds {genesis.balances[node_id]:,} drops")
    click.echo(f"next: {state.command('up')}")


def _settings(
    interfaces: tuple[str, ...], port: int | None, no_provider: bool
) -> dict[str, dict[str, object]]:
    from ipaddress import ip_address

    settings: dict[str, dict[str, object]] = {"network": {}, "provider": {}}
    for interface in interfaces:
        try:
            ip_address(interface)
        except ValueError:
            raise click.BadParameter(
                f"{interface} is no address: give one, such as 127.0.0.1",
                param_hint="'--interface'",
            ) from None
    if interfaces:
        settings["network"]["interfaces"] = interfaces
        settings["network"]["listen_addresses"] = interfaces
    if port is not None:
        settings["network"]["listen_port"] = port
    if no_provider:
        settings["provider"]["enabled"] = False
    return settings
