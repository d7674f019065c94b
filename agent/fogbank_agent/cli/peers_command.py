"""``fogbank peers``: who is connected."""

import click

from ..control.requests.peers import GetPeers, Peers
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, print_table, seconds, state_option


@click.command("peers")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """List the agents that are connected, and what they offer."""
    with connect(state) as client:
        answer = client.ask(GetPeers(), Peers)
    if as_json:
        print_json(answer)
        return
    if not answer.peers:
        click.echo("nobody is connected yet; neighbours in the same network come by themselves")
        return
    print_table(
        ["peer", "address", "connected", "ms", "drops/gigafuel", "start", "free slots"],
        [
            [
                peer.short,
                f"{peer.host}:{peer.port}",
                seconds(peer.connected_s),
                peer.round_trip_ms,
                peer.price,
                peer.start_price,
                peer.slots_free,
            ]
            for peer in answer.peers
        ],
    )
