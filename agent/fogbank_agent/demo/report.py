"""What the demonstration has to show, and whether that is what was promised."""

from dataclasses import dataclass, fields

SCHEMA = 4
"""The version of the object that ``--json`` prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """The figures of one demonstration; each is a key of the JSON object."""

    agents: int
    tasks: int
    """Tiles of the picture, each a run."""

    completed: int
    """Tiles with an accepted result."""

    wrong_accepted: int
    """Accepted tiles that are not what the task computes, by re-computing all of them."""

    auctions: int
    """Orders of both jobs on which at least two providers bid before one was taken."""

    audits: int
    """Results that their requestor ran once more itself before it accepted them."""

    lies_told: int
    """Results that the liar falsified, by its own log, and that reached the requestor."""

    lies_caught: int
    """Results that the requestor refused as wrong."""

    disputes: int
    """Disputes that the requestor opened over them before the watch of the liar's stake."""

    slashed: int
    """Stakes that were lost in a dispute."""

    killed: int
    """Providers that were unplugged (SIGKILL) while they worked."""

    migrated_runs: int
    """Runs that one provider began and another one ended, both paid for the fuel that they used."""

    supply_before: int
    supply_after: int
    burned: int
    """Drops of lost stakes that are nobody's any more: what the supply has become less by."""

    channels_closed: int
    """Payment channels that are settled, with what was left paid back."""

    channels_open: int
    royalties_paid: int
    """Drops for the author of the task."""

    payments_final: bool
    """Every payment is final on every live agent, and each provider holds what it earned."""

    state_hashes: tuple[str, ...]
    """One for each live agent."""

    image: str
    image_sha256: str
    """Of the PNG file."""

    fuel_total: int
    """Of the accepted tiles, each counted once."""

    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return the JSON object."""
        figures: dict[str, object] = {part.name: getattr(self, part.name) for part in fields(self)}
        return {"schema": SCHEMA, **figures}


def shortcomings(report: DemoReport) -> list[str]:
    """Return what was promised and did not come true, a sentence each."""
    live = report.agents - report.killed
    promises = (
        (
            report.completed == report.tasks,
            f"only {report.completed} of {report.tasks} tiles were completed",
        ),
        (report.wrong_accepted == 0, f"{report.wrong_accepted} wrong tiles were accepted"),
        (report.auctions > 0, "no two providers bid on an order"),
        (report.audits > 0, "no result was audited"),
        (report.lies_told > 0, "the liar had no chance to lie: try another --seed"),
        (
            report.lies_caught >= report.lies_told,
            f"only {report.lies_caught} of {report.lies_told} lies were caught",
        ),
        (report.disputes > 0, "no dispute was opened over a lie"),
        (report.slashed == 1, f"{report.slashed} stakes were lost, not the liar's alone"),
        (report.killed == 1, f"{report.killed} agents were unplugged, not one"),
        (report.migrated_runs > 0, "what the unplugged agent had begun was not ended elsewhere"),
        (
            report.supply_before == report.supply_after + report.burned,
            f"the supply was {report.supply_before} drops and is {report.supply_after}, with "
            f"{report.burned} burned",
        ),
        (report.channels_open == 0, f"{report.channels_open} payment channels are not settled"),
        (report.royalties_paid > 0, "the author of the task got nothing"),
        (report.payments_final, "not every payment is final on every live agent"),
        (
            len(report.state_hashes) == live and len(set(report.state_hashes)) == 1,
            "the live agents do not have the same state of the ledger",
        ),
    )
    return [sentence for holds, sentence in promises if not holds]
