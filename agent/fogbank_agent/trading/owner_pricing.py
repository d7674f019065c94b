"""The owner's pricing: a TOML file, or a function of the owner's own, looked at again and again.

``[provider] pricing`` names it.  A function is trusted code: it runs in this process, in a thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from logging import getLogger
from pathlib import Path
from typing import cast

import trio

from ..errors import ConfigError, printable
from ..limits import (
    PRICE_MAX,
    PRICING_ERROR_CHARACTERS_MAX,
    PRICING_FILE_BYTES_MAX,
    PRICING_INTERVAL_S,
    PRICING_S_MAX,
)
from ..market.pricing_policy import PolicyPricing, Quote, Readings, parse_pricing
from ..market.reasons import Reason
from ..strict_toml import read_text
from .sensors import Sensors

_log = getLogger(__name__)

_MISSING = "write it, or take [provider] pricing out of config.toml"
_REASONS = (
    Reason.NO_PRICE,
    Reason.ON_BATTERY,
    Reason.OUTSIDE_HOURS,
    Reason.PAUSED,
    Reason.TOO_HOT,
)

PriceFunction = Callable[[Readings, int, int], object]
"""What an owner writes: readings, price, start price; a pair of prices or a reason's code."""


class _FunctionFailed(Exception):
    """The owner's function gives no price; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What is to be read again when it changes."""

    path: Path
    function: str
    """Empty for a TOML file."""


class OwnerPricing:
    """Knows what is asked now.  ``run`` keeps that fresh."""

    def __init__(
        self, named: str, folder: Path, price: int, start_price: int, sensors: Sensors
    ) -> None:
        """Price as ``named`` says: "pricing.toml" or "prices.py:function", seen from ``folder``.

        ``price`` and ``start_price`` are those of config.toml.
        """
        path, _, function = named.partition(":")
        self._source = _Source(folder / path, function)
        self._base = (price, start_price)
        self._sensors = sensors
        self._text: str | None = None
        self._ask: Callable[[Readings], Quote] | None = None
        self._one_at_a_time = trio.CapacityLimiter(1)
        self.quote = Quote(price=price, start_price=start_price, reasons=(Reason.NO_PRICE,))
        """What is asked now."""

        self.fault = ""
        """A sentence when something is wrong with what the owner wrote, else empty."""

    def load(self) -> None:
        """Read the file for the first time.

        Raises:
            ConfigError: it cannot be used; the message says where and why.
        """
        self._read_source()

    async def run(self, on_change: Callable[[], None]) -> None:
        """Look at sensors and file every ``PRICING_INTERVAL_S``, until cancelled."""
        while True:
            await self.look(on_change)
            await trio.sleep(PRICING_INTERVAL_S)

    async def look(self, on_change: Callable[[], None]) -> None:
        """Look once; ``on_change`` is called when something else is asked than before."""
        quote, fault = None, f"{self._source.path} did not answer within {PRICING_S_MAX:g} s"
        with trio.move_on_after(PRICING_S_MAX):
            # One at a time: a function that hangs must not take a thread again and again.
            quote, fault = await trio.to_thread.run_sync(
                self._decide, abandon_on_cancel=True, limiter=self._one_at_a_time
            )
        if fault and fault != self.fault:
            _log.warning("pricing: %s", fault)
        self.fault = fault
        before = self.quote
        if quote is None:
            price, start_price = self._base
            quote = Quote(price=price, start_price=start_price, reasons=(Reason.NO_PRICE,))
        self.quote = quote
        if quote != before:
            on_change()

    def _decide(self) -> tuple[Quote | None, str]:
        """Return the quote of now and what is wrong.  Called in a thread."""
        fault = ""
        try:
            self._read_source()
        except ConfigError as error:
            fault = f"{error}; what was read before still holds"
        if self._ask is None:
            return None, fault
        try:
            return self._ask(self._sensors.read()), fault
        except _FunctionFailed as failed:
            return None, str(failed)

    def _read_source(self) -> None:
        path = self._source.path
        text = read_text(path, bytes_max=PRICING_FILE_BYTES_MAX, missing=_MISSING)
        if text == self._text:
            return
        if self._source.function:
            self._ask = _asking(_load_function(self._source), self._base)
        else:
            self._ask = PolicyPricing(parse_pricing(text, str(path)), *self._base).quote
        self._text = text


def _load_function(source: _Source) -> PriceFunction:
    spec = spec_from_file_location("fogbank_owner_pricing", source.path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{source.path} is no Python file: [provider] pricing takes file.py:name")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        # Somebody else's code may raise anything; the agent goes on and its owner is told.
        raise ConfigError(f"{source.path} cannot be loaded: {_name(error)}") from None
    function: object = getattr(module, source.function, None)
    if not callable(function):
        raise ConfigError(f"{source.path} has no function {source.function}")
    return cast("PriceFunction", function)


def _asking(function: PriceFunction, base: tuple[int, int]) -> Callable[[Readings], Quote]:
    def ask(readings: Readings) -> Quote:
        try:
            answer = function(readings, *base)
            shown = _cut(repr(answer))
        except (Exception, SystemExit) as error:
            # As above: an error of the owner's code declines orders and ends nothing.
            raise _FunctionFailed(f"the pricing function failed: {_name(error)}") from None
        match answer:
            case str() if answer in _REASONS:
                return Quote(price=base[0], start_price=base[1], reasons=(Reason(answer),))
            case (int(price), int(start_price)) if _are_prices(price, start_price):
                return Quote(price=price, start_price=start_price)
            case _:
                raise _FunctionFailed(
                    f"the pricing function returned {shown}: it must return two whole "
                    f"numbers from 0 to {PRICE_MAX}, or one of {', '.join(_REASONS)}"
                )

    return ask


def _are_prices(*prices: int) -> bool:
    return all(type(price) is int and 0 <= price <= PRICE_MAX for price in prices)


def _name(error: BaseException) -> str:
    return _cut(f"{type(error).__name__}: {error}")


def _cut(text: str) -> str:
    return printable(text)[:PRICING_ERROR_CHARACTERS_MAX]
