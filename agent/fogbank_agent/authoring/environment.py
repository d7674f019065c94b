"""The environment of a run, as people write it."""

from ..errors import Refused


def environment_of(entries: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return names and values, ascending by name, of ``entries`` that are each NAME=VALUE.

    Raises:
        Refused: one is not.
    """
    named: dict[str, str] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not name or not equals:
            raise Refused(f"'{entry}' is no NAME=VALUE")
        named[name] = value
    return sorted(named.items())
