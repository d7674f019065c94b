"""Errors say whose fault it is."""

import pytest

from fogbank_protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError


def test_a_peers_fault_names_the_section_it_broke() -> None:
    error = RemoteProtocolError("an item beyond the credit", rule="4.3")
    assert error.rule == "4.3"
    assert str(error) == "an item beyond the credit (SPEC.md section 4.3)"


@pytest.mark.parametrize(
    "error", [LocalProtocolError("ours"), RemoteProtocolError("theirs", rule="1")]
)
def test_both_faults_are_protocol_errors_and_not_each_other(error: ProtocolError) -> None:
    assert isinstance(error, ProtocolError)
    assert isinstance(error, LocalProtocolError) != isinstance(error, RemoteProtocolError)
