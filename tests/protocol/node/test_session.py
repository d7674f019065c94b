"""Calls over one channel between two real ends, joined by memory streams (SPEC.md section 4)."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import CALLS_OPEN_MAX, HANDLED_BYTES_MAX
from fogbank_protocol.node.failures import CallRefused, CallTimedOut, PeerGone
from fogbank_protocol.node.services import (
    OneWayService,
    RequestService,
    Service,
    StreamService,
)
from fogbank_protocol.node.session import Session
from fogbank_protocol.rpc.events import ErrorCode

from .network import ANN, session_pair


async def reverse(peer: NodeId, body: bytes) -> bytes:
    await trio.lowlevel.checkpoint()
    return body[::-1]


async def count_up(peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
    for number in range(int(body)):
        await trio.lowlevel.checkpoint()
        yield str(number).encode()


async def wait_forever(peer: NodeId, body: bytes) -> bytes:
    await trio.sleep_forever()
    return b""


async def test_a_request_is_answered() -> None:
    async with session_pair(services_of_ben=[RequestService("test.reverse", reverse)]) as (ann, _):
        assert await ann.request("test.reverse", b"abc", timeout_s=1) == b"cba"


@pytest.mark.slow
async def test_many_requests_are_under_way_at_the_same_time() -> None:
    async with session_pair(services_of_ben=[RequestService("test.reverse", reverse)]) as (ann, _):
        answers: dict[bytes, bytes] = {}

        async def ask(body: bytes) -> None:
            answers[body] = await ann.request("test.reverse", body, timeout_s=60)

        # More than may be open: the rest wait for room, and none is lost.
        bodies = [b"%d" % number for number in range(3 * CALLS_OPEN_MAX)]
        async with trio.open_nursery() as nursery:
            for body in bodies:
                nursery.start_soon(ask, body)
        assert answers == {body: body[::-1] for body in bodies}


async def test_the_handler_knows_who_asks() -> None:
    async def who(peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        return peer

    async with session_pair(services_of_ben=[RequestService("test.who", who)]) as (ann, _):
        assert await ann.request("test.who", b"", timeout_s=1) == ANN.node_id


async def test_a_refusal_reaches_the_caller_with_its_code() -> None:
    async def refuse(peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        raise CallRefused("not_found", "there is none\x1b[2J")

    async with session_pair(services_of_ben=[RequestService("test.refuse", refuse)]) as (ann, _):
        with pytest.raises(CallRefused) as raised:
            await ann.request("test.refuse", b"", timeout_s=1)
        assert raised.value.code == "not_found"
        assert raised.value.message == "there is none?[2J"


async def test_what_breaks_a_rule_of_the_method_is_a_bad_request() -> None:
    async def parse(peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        raise RemoteProtocolError("nonsense", rule="6.2")

    services = [RequestService("test.parse", parse, body_bytes_max=3)]
    async with session_pair(services_of_ben=services) as (ann, _):
        for method, body, answer in (
            ("test.parse", b"x", "bad_request: nonsense"),
            ("test.parse", b"four", "bad_request: a body of 4 bytes, at most 3"),
            ("test.unknown", b"", "unknown_method: there is no such method"),
        ):
            with pytest.raises(CallRefused, match=answer):
                await ann.request(method, body, timeout_s=1)


async def test_calls_beyond_those_at_once_wait_for_their_turn(autojump_clock: MockClock) -> None:
    working, most = 0, 0

    async def work(peer: NodeId, body: bytes) -> bytes:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await trio.sleep(1)
        working -= 1
        return b""

    services = [
        RequestService("test.work", work, at_once_max=2),
        RequestService("test.reverse", reverse),
    ]
    async with session_pair(services_of_ben=services) as (ann, _), trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(partial(ann.request, "test.work", b"", timeout_s=10))
        await trio.sleep(0.5)
        assert await ann.request("test.reverse", b"ab", timeout_s=0.1) == b"ba"
    assert most == 2


async def test_a_peer_cannot_have_any_number_of_bytes_handled(autojump_clock: MockClock) -> None:
    services = [RequestService("test.wait", wait_forever)]
    refusals: list[CallRefused] = []

    async def ask(session: Session) -> None:
        try:
            await session.request("test.wait", bytes(1_000_000), timeout_s=30)
        except CallRefused as refusal:
            refusals.append(refusal)

    async with session_pair(services_of_ben=services) as (ann, _), trio.open_nursery() as nursery:
        for _ in range(HANDLED_BYTES_MAX // 1_000_000 + 3):
            nursery.start_soon(ask, ann)
        await trio.sleep(10)
        assert [refusal.code for refusal in refusals] == ["busy", "busy"]
        nursery.cancel_scope.cancel()


async def test_bad_requests_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        raise RemoteProtocolError("nonsense", rule="9.9")

    services = [RequestService("test.refuse", refuse)]
    async with session_pair(services_of_ben=services) as (ann, _):
        for _ in range(20):
            with pytest.raises(CallRefused, match="bad_request"):
                await ann.request("test.refuse", b"", timeout_s=5)
    assert caplog.text.count("sent a bad request") == 1


async def test_a_call_that_takes_too_long_times_out_and_the_handler_stops(
    autojump_clock: MockClock,
) -> None:
    stopped: list[float] = []

    async def wait(peer: NodeId, body: bytes) -> bytes:
        start = trio.current_time()
        try:
            await trio.sleep_forever()
        finally:
            stopped.append(trio.current_time() - start)
        return b""

    async with session_pair(services_of_ben=[RequestService("test.wait", wait)]) as (ann, ben):
        with pytest.raises(CallTimedOut):
            await ann.request("test.wait", b"", timeout_s=3)
        await ben.wait_quiet()
        assert stopped == [pytest.approx(3, abs=0.01)]


async def test_a_cancelled_call_stops_its_handler(autojump_clock: MockClock) -> None:
    services = [RequestService("test.wait", wait_forever)]
    async with session_pair(services_of_ben=services) as (ann, ben):
        with trio.move_on_after(1):
            await ann.request("test.wait", b"", timeout_s=3600)
        await trio.sleep(1)
        assert ben.is_quiet
        assert ann.is_quiet


async def test_calls_are_lost_with_their_channel(autojump_clock: MockClock) -> None:
    services = [RequestService("test.wait", wait_forever)]
    async with session_pair(services_of_ben=services) as (ann, ben):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def ask() -> None:
                with pytest.raises(PeerGone):
                    await ann.request("test.wait", b"", timeout_s=3600)

            await trio.sleep(1)
            ben.close(ErrorCode.SHUTTING_DOWN, "bye")
        with pytest.raises(PeerGone):
            await ann.request("test.wait", b"", timeout_s=1)
        assert not ann.send_nowait("test.tell", b"")


async def test_a_stream_brings_its_items_in_order_and_ends() -> None:
    async with session_pair(services_of_ben=[StreamService("test.count", count_up)]) as (ann, _):
        async with ann.stream("test.count", b"100", timeout_s=5) as items:
            got = [item async for item in items]
        assert got == [b"%d" % number for number in range(100)]


async def test_a_stream_that_is_not_read_makes_its_sender_wait(
    autojump_clock: MockClock,
) -> None:
    made: list[int] = []

    async def flood(peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield bytes(1000)

    async with session_pair(services_of_ben=[StreamService("test.flood", flood)]) as (ann, _):
        async with ann.stream("test.flood", b"", timeout_s=60) as items:
            await trio.sleep(1)
            assert len(made) <= 20
            for _ in range(500):
                await anext(aiter(items))
            await trio.sleep(1)
            assert 500 <= len(made) <= 540
        await trio.sleep(1)
        assert ann.is_quiet


async def test_leaving_a_stream_closes_its_generator(autojump_clock: MockClock) -> None:
    closed: list[bool] = []

    async def endless(peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        try:
            while True:
                await trio.sleep(0.1)
                yield b"more"
        finally:
            closed.append(True)

    async with session_pair(services_of_ben=[StreamService("test.endless", endless)]) as (ann, _):
        async with ann.stream("test.endless", b"", timeout_s=60) as items:
            async for _ in items:
                break
        await trio.sleep(1)
        assert closed == [True]


async def test_a_generator_that_never_waits_is_stopped_all_the_same() -> None:
    made: list[int] = []

    async def hurry(peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        for number in range(50_000):
            made.append(number)
            yield b"more"

    services: list[Service] = [
        StreamService("test.hurry", hurry),
        RequestService("test.reverse", reverse),
    ]
    async with session_pair(services_of_ben=services) as (ann, _):
        async with ann.stream("test.hurry", b"", timeout_s=60):
            # Left at once, so that the request and its cancellation arrive together.
            pass
        await ann.request("test.reverse", b"", timeout_s=10)
    assert len(made) < 100


async def test_items_before_an_error_arrive_first() -> None:
    async def fail_later(peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        await trio.lowlevel.checkpoint()
        yield b"one"
        yield b"two"
        raise CallRefused("not_found")

    services = [StreamService("test.fail", fail_later)]
    async with (
        session_pair(services_of_ben=services) as (ann, _),
        ann.stream("test.fail", b"", timeout_s=5) as items,
    ):
        assert await anext(items) == b"one"
        assert await anext(items) == b"two"
        with pytest.raises(CallRefused):
            await anext(items)


async def test_one_way_messages_are_handled_in_order(autojump_clock: MockClock) -> None:
    got: list[bytes] = []

    async def take(peer: NodeId, body: bytes) -> None:
        await trio.sleep(0.01)
        got.append(body)

    async with session_pair(services_of_ben=[OneWayService("test.take", take)]) as (ann, _):
        for number in range(50):
            assert ann.send_nowait("test.take", b"%d" % number)
        assert ann.send_nowait("test.unknown", b"is ignored")
        await trio.sleep(1)
        assert got == [b"%d" % number for number in range(50)]


async def test_one_way_messages_beyond_the_bound_are_dropped_and_answers_still_come(
    autojump_clock: MockClock,
) -> None:
    got: list[int] = []

    async def take_slowly(peer: NodeId, body: bytes) -> None:
        got.append(len(body))
        await trio.sleep(1)

    services: list[Service] = [
        OneWayService("test.take", take_slowly),
        RequestService("test.reverse", reverse),
    ]
    async with session_pair(services_of_ben=services) as (ann, _):
        for _ in range(40):
            ann.send_nowait("test.take", bytes(100_000))
            await trio.sleep(0.001)
        assert await ann.request("test.reverse", b"ab", timeout_s=0.1) == b"ba"
        await trio.sleep(100)
        # 1 MiB waits, and the first was in work.
        assert 10 <= len(got) <= 13


async def test_a_one_way_message_that_breaks_a_rule_closes_the_channel(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(peer: NodeId, body: bytes) -> None:
        await trio.lowlevel.checkpoint()
        raise RemoteProtocolError("nonsense", rule="8.7")

    async with session_pair(services_of_ben=[OneWayService("test.take", refuse)]) as (ann, _):
        ann.send_nowait("test.take", b"")
        await trio.sleep(0.1)
        with pytest.raises(PeerGone):
            await ann.request("test.reverse", b"", timeout_s=1)
    assert "broke a rule: nonsense (SPEC.md section 8.7)" in caplog.text
    assert "says goodbye: protocol_error nonsense" in caplog.text


async def test_a_ping_measures_the_round_trip(autojump_clock: MockClock) -> None:
    async with session_pair() as (ann, _):
        assert ann.round_trip_s is None
        ann.ping(7)
        await trio.sleep(1)
        assert ann.round_trip_s is not None


async def crash(peer: NodeId, body: bytes) -> bytes:
    await trio.lowlevel.checkpoint()
    raise ZeroDivisionError(body)


async def crash_later(peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
    yield b"one"
    await crash(peer, body)


async def take_and_crash(peer: NodeId, body: bytes) -> None:
    await crash(peer, body)


async def test_a_bug_in_a_handler_ends_its_call_alone(contained_bugs: list[str]) -> None:
    services: list[Service] = [
        RequestService("test.crash", crash),
        StreamService("test.later", crash_later),
        OneWayService("test.take", take_and_crash),
        RequestService("test.reverse", reverse),
    ]
    async with session_pair(services_of_ben=services) as (ann, _):
        for _ in range(2):
            with pytest.raises(CallRefused, match="internal_error"):
                await ann.request("test.crash", b"a secret", timeout_s=1)
        async with ann.stream("test.later", b"", timeout_s=5) as items:
            assert await anext(items) == b"one"
            with pytest.raises(CallRefused, match="internal_error"):
                await anext(items)
        assert ann.send_nowait("test.take", b"")
        assert await ann.request("test.reverse", b"abc", timeout_s=1) == b"cba"
        assert ann.send_nowait("test.take", b"")
        assert await ann.request("test.reverse", b"abc", timeout_s=1) == b"cba"

    assert len(contained_bugs) == 5
    assert "ended a call of test.crash, and nothing else" in contained_bugs[0]
    assert "raise ZeroDivisionError" in contained_bugs[0]
    assert "secret" not in "".join(contained_bugs)
    contained_bugs.clear()


async def test_a_bug_in_what_others_rest_on_ends_the_agent() -> None:
    async def scenario() -> None:
        ledger = OneWayService("test.take", take_and_crash, is_contained=False)
        async with session_pair(services_of_ben=[ledger]) as (ann, _):
            assert ann.send_nowait("test.take", b"")
            await trio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as raised:
        await scenario()
    assert raised.value.split(ZeroDivisionError)[1] is None
