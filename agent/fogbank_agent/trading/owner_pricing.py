"""The owner's pricing: a TOML file, or a function of the owner's own, looked at again and again.

``[provider] pricing`` names it.  A function is trusted code: it runs in this process, in a thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from logging import getLogger
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import cast

import trio

from ..errors import ConfigError, printable
from ..limits import (
    PRICE_MAX,
    PRICING_ERROR_CHARACTERS_MAX,
    PRICING_FILE_BYTES_MAX,
    PRICING_HUNG_MAX,
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


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was read and can be used."""

    text: str
    ask: Callable[[Readings], Quote]


class OwnerPricing:
    """Knows what is asked now.  ``run`` keeps that fresh."""

    def __init__(
        self,
        named: str,
        folder: Path,
        price: int,
        start_price: int,
        sensors: Sensors,
        answer_s_max: float = PRICING_S_MAX,
    ) -> None:
        """Price as ``named`` says: "pricing.toml" or "prices.py:function", seen from ``folder``.

        ``price`` and ``start_price`` are those of config.toml.  What takes longer than
        ``answer_s_max`` seconds is not waited for.
        """
        path, _, function = named.partition(":")
        self._source = _Source(folder / path, function)
        self._base = (price, start_price)
        self._sensors = sensors
        self._answer_s_max = answer_s_max
        self._taken: _Taken | None = None
        self._reading = trio.CapacityLimiter(1)
        self._one_at_a_time = trio.CapacityLimiter(1)
        self._given = ""
        """The text that the thread of ``_one_at_a_time`` was last given."""

        self._hung: list[trio.CapacityLimiter] = []
        """Those of threads that were given up because the file changed meanwhile."""

        self.quote = Quote(price=price, start_price=start_price, reasons=(Reason.NO_PRICE,))
        """What is asked now."""

        self.fault = ""
        """A sentence when something is wrong with what the owner wrote, else empty."""

    def load(self) -> None:
        """Read the file for the first time, which takes ``answer_s_max`` seconds at most.

        Raises:
            ConfigError: it cannot be used; the message says where and why.
        """
        answers: SimpleQueue[_Taken | ConfigError] = SimpleQueue()

        def answer() -> None:
            try:
                answers.put(self._take(self._read()))
            except ConfigError as error:
                answers.put(error)

        # A daemon: code of the owner's that hangs keeps neither the agent from starting to stop
        # nor the process from ending.
        Thread(target=answer, name="pricing", daemon=True).start()
        try:
            answered = answers.get(timeout=self._answer_s_max)
        except Empty:
            raise ConfigError(f"{self._silence()} when it was loaded") from None
        if isinstance(answered, ConfigError):
            raise answered
        self._taken = answered

    async def run(self, on_change: Callable[[], None]) -> None:
        """Look at sensors and file every ``PRICING_INTERVAL_S``, until cancelled."""
        while True:
            await self.look(on_change)
            await trio.sleep(PRICING_INTERVAL_S)

    async def look(self, on_change: Callable[[], None]) -> None:
        """Look once; ``on_change`` is called when something else is asked than before."""
        quote: Quote | None = None
        fault = ""
        with trio.move_on_after(self._answer_s_max) as waiting:
            quote, fault = await self._decide()
        if waiting.cancelled_caught:
            fault = f"{self._silence()}: {self._remedy()}"
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

    async def _decide(self) -> tuple[Quote | None, str]:
        """Return the quote of now and what is wrong."""
        fault, taken = "", self._taken
        try:
            text = await trio.to_thread.run_sync(
                self._read, abandon_on_cancel=True, limiter=self._reading
            )
        except ConfigError as error:
            fault = _still_holds(error)
            if taken is None:
                return None, fault
            text = taken.text
        self._taken, quote, found = await trio.to_thread.run_sync(
            self._ask, text, taken, abandon_on_cancel=True, limiter=self._thread_for(text)
        )
        return quote, "; ".join(filter(None, (fault, found)))

    def _thread_for(self, text: str) -> trio.CapacityLimiter:
        """Return what lets a thread begin on ``text``.

        One at a time: a function that hangs must not take a thread again and again.  A file that
        has changed may be a mended one and does not wait for what came before it, unless
        ``PRICING_HUNG_MAX`` threads hang already.
        """
        if self._one_at_a_time.borrowed_tokens and text != self._given:
            self._hung = [limiter for limiter in self._hung if limiter.borrowed_tokens]
            if len(self._hung) < PRICING_HUNG_MAX:
                self._hung.append(self._one_at_a_time)
                self._one_at_a_time = trio.CapacityLimiter(1)
        if not self._one_at_a_time.borrowed_tokens:
            self._given = text
        return self._one_at_a_time

    def _ask(self, text: str, taken: _Taken | None) -> tuple[_Taken | None, Quote | None, str]:
        """Return what holds from now on, the quote of now, and what is wrong.  For a thread."""
        fault = ""
        try:
            taken = self._take(text, taken)
        except ConfigError as error:
            fault = _still_holds(error)
        if taken is None:
            return None, None, fault
        try:
            return taken, taken.ask(self._sensors.read()), fault
        except _FunctionFailed as failed:
            return taken, None, "; ".join(filter(None, (fault, str(failed))))

    def _read(self) -> str:
        return read_text(self._source.path, bytes_max=PRICING_FILE_BYTES_MAX, missing=_MISSING)

    def _take(self, text: str, taken: _Taken | None = None) -> _Taken:
        """Return ``text`` as it is used: ``taken`` again when that is the same."""
        if taken is not None and taken.text == text:
            return taken
        if self._source.function:
            return _Taken(text, _asking(_load_function(self._source), self._base))
        policy = parse_pricing(text, str(self._source.path))
        return _Taken(text, PolicyPricing(policy, *self._base).quote)

    def _silence(self) -> str:
        return f"{self._source.path} did not answer within {self._answer_s_max:g} s"

    def _remedy(self) -> str:
        hung = sum(limiter.borrowed_tokens for limiter in self._hung)
        return "restart the agent" if hung >= PRICING_HUNG_MAX else "mend it, or restart the agent"


def _still_holds(error: ConfigError) -> str:
    return f"{error}; what was read before still holds"


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
