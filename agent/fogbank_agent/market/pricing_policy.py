"""What a provider asks by load, power, heat and hour: the file of ``[provider] pricing``, decided.

Nothing here is of the protocol but the reasons (SPEC.md sections 9.3 and 9.7).  The file is
described by ``PricingFile``; ``PolicyPricing`` turns what the sensors say into a ``Quote``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from ..errors import ConfigError
from ..limits import PRICE_MAX, PRICE_PERCENT_MAX
from ..strict_toml import Between, Matching, parse
from .reasons import Reason

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES = 24 * 60

Percent = Annotated[int, Between(0, PRICE_PERCENT_MAX)]
Clock = Annotated[str, Matching(r"([01]\d|2[0-3]):[0-5]\d|24:00", 'a time such as "22:30"')]
Celsius = Annotated[int, Between(1, 150)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a machine's sensors say at one moment; None where it has none that can be believed."""

    load_percent: int | None = None
    """Processes that want to run, in percent of the cores: the average of the last minute."""

    on_battery: bool | None = None
    """Whether the power comes from a battery."""

    charge_percent: int | None = None
    millidegrees: int | None = None
    """The hottest place, in thousandths of a degree Celsius."""

    weekday: int | None = None
    """0 for Monday; None when the clock is wrong for certain."""

    minute: int | None = None
    """Minutes since midnight, local time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSection:
    """The prices that percentages are of; those of config.toml where they are left out."""

    price: Annotated[int, Between(0, PRICE_MAX)] | None = None
    start_price: Annotated[int, Between(0, PRICE_MAX)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSection:
    """The price rises evenly from 100 percent at ``idle_percent`` of load."""

    idle_percent: Annotated[int, Between(0, 10_000)] = 0
    full_percent: Annotated[int, Between(1, 10_000)] = 100
    """At this load and above the price is ``price_percent`` of the base."""

    price_percent: Percent = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class BatterySection:
    """What happens without mains."""

    sell: bool = False
    """False declines every order with ``on_battery``."""

    charge_percent_min: Annotated[int, Between(0, 100)] = 50
    """Below this charge orders are declined even so; a charge that is not known is not low."""

    price_percent: Percent = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureSection:
    """When it is too hot."""

    celsius_max: Celsius = 70
    """Above this orders are declined with ``too_hot``…"""

    resume_celsius: Celsius = 65
    """…until it is this or less."""

    warm_celsius: Celsius = 150
    """From here on the price is ``price_percent`` of what it would be."""

    price_percent: Percent = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursSection:
    """One span of hours; when there is any, orders at other times find ``outside_hours``."""

    begin: Clock
    end: Clock
    """Before ``begin`` it means the next day; equal to it, all day."""

    days: Annotated[tuple[str, ...], Matching("|".join(DAYS), '["mon", "tue"]')] = DAYS
    """The days on which the span begins."""

    price_percent: Percent = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingFile:
    """Everything that a pricing file may say; an empty one keeps the prices of config.toml."""

    base: BaseSection = field(default_factory=BaseSection)
    load: LoadSection | None = None
    battery: BatterySection | None = None
    temperature: TemperatureSection | None = None
    hours: tuple[HoursSection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What is asked now."""

    price: int
    """Drops for a gigafuel."""

    start_price: int
    reasons: Sequence[Reason] = ()
    """Why nothing is sold now; empty when it is."""


def parse_pricing(text: str, file: str) -> PricingFile:
    """Return what the pricing file ``text`` says; ``file`` is named in errors.

    Raises:
        ConfigError: it is not TOML, has an unknown word, or a value that makes no sense.
    """
    read = parse(text, file, PricingFile)
    load, heat = read.load, read.temperature
    if load is not None and load.idle_percent >= load.full_percent:
        raise ConfigError(f"{file}: [load] idle_percent must be less than full_percent")
    if heat is not None and heat.resume_celsius > heat.celsius_max:
        raise ConfigError(f"{file}: [temperature] resume_celsius must not be above celsius_max")
    for span in read.hours:
        if not span.days:
            raise ConfigError(f"{file}: [[hours]] days must name a day, or be left out")
    return read


class PolicyPricing:
    """Prices by a file.  It remembers whether it was too hot: the way back is longer."""

    def __init__(self, file: PricingFile, price: int, start_price: int) -> None:
        """Price as ``file`` says; the other two hold where it names no base."""
        base = file.base
        self._file = file
        self._price = price if base.price is None else base.price
        self._start_price = start_price if base.start_price is None else base.start_price
        self._is_hot = False

    def quote(self, readings: Readings) -> Quote:
        """Return what is asked while the sensors say ``readings``."""
        reasons: list[Reason] = []
        percents: list[int] = []
        if self._file.load is not None and readings.load_percent is not None:
            percents.append(_by_load(self._file.load, readings.load_percent))
        if self._file.battery is not None and readings.on_battery:
            percents.append(self._file.battery.price_percent)
            if _is_spared(self._file.battery, readings.charge_percent):
                reasons.append(Reason.ON_BATTERY)
        if self._file.temperature is not None and readings.millidegrees is not None:
            percents.append(self._by_heat(self._file.temperature, readings.millidegrees))
            if self._is_hot:
                reasons.append(Reason.TOO_HOT)
        if self._file.hours:
            percent = _by_hour(self._file.hours, readings)
            if percent is None:
                reasons.append(Reason.OUTSIDE_HOURS)
            else:
                percents.append(percent)
        return Quote(
            price=_times(self._price, percents),
            start_price=_times(self._start_price, percents),
            reasons=tuple(sorted(reasons)),
        )

    def _by_heat(self, section: TemperatureSection, millidegrees: int) -> int:
        limit = section.resume_celsius if self._is_hot else section.celsius_max
        self._is_hot = millidegrees > limit * 1_000
        return section.price_percent if millidegrees >= section.warm_celsius * 1_000 else 100


def _times(base: int, percents: Sequence[int]) -> int:
    """Return ``base`` times all ``percents``, rounded up once, at most ``PRICE_MAX``."""
    product = base
    for percent in percents:
        product *= percent
    divisor: int = 100 ** len(percents)
    return min(PRICE_MAX, -(-product // divisor))


def _by_load(section: LoadSection, load_percent: int) -> int:
    span = section.full_percent - section.idle_percent
    above = min(max(load_percent - section.idle_percent, 0), span)
    return 100 + (section.price_percent - 100) * above // span


def _is_spared(section: BatterySection, charge_percent: int | None) -> bool:
    if not section.sell:
        return True
    return charge_percent is not None and charge_percent < section.charge_percent_min


def _by_hour(spans: Sequence[HoursSection], readings: Readings) -> int | None:
    """Return the percentage of the first span that is now; None when none is, or nobody knows."""
    if readings.weekday is None or readings.minute is None:
        return None
    for span in spans:
        if _contains(span, readings.weekday, readings.minute):
            return span.price_percent
    return None


def _contains(span: HoursSection, weekday: int, minute: int) -> bool:
    begin, end = _minute(span.begin), _minute(span.end)
    if end <= begin:
        end += _MINUTES
    if DAYS[weekday] in span.days and begin <= minute < end:
        return True
    # What began yesterday may go on today.
    return DAYS[weekday - 1] in span.days and begin <= minute + _MINUTES < end


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
