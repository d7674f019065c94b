"""What ``fogbank channels close`` says."""

import pytest

from fogbank_agent.cli.channels_command import settled_in_words
from fogbank_agent.control.requests.channels import ChannelsClosed


@pytest.mark.parametrize(
    ("paying", "said"),
    [
        (0, "2 settled"),
        (1, "2 settled; 1 channel pays you: close it with --earned"),
        (3, "2 settled; 3 channels pay you: close them with --earned"),
    ],
)
def test_channels_that_pay_are_told_of(paying: int, said: str) -> None:
    assert settled_in_words(ChannelsClosed(closed=2, waiting=0, paying=paying)) == said
