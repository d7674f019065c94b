"""What is shown while a job runs."""

from dataclasses import replace

import pytest

from fogbank_agent.cli.run_display import new_display, print_providers
from fogbank_agent.control.requests.jobs import JobEnded, JobProgressed, ProviderTotals

TOTALS = ProviderTotals("abcd-efgh", 3, 2_500_000_000, 12, 1, 0, 1, 0, caught=True)
JOB = JobEnded("ab", 3, 1, 1, 2_500_000_000, 12, 1.25, (TOTALS,), 0, 0, (), ())
PROGRESS = JobProgressed(
    run=0,
    runs=1,
    at_ms=5,
    attempt=1,
    event="RunPlaced",
    provider="abcd-efgh",
    what="Agreed [with] somebody.",
    accepted=1,
    failed=0,
    under_way=2,
    waiting=0,
)


def test_nothing_is_shown_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with new_display(["a"], 5, quiet=False) as display:
        display.uploaded(5)
        display.progressed(PROGRESS)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_terminal_sees_bars_and_what_happened_last(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fogbank_agent.cli.run_display.is_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with new_display(["one.csv", "two.csv"], 5, quiet=False) as display:
        display.uploaded(5)
        display.progressed(PROGRESS)
    shown = capsys.readouterr().err
    assert "1 of 2 accepted, 2 under way" in shown


def test_the_table_of_providers_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_providers(JOB)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "abcd-efgh" in captured.err
    assert "caught lying" in captured.err
    assert "3 runs done, 1 failed in 1.2 s; 2.500 gigafuel, 12 drops" in captured.err


def test_what_checks_took_here_is_said_when_there_were_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_providers(JOB)
    assert "run again" not in capsys.readouterr().err
    print_providers(replace(JOB, fuel_checked=250_000_000))
    assert "\n0.250 gigafuel were run again here as checks\n" in capsys.readouterr().err


def test_one_run_is_said_in_the_singular(capsys: pytest.CaptureFixture[str]) -> None:
    print_providers(replace(JOB, ok=1, failed=0))
    assert "\n1 run done in 1.2 s;" in capsys.readouterr().err
