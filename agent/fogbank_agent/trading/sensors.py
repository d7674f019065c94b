"""Load, power, heat and hour of this machine, for its owner's pricing; Linux tells most of it.

What is absent, or says what cannot be, is unknown and not low: a Pi without a battery is not on
an empty one, and a thermometer that shows 0 is none.
"""

from collections.abc import Sequence
from os import cpu_count, getloadavg
from pathlib import Path
from time import localtime, time

from ..limits import CLOCK_UNIX_S_MIN, MILLIDEGREES_MAX, SENSOR_BYTES_MAX, SENSOR_FOLDERS_MAX
from ..market.pricing_policy import Readings


class Sensors:
    """Reads them when asked; each read takes microseconds to a few milliseconds."""

    def __init__(self, folder: Path = Path("/sys/class")) -> None:
        """Read power supplies and thermometers below ``folder``."""
        self._folder = folder

    def read(self) -> Readings:
        """Return what all of them say now."""
        now = time()
        clock = localtime(now) if now >= CLOCK_UNIX_S_MIN else None
        on_battery, charge_percent = self._power()
        return Readings(
            load_percent=_load_percent(),
            on_battery=on_battery,
            charge_percent=charge_percent,
            millidegrees=self._millidegrees(),
            weekday=None if clock is None else clock.tm_wday,
            minute=None if clock is None else clock.tm_hour * 60 + clock.tm_min,
        )

    def _power(self) -> tuple[bool | None, int | None]:
        """Return whether a battery feeds this machine, and the charge of the fullest."""
        mains: list[bool] = []
        discharging: list[bool] = []
        charges: list[int] = []
        for supply in self._folders("power_supply", "*"):
            match _text(supply / "type"):
                case "Battery" if _text(supply / "scope") != "Device":
                    discharging.append(_text(supply / "status") == "Discharging")
                    charges += [charge] if (charge := _number(supply / "capacity")) > 0 else []
                case "Mains" | "USB":
                    online = _text(supply / "online")
                    mains += [online == "1"] if online in ("0", "1") else []
                case _:
                    pass
        charge_percent = max(charges, default=None)
        if not discharging:
            return None if not any(mains) else False, None
        return (not any(mains) and (any(discharging) or bool(mains))), charge_percent

    def _millidegrees(self) -> int | None:
        zones = [_number(zone / "temp") for zone in self._folders("thermal", "thermal_zone*")]
        return max((one for one in zones if 0 < one <= MILLIDEGREES_MAX), default=None)

    def _folders(self, kind: str, pattern: str) -> Sequence[Path]:
        try:
            return sorted((self._folder / kind).glob(pattern))[:SENSOR_FOLDERS_MAX]
        except OSError:
            return ()


def _load_percent() -> int | None:
    try:
        return int(100 * getloadavg()[0] / (cpu_count() or 1))
    except OSError:
        return None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(SENSOR_BYTES_MAX).decode("utf-8", "replace").strip()
    except OSError:
        # A sensor may vanish, or answer "no data" as an error.
        return ""


def _number(path: Path) -> int:
    """Return what is written there; 0, which no sensor here means, when it is no number."""
    try:
        return int(_text(path))
    except ValueError:
        return 0
