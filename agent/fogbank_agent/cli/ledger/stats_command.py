"""``fogbank ledger stats``: the ledger in numbers."""

import click

from ...state_folder import StateFolder
from ..options import json_option, print_json, state_option
from .opening import read


@click.command("stats")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Print the ledger in numbers."""
    found = read(state)
    ledger = found.ledger
    files = [path for path in state.ledger.rglob("*") if path.is_file()]
    told = {
        "network_id": ledger.genesis.network.hex(),
        "checkpoint": -1 if found.floor is None else found.floor.checkpoint.height,
        "vertices_held": len(ledger),
        "vertices_final": ledger.final_count,
        "vertices_settled": ledger.settled_count,
        "vertices_waiting": len(found.waiting),
        "vertices_damaged": len(found.damaged),
        "tips": len(ledger.dag.tips),
        "accounts": sum(1 for _ in ledger.chains()),
        "forkers": len(ledger.proofs()),
        "supply": ledger.genesis.supply,
        "supply_held": ledger.supply_held(),
        "burned": ledger.burned,
        "state_hash": ledger.state_hash().hex(),
        "disk_bytes": sum(path.stat().st_size for path in files),
    }
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        text = f"{value:,}" if isinstance(value, int) else value
        click.echo(f"{name.replace('_', ' '):<18} {text}")
