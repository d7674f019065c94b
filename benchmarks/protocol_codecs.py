"""What the codecs cost without a network: JSON lines, one a figure.

``python -m benchmarks.protocol_codecs`` prints the machine first, then the median of several
rounds.  Both ends run in this one process and thread, so a figure is for two agents' work.
"""

import json
import platform
import statistics
from collections.abc import Callable
from importlib.metadata import version
from time import perf_counter, process_time

from fogbank_protocol.channel.aead import Aead, SodiumAead
from fogbank_protocol.channel.channel import NeedData, PlaintextReceived, SecureChannel
from fogbank_protocol.channel.noise import Role
from fogbank_protocol.channel.openssl_aead import OpensslAead
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.limits import WRITE_BYTES_MAX
from fogbank_protocol.rpc.calls import Calls
from fogbank_protocol.rpc.events import NeedData as NothingYet
from fogbank_protocol.rpc.events import RequestReceived

ROUNDS = 7
IN_FLIGHT = 64
NETWORK = NetworkId(b"networks")
ANN, BOB = Identity.from_seed(b"a" * 32), Identity.from_seed(b"b" * 32)


def channel(role: Role, identity: Identity, number: int) -> SecureChannel:
    secret = number.to_bytes(32, "big")
    return SecureChannel(
        role,
        identity,
        NETWORK,
        static_key_seed=identity.node_id,
        ephemeral_seed=secret,
        port=0,
    )


def open_pair(number: int = 1) -> tuple[SecureChannel, SecureChannel]:
    one, two = channel(Role.INITIATOR, ANN, number), channel(Role.RESPONDER, BOB, number + 1)
    for sender, receiver in ((one, two), (two, one), (one, two)):
        receiver.receive_data(sender.data_to_send())
        while not isinstance(receiver.next_event(), NeedData):
            pass
    return one, two


def handshake_ms() -> float:
    count = 50
    start = process_time()
    for number in range(1, count + 1):
        open_pair(number)
    return (process_time() - start) / count * 1000


def bulk_mb_per_s() -> float:
    one, two = open_pair()
    data, count = bytes(WRITE_BYTES_MAX), 300
    start = process_time()
    for _ in range(count):
        two.receive_data(one.send_plaintext(data))
        received = 0
        while isinstance(event := two.next_event(), PlaintextReceived):
            received += len(event.data)
        assert received == len(data)
    return count * len(data) / 1e6 / (process_time() - start)


def aead_us(cipher: Aead, size: int) -> Callable[[], float]:
    def measure() -> float:
        count = 2000
        plaintext = bytes(size)
        start = process_time()
        for number in range(count):
            cipher.encrypt(number.to_bytes(12, "big"), b"", plaintext)
        return (process_time() - start) / count * 1e6

    return measure


def calls_per_s() -> float:
    ann, bob = Calls(), Calls()
    body, count, now = bytes(32), 320, 0.0
    start = process_time()
    for _ in range(count):
        for _ in range(IN_FLIGHT):
            ann.caller.send_request("ledger.push", body, timeout_s=5.0, now=now)
        bob.receive_data(ann.data_to_send())
        while isinstance(event := bob.next_event(now), RequestReceived):
            bob.callee.send_response(event.call, body)
        ann.receive_data(bob.data_to_send())
        while not isinstance(ann.next_event(now), NothingYet):
            pass
    return count * IN_FLIGHT / (process_time() - start)


def calls_through_channel_per_s() -> float:
    ann, bob = Calls(), Calls()
    one, two = open_pair()
    body, count, now = bytes(32), 160, 0.0

    def carry(sender: Calls, out: SecureChannel, into: SecureChannel, receiver: Calls) -> None:
        into.receive_data(out.send_plaintext(sender.data_to_send()))
        while isinstance(event := into.next_event(), PlaintextReceived):
            receiver.receive_data(event.data)

    start = process_time()
    for _ in range(count):
        for _ in range(IN_FLIGHT):
            ann.caller.send_request("ledger.push", body, timeout_s=5.0, now=now)
        carry(ann, one, two, bob)
        while isinstance(event := bob.next_event(now), RequestReceived):
            bob.callee.send_response(event.call, body)
        carry(bob, two, one, ann)
        while not isinstance(ann.next_event(now), NothingYet):
            pass
    return count * IN_FLIGHT / (process_time() - start)


def report(name: str, unit: str, measure: Callable[[], float]) -> None:
    rounds = sorted(measure() for _ in range(ROUNDS))
    line = {
        "name": name,
        "unit": unit,
        "median": round(statistics.median(rounds), 3),
        "least": round(rounds[0], 3),
        "most": round(rounds[-1], 3),
    }
    print(json.dumps(line), flush=True)


def describe_machine() -> None:
    packages = ("msgpack", "pynacl", "cryptography")
    line = {
        "name": "machine",
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "clock": "seconds of processor time",
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    start = perf_counter()
    describe_machine()
    report("handshake, both sides", "ms", handshake_ms)
    report("bulk through a channel, both sides", "MB/s", bulk_mb_per_s)
    for size in (64, 65_519):
        report(f"seal {size} bytes, cryptography", "us", aead_us(OpensslAead(bytes(32)), size))
        report(f"seal {size} bytes, PyNaCl", "us", aead_us(SodiumAead(bytes(32)), size))
    report("calls, 64 in flight, both sides", "1/s", calls_per_s)
    report("calls through a channel, both sides", "1/s", calls_through_channel_per_s)
    print(json.dumps({"name": "took", "unit": "s", "median": round(perf_counter() - start, 1)}))


if __name__ == "__main__":
    main()
