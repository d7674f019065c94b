"""The owner's file and function, read from a real folder and looked at as an agent does."""

from pathlib import Path

import pytest

from fogbank_agent.errors import ConfigError
from fogbank_agent.limits import PRICING_HUNG_MAX
from fogbank_agent.market.pricing_policy import Quote
from fogbank_agent.market.reasons import Reason
from fogbank_agent.trading.owner_pricing import OwnerPricing
from fogbank_agent.trading.sensors import Sensors


def owned(folder: Path, named: str, text: str) -> OwnerPricing:
    (folder / named.split(":")[0]).write_text(text)
    pricing = OwnerPricing(named, folder, 100, 10, Sensors(folder / "no sensors"))
    pricing.load()
    return pricing


async def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    pricing = owned(tmp_path, "p.toml", "[base]\nprice = 7")
    changes: list[Quote] = []

    def note() -> None:
        changes.append(pricing.quote)

    await pricing.look(note)
    await pricing.look(note)
    (tmp_path / "p.toml").write_text("[base]\nprice = 8")
    await pricing.look(note)

    assert [quote.price for quote in changes] == [7, 8]
    assert pricing.fault == ""


async def test_a_file_that_becomes_wrong_is_told_and_the_last_holds(tmp_path: Path) -> None:
    pricing = owned(tmp_path, "p.toml", "[base]\nprice = 7")
    (tmp_path / "p.toml").write_text("[base]\nprize = 8")
    await pricing.look(lambda: None)
    assert pricing.quote == Quote(price=7, start_price=10, reasons=())
    assert "did you mean 'price'" in pricing.fault
    assert "still holds" in pricing.fault
    (tmp_path / "p.toml").unlink()
    await pricing.look(lambda: None)
    assert "is missing" in pricing.fault
    assert pricing.quote.reasons == ()


async def test_a_function_sets_prices_or_gives_a_reason(tmp_path: Path) -> None:
    text = "def ask(readings, price, start_price):\n    return (price * 2, start_price + 1)\n"
    pricing = owned(tmp_path, "prices.py:ask", text)
    await pricing.look(lambda: None)
    assert pricing.quote == Quote(price=200, start_price=11)
    (tmp_path / "prices.py").write_text("def ask(*_):\n    return 'too_hot'\n")
    await pricing.look(lambda: None)
    assert pricing.quote.reasons == (Reason.TOO_HOT,)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise KeyError('x')", "KeyError: 'x'"),
        ("return (1.5, 1)", "two whole numbers"),
        ("return (True, 1)", "two whole numbers"),
        ("return (-1, 1)", "two whole numbers"),
        ("return 'busy'", "two whole numbers"),
        ("return None", "two whole numbers"),
        ("exit('now')", "SystemExit: now"),
        ("raise RecursionError", "RecursionError"),
        ("return type('Odd', (), {'__repr__': lambda _: 1 / 0})()", "ZeroDivisionError"),
    ],
)
async def test_a_function_that_fails_declines_and_is_told(
    tmp_path: Path, body: str, said: str
) -> None:
    pricing = owned(tmp_path, "prices.py:ask", f"def ask(*_):\n    {body}\n")
    await pricing.look(lambda: None)
    assert pricing.quote.reasons == (Reason.NO_PRICE,)
    assert said in pricing.fault


@pytest.mark.parametrize(
    ("named", "text", "said"),
    [
        ("prices.py:ask", "1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("prices.py:ask", "raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("prices.py:ask", "def Ask(): pass", "has no function ask"),
        ("prices.py:ask", "def ask(:", "cannot be loaded: SyntaxError"),
        ("p.toml", "[base]\nprice = -1", "whole number"),
    ],
)
def test_what_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, named: str, text: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        owned(tmp_path, named, text)


async def test_a_function_that_hangs_is_given_up(tmp_path: Path, autojump_clock: object) -> None:
    del autojump_clock
    text = (
        "from threading import Event\nlet_go = Event()\n"
        "import builtins\nbuiltins.fogbank_let_go = let_go\n"
        "def ask(*_):\n    let_go.wait(30)\n    return (1, 1)\n"
    )
    pricing = owned(tmp_path, "prices.py:ask", text)
    try:
        await pricing.look(lambda: None)
        assert pricing.quote.reasons == (Reason.NO_PRICE,)
        assert "did not answer" in pricing.fault
    finally:
        import builtins

        builtins.fogbank_let_go.set()  # type: ignore[attr-defined]


HANGING = "from threading import Event\nEvent().wait({seconds})\ndef ask(*_):\n    return (1, 1)\n"


def hanging(folder: Path, answer_s_max: float) -> OwnerPricing:
    sensors = Sensors(folder / "no sensors")
    return OwnerPricing("prices.py:ask", folder, 100, 10, sensors, answer_s_max)


def test_a_file_that_hangs_when_it_is_loaded_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text(HANGING.format(seconds=20))
    with pytest.raises(ConfigError, match=r"did not answer within 0\.05 s when it was loaded"):
        hanging(tmp_path, 0.05).load()


async def test_a_mended_file_does_not_wait_for_the_one_that_hangs(tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text(HANGING.format(seconds=3))
    pricing = hanging(tmp_path, 0.2)
    await pricing.look(lambda: None)
    assert "did not answer within 0.2 s: mend it" in pricing.fault
    (tmp_path / "prices.py").write_text("def ask(*_):\n    return (7, 7)\n")
    await pricing.look(lambda: None)
    assert (pricing.quote, pricing.fault) == (Quote(price=7, start_price=7), "")


async def test_no_more_than_a_few_threads_hang(tmp_path: Path) -> None:
    pricing = hanging(tmp_path, 0.1)
    for number in range(PRICING_HUNG_MAX + 2):
        (tmp_path / "prices.py").write_text(HANGING.format(seconds=3) + f"# {number}\n")
        await pricing.look(lambda: None)
    assert "did not answer within 0.1 s: restart the agent" in pricing.fault


async def test_a_broken_file_is_told_also_when_the_function_before_it_fails(
    tmp_path: Path,
) -> None:
    pricing = owned(tmp_path, "prices.py:ask", "def ask(*_):\n    raise KeyError('old')\n")
    (tmp_path / "prices.py").write_text("1 / 0")
    await pricing.look(lambda: None)
    assert "ZeroDivisionError" in pricing.fault
    assert "KeyError: 'old'" in pricing.fault
