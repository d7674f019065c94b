"""What all tests share: examples of Hypothesis are not timed, and no bug is contained unseen."""

from collections.abc import Iterator
from logging import DEBUG, Handler, LogRecord, getLogger

import pytest
from hypothesis import settings

from fogbank_protocol.node import containment

settings.register_profile("fogbank", deadline=None, max_examples=50)
settings.load_profile("fogbank")


@pytest.fixture(autouse=True)
def contained_bugs() -> Iterator[list[str]]:
    """Fail a test in which a bug ended something behind a wall: there bugs crash no more.

    A test that causes one by intent takes it out of this list.
    """
    found: list[str] = []

    class Collector(Handler):
        def emit(self, record: LogRecord) -> None:
            found.append(record.getMessage())

    logger, collector = getLogger(containment.__name__), Collector()
    before = logger.level
    # What was reported before is told of more quietly.
    logger.setLevel(DEBUG)
    logger.addHandler(collector)
    yield found
    logger.removeHandler(collector)
    logger.setLevel(before)
    assert not found, "\n".join(found)
