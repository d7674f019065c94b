"""``fogbank status``: how the agent is."""

import click

from ..control.requests.status import GetStatus, LedgerStatus, ProviderStatus, Status
from ..errors import printable
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, seconds, state_option


@click.command("status")
@state_option
@json_option
def command(state: StateFolder, as_json: bool) -> None:
    """Tell how the agent is: its network, peers, money, work and ledger."""
    with connect(state) as client:
        status = client.ask(GetStatus(), Status)
    if as_json:
        print_json(status)
        return
    lines = [
        (
            "agent",
            f"{status.short} in network '{printable(status.network_name)}' ({status.network_id})",
        ),
        ("up", f"{seconds(status.up_s)}, process {status.process}, port {status.port}"),
        ("peers", f"{status.peers} connected"),
        ("wallet", f"{status.balance:,} drops"),
        ("selling", _selling(status.provider)),
        ("ledger", _ledger(status.ledger)),
        ("folder", status.state_folder),
    ]
    lines += [("note", notice) for notice in status.ledger.notices]
    if status.provider.pricing_fault:
        lines.append(("pricing", printable(status.provider.pricing_fault)))
    for name, text in lines:
        click.echo(f"{name:<9}{text}")


def _selling(provider: ProviderStatus) -> str:
    if not provider.working:
        return f"nothing: {provider.why_not}"
    return (
        f"{provider.running} of {provider.slots} slots busy; {provider.price:,} drops a gigafuel "
        f"and {provider.start_price:,} a start; {provider.runs_done:,} runs done since the start, "
        f"{provider.earned:,} drops earned ever, {provider.unpaid:,} owed"
    )


def _ledger(ledger: LedgerStatus) -> str:
    conserved = (
        "supply conserved"
        if ledger.supply == ledger.supply_held + ledger.burned
        else f"SUPPLY BROKEN: {ledger.supply_held:,} of {ledger.supply:,} drops"
    )
    seat = " with ours" if ledger.validator else ""
    decide = "1 vote decides" if ledger.quorum == 1 else f"{ledger.quorum} votes decide"
    here = "1 is here" if ledger.weight_connected == 1 else f"{ledger.weight_connected} are here"
    votes = f"{decide} and {here}{seat}"
    waiting = f", {ledger.payments_pending:,} payments not final" if ledger.payments_pending else ""
    held = "" if ledger.issuing == "yes" else f"; nothing is issued: {ledger.issuing}"
    return f"{ledger.vertices:,} vertices{waiting}, {conserved}, {votes}{held}"
