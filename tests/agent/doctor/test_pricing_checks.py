"""What the doctor says of sensors and pricing."""

from pathlib import Path

from fogbank_agent.config import ProviderConfig
from fogbank_agent.doctor.finding import Level
from fogbank_agent.doctor.pricing_checks import check_pricing, check_sensors
from fogbank_agent.trading.sensors import Sensors


def test_missing_sensors_are_named(tmp_path: Path) -> None:
    found = check_sensors(Sensors(tmp_path))
    assert found.level is Level.NOTE
    assert "battery, temperature" in found.meaning
    assert "power unknown" in found.found


def test_no_pricing_needs_no_word_and_a_wrong_one_is_a_problem(tmp_path: Path) -> None:
    assert check_pricing(ProviderConfig(), tmp_path) == []
    config = ProviderConfig(pricing="p.toml")
    [missing] = check_pricing(config, tmp_path)
    assert (missing.level, "is missing" in missing.meaning) == (Level.PROBLEM, True)
    (tmp_path / "p.toml").write_text("")
    [good] = check_pricing(config, tmp_path)
    assert good.level is Level.OK
