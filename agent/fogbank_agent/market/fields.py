"""Reads the fields of a decoded body one after another, each with its type and range."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from fogbank_protocol.encoding import Value, decode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId, is_signed_by
from fogbank_protocol.signed import Domain, Signed, sign

Object = TypeVar("Object")


class Fields:
    """The fields of one array, read in order.  A wrong one raises ``RemoteProtocolError``."""

    def __init__(self, value: Value, count: int, *, rule: str) -> None:
        """Read ``value``, which must be an array of ``count``; ``rule`` is its section."""
        if not isinstance(value, list) or len(value) != count:
            raise RemoteProtocolError(f"not an array of {count} fields", rule=rule)
        self._values: Iterator[Value] = iter(value)
        self._rule = rule

    def version(self) -> None:
        """Check that the field is 1, the only version there is."""
        self.integer(1, least=1)

    def integer(self, most: int, *, least: int = 0) -> int:
        """Return an integer from ``least`` to ``most``."""
        value = next(self._values)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._broken(f"not an integer from {least} to {most}")
        return value

    def boolean(self) -> bool:
        """Return true or false."""
        value = next(self._values)
        if not isinstance(value, bool):
            raise self._broken("not a boolean")
        return value

    def exactly(self, length: int) -> bytes:
        """Return a byte string of ``length`` bytes."""
        value = next(self._values)
        if not isinstance(value, bytes) or len(value) != length:
            raise self._broken(f"not {length} bytes")
        return value

    def at_most(self, bytes_max: int) -> bytes:
        """Return a byte string of at most ``bytes_max`` bytes."""
        value = next(self._values)
        if not isinstance(value, bytes) or len(value) > bytes_max:
            raise self._broken(f"not at most {bytes_max} bytes")
        return value

    def exactly_or_nil(self, length: int) -> bytes | None:
        """Return a byte string of ``length`` bytes, or None for nil."""
        value = next(self._values)
        if value is not None and not (isinstance(value, bytes) and len(value) == length):
            raise self._broken(f"neither nil nor {length} bytes")
        return value

    def at_most_or_nil(self, bytes_max: int) -> bytes | None:
        """Return a byte string of at most ``bytes_max`` bytes, or None for nil."""
        value = next(self._values)
        if value is not None and not (isinstance(value, bytes) and len(value) <= bytes_max):
            raise self._broken(f"neither nil nor at most {bytes_max} bytes")
        return value

    def array(self, count_max: int, *, count_min: int = 0) -> Sequence[Value]:
        """Return an array of ``count_min`` to ``count_max`` values."""
        value = next(self._values)
        if not isinstance(value, list) or not count_min <= len(value) <= count_max:
            raise self._broken(f"not an array of {count_min} to {count_max}")
        return value

    def texts(
        self, count_max: int, bytes_max: int, *, count_min: int = 0, ascending: bool
    ) -> tuple[str, ...]:
        """Return texts without zero bytes; ``ascending`` ones rise in UTF-8, without repetition."""
        values = self.array(count_max, count_min=count_min)
        texts = tuple(check_text(value, bytes_max, rule=self._rule) for value in values)
        if ascending:
            check_ascending([text.encode() for text in texts], rule=self._rule)
        return texts

    def environment(self, count_max: int, bytes_max: int) -> tuple[tuple[str, str], ...]:
        """Return variables that rise by name, each ``[name, value]`` of ``bytes_max`` each."""
        variables: list[tuple[str, str]] = []
        for value in self.array(count_max):
            if not isinstance(value, list) or len(value) != 2:
                raise self._broken("not [name, value]")
            name = check_text(value[0], bytes_max, rule=self._rule, bytes_min=1)
            if "=" in name:
                raise self._broken("a variable's name with =")
            variables.append((name, check_text(value[1], bytes_max, rule=self._rule)))
        check_ascending([name.encode() for name, _ in variables], rule=self._rule)
        return tuple(variables)

    def ids(self, count_max: int, length: int) -> tuple[bytes, ...]:
        """Return ascending byte strings of ``length`` bytes each, without repetition."""
        values = self.array(count_max)
        found: list[bytes] = []
        for value in values:
            if not isinstance(value, bytes) or len(value) != length:
                raise self._broken(f"not {length} bytes")
            found.append(value)
        check_ascending(found, rule=self._rule)
        return tuple(found)

    def anything(self) -> Value:
        """Return the field as it is."""
        return next(self._values)

    def _broken(self, message: str) -> RemoteProtocolError:
        return RemoteProtocolError(message, rule=self._rule)


def check_text(value: Value, bytes_max: int, *, rule: str, bytes_min: int = 0) -> str:
    """Return ``value`` when it is text of that length without a zero byte."""
    if (
        isinstance(value, str)
        and "\0" not in value
        and bytes_min <= len(value.encode()) <= bytes_max
    ):
        return value
    raise RemoteProtocolError(f"not text of {bytes_min} to {bytes_max} bytes", rule=rule)


def check_ascending(items: Sequence[bytes], *, rule: str) -> None:
    """Check that ``items`` rise without repetition."""
    if any(second <= first for first, second in pairwise(items)):
        raise RemoteProtocolError("items that do not rise", rule=rule)


def sign_checked(
    domain: Domain,
    network: NetworkId,
    identity: Identity,
    fields: Value,
    parse: Callable[[Value], object],
) -> Signed:
    """Sign ``fields`` after reading them as a peer would.

    Raises:
        LocalProtocolError: a peer would refuse the body, so this side must not sign it.
    """
    signed = sign(domain, network, identity, fields)
    try:
        parse(decode(signed.body, bytes_max=domain.body_bytes_max))
    except RemoteProtocolError as error:
        raise LocalProtocolError(f"own {domain.name}: {error}") from None
    return signed


def open_object(
    domain: Domain,
    network: NetworkId,
    signed: Signed,
    parse: Callable[[Value], Object],
    signer: Callable[[Object], bytes],
) -> Object:
    """Return what ``signed`` says, once ``parse`` has read it and its ``signer`` has signed it.

    Raises:
        RemoteProtocolError: body or signature break a rule (sections 2.1 and 2.3, or ``parse``'s).
    """
    found = parse(decode(signed.body, bytes_max=domain.body_bytes_max))
    preimage = domain.preimage(network, signed.body)
    if not is_signed_by(signer(found), preimage, signed.signature):
        raise RemoteProtocolError(f"{domain.name} has a wrong signature", rule="2.3")
    return found
