"""What the demonstration promises."""

from dataclasses import replace

import pytest

from fogbank_agent.demo.report import DemoReport, shortcomings

KEPT = DemoReport(
    agents=5,
    tasks=48,
    completed=48,
    wrong_accepted=0,
    auctions=49,
    audits=1,
    lies_told=3,
    lies_caught=3,
    disputes=1,
    slashed=1,
    killed=1,
    migrated_runs=1,
    supply_before=1000,
    supply_after=910,
    burned=90,
    channels_closed=4,
    channels_open=0,
    royalties_paid=7,
    payments_final=True,
    state_hashes=("aa", "aa", "aa", "aa"),
    image="picture.png",
    image_sha256="00",
    fuel_total=5,
    seconds=9.5,
)


def test_a_demonstration_that_keeps_its_promises_has_no_shortcomings() -> None:
    assert shortcomings(KEPT) == []


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (replace(KEPT, completed=47), "only 47 of 48 tiles were completed"),
        (replace(KEPT, wrong_accepted=1), "1 wrong tiles were accepted"),
        (replace(KEPT, auctions=0), "no two providers bid on an order"),
        (replace(KEPT, audits=0), "no result was audited"),
        (replace(KEPT, lies_told=0), "the liar had no chance to lie: try another --seed"),
        (replace(KEPT, lies_caught=2), "only 2 of 3 lies were caught"),
        (
            replace(KEPT, killed=0, state_hashes=("aa",) * 5),
            "0 agents were unplugged, not one",
        ),
        (
            replace(KEPT, migrated_runs=0),
            "what the unplugged agent had begun was not ended elsewhere",
        ),
        (replace(KEPT, disputes=0), "no dispute was opened over a lie"),
        (replace(KEPT, slashed=2), "2 stakes were lost, not the liar's alone"),
        (
            replace(KEPT, supply_after=909),
            "the supply was 1000 drops and is 909, with 90 burned",
        ),
        (replace(KEPT, channels_open=1), "1 payment channels are not settled"),
        (replace(KEPT, royalties_paid=0), "the author of the task got nothing"),
        (
            replace(KEPT, payments_final=False),
            "not every payment is final on every live agent",
        ),
        (
            replace(KEPT, state_hashes=("aa", "aa", "aa", "ab")),
            "the live agents do not have the same state of the ledger",
        ),
        (
            replace(KEPT, state_hashes=("aa", "aa", "aa")),
            "the live agents do not have the same state of the ledger",
        ),
    ],
)
def test_a_broken_promise_is_told(broken: DemoReport, sentence: str) -> None:
    assert shortcomings(broken) == [sentence]


def test_the_object_has_the_keys_that_users_rely_on() -> None:
    assert list(KEPT.to_json()) == [
        "schema",
        "agents",
        "tasks",
        "completed",
        "wrong_accepted",
        "auctions",
        "audits",
        "lies_told",
        "lies_caught",
        "disputes",
        "slashed",
        "killed",
        "migrated_runs",
        "supply_before",
        "supply_after",
        "burned",
        "channels_closed",
        "channels_open",
        "royalties_paid",
        "payments_final",
        "state_hashes",
        "image",
        "image_sha256",
        "fuel_total",
        "seconds",
    ]
