"""What the owner's pricing can know of this machine, and whether it can be used."""

from pathlib import Path

from ..config import ProviderConfig
from ..errors import ConfigError
from ..market.pricing_policy import Readings
from ..trading.owner_pricing import OwnerPricing
from ..trading.sensors import Sensors
from .finding import Finding, note, ok, problem

_SENSORS = Sensors()


def check_sensors(sensors: Sensors = _SENSORS) -> Finding:
    """Return which sensors there are, and what those that are missing mean for a pricing file."""
    readings = sensors.read()
    found = ", ".join(_described(readings))
    missing = [name for name, value in _by_section(readings) if value is None]
    if not missing:
        return ok("sensors", found, "prices can follow load, power, temperature and hour")
    return note(
        "sensors",
        found,
        f"rules of a pricing file about {', '.join(missing)} change nothing here"
        if "hours" not in missing
        else f"no rule about {', '.join(missing)} can be followed; with [[hours]] nothing is sold",
        "nothing: a machine need not have them"
        if "hours" not in missing
        else "set the clock: timedatectl set-ntp true",
    )


def check_pricing(config: ProviderConfig, folder: Path) -> list[Finding]:
    """Return whether the pricing of ``config`` can be used; nothing when there is none.

    ``folder`` is that of config.toml.  A TOML file is tried with what the sensors say now; a
    function is loaded and not called.
    """
    if not config.pricing:
        return []
    pricing = OwnerPricing(config.pricing, folder, config.price, config.start_price, _SENSORS)
    try:
        pricing.load()
    except ConfigError as error:
        return [
            problem(
                "pricing", config.pricing, f"the agent does not start: {error}", "mend the file"
            )
        ]
    return [ok("pricing", config.pricing, "it can be read; fogbank status shows today's prices")]


def _described(readings: Readings) -> list[str]:
    load, heat, charge = readings.load_percent, readings.millidegrees, readings.charge_percent
    power = {None: "power unknown", True: "on battery", False: "on mains"}[readings.on_battery]
    return [
        "load unknown" if load is None else f"load {load} %",
        power if charge is None else f"{power}, {charge} % charged",
        "temperature unknown" if heat is None else f"{heat / 1_000:.0f} °C",
        "clock wrong" if readings.minute is None else "clock set",
    ]


def _by_section(readings: Readings) -> list[tuple[str, object]]:
    return [
        ("load", readings.load_percent),
        ("battery", readings.on_battery),
        ("temperature", readings.millidegrees),
        ("hours", readings.minute),
    ]
