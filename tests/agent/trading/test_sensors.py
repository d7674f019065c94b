"""Sensors of made-up machines: the kernel's own form of files, in another folder."""

from pathlib import Path

import pytest

from fogbank_agent.trading.sensors import Sensors


def machine(folder: Path, files: dict[str, str]) -> Sensors:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return Sensors(folder)


def test_a_machine_without_sensors_knows_load_and_hour_alone(tmp_path: Path) -> None:
    readings = Sensors(tmp_path).read()
    assert (readings.on_battery, readings.charge_percent, readings.millidegrees) == (None,) * 3
    assert readings.load_percent is not None
    assert readings.minute is not None
    assert 0 <= readings.minute < 24 * 60


BATTERY = {"power_supply/BAT0/type": "Battery", "power_supply/BAT0/capacity": "71"}
MAINS = {"power_supply/AC/type": "Mains"}


@pytest.mark.parametrize(
    ("files", "power"),
    [
        ({**MAINS, "power_supply/AC/online": "1"}, (False, None)),
        ({**MAINS, "power_supply/AC/online": "0"}, (None, None)),
        ({**BATTERY, **MAINS, "power_supply/AC/online": "1"}, (False, 71)),
        ({**BATTERY, **MAINS, "power_supply/AC/online": "0"}, (True, 71)),
        ({**BATTERY, "power_supply/BAT0/status": "Discharging"}, (True, 71)),
        ({**BATTERY, "power_supply/BAT0/status": "Full"}, (False, 71)),
        ({**BATTERY, "power_supply/BAT0/capacity": "0"}, (False, None)),
        ({**BATTERY, "power_supply/BAT0/scope": "Device"}, (None, None)),
    ],
)
def test_power(
    tmp_path: Path, files: dict[str, str], power: tuple[bool | None, int | None]
) -> None:
    readings = machine(tmp_path, files).read()
    assert (readings.on_battery, readings.charge_percent) == power


def test_the_hottest_thermometer_that_can_be_believed_counts(tmp_path: Path) -> None:
    zones = {0: "48200", 1: "0", 2: "-273000", 3: "999999999", 4: "51000", 5: "hot"}
    files = {f"thermal/thermal_zone{number}/temp": text for number, text in zones.items()}
    assert machine(tmp_path, files).read().millidegrees == 51_000
