"""``fogbank ledger verify``: works everything out anew from disk, and compares."""

import click

from ...errors import Refused
from ...state_folder import StateFolder
from ..options import json_option, print_json, state_option
from .opening import read


@click.command("verify")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Work everything out anew from disk, slowly and by other code, and compare.

    Checks every signature, the checkpoint where the file begins, what each vertex may do, all
    votes, what is final, and every balance.  Takes minutes when much is held.
    """
    from fogbank_dag_ledger.service.verifying import verify

    found = read(state, with_signatures=True)
    result = verify(found)
    if as_json:
        print_json(result)
    else:
        click.echo(f"{result.vertices:,} vertices held, {result.final:,} of them final")
        for difference in result.differences:
            click.echo(difference)
    if result.differences:
        raise Refused(
            f"the ledger in {state.ledger} is not what it should be: stop the agent, move that "
            "folder's file vertices.sqlite away, and start the agent: it is filled from others"
        )
    if not as_json:
        click.echo(f"equal; state hash {result.state_hash.hex()}")
