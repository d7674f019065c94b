"""``fogbank ledger vertex``: what a vertex says, and how far it is."""

from datetime import UTC, datetime

import click

from ...state_folder import StateFolder
from ..options import json_option, print_json, state_option
from .opening import read, state_of, vertex_of


@click.command("vertex")
@click.argument("vertex_id", metavar="ID")
@state_option
@json_option
def command(vertex_id: str, state: StateFolder, as_json: bool) -> None:
    """Tell what a vertex says, and how far it is; ID may be the beginning of its id."""
    found = read(state)
    vertex = vertex_of(found, vertex_id)
    record = found.ledger.dag.get(vertex.id)
    seats = found.ledger.epochs.holders
    voters = [one.hex() for seat, one in enumerate(seats) if record and record.votes >> seat & 1]
    told = {
        "id": vertex.id.hex(),
        "issuer": vertex.issuer.hex(),
        "seq": vertex.seq,
        "kind": vertex.kind,
        "state": state_of(record),
        "voters": voters,
        "prev": vertex.prev.hex(),
        "parents": [one.hex() for one in vertex.parents],
        "claims": {claim.source.hex(): claim.total for claim in vertex.claims},
        "pays": {one.recipient.hex(): one.amount for one in vertex.payments},
        "operations": len(vertex.operations),
        "beat": vertex.beat,
        "cert_entries": len(vertex.cert) // 12,
        "unix_time_s": vertex.unix_time_s,
    }
    if as_json:
        print_json(told)
        return
    click.echo(f"vertex {told['id']}")
    click.echo(f"number {vertex.seq} of {told['issuer']}, {told['state']}")
    if vertex.unix_time_s:
        when = datetime.fromtimestamp(vertex.unix_time_s, UTC)
        click.echo(f"its issuer's clock showed {when:%Y-%m-%d %H:%M:%S} UTC")
    for edge in vertex.edges:
        click.echo(f"stands on {edge.hex()}")
    for payment in vertex.payments:
        click.echo(f"pays {payment.amount:,} drops to {payment.recipient.hex()}")
    for claim in vertex.claims:
        click.echo(f"claims {claim.total:,} drops in all by {claim.source.hex()}")
    if vertex.operations:
        click.echo(f"acts on objects {len(vertex.operations)} times")
    for voter in voters:
        click.echo(f"voted for by {voter}")
