"""Downloads, as conversations with good, bad and silent peers (SPEC.md section 6.2)."""

from collections.abc import Sequence
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.blobs.download import (
    AttemptEnded,
    Blame,
    ChunkReceived,
    Describe,
    DescriptionReceived,
    Download,
    DownloadCommand,
    DownloadEvent,
    FindPrefix,
    Finish,
    GiveUp,
    PrefixFound,
    Read,
    Started,
    StoreChunk,
)
from fogbank_protocol.blobs.messages import encode_description
from fogbank_protocol.blobs.naming import chunks, describe
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import CHUNK_BYTES, CHUNK_TIMEOUT_S, DOWNLOAD_PAUSE_S
from fogbank_protocol.machine import Tick

ANN, BEN = (NodeId(bytes([letter]) * 32) for letter in b"ab")
DATA = b"".join(bytes([n]) * CHUNK_BYTES for n in range(3)) + b"end"
DESCRIPTION = describe(DATA)
BODY = encode_description(DESCRIPTION)
ONE, TWO, THREE, END = chunks(DATA)
BAD = b"\xff" * CHUNK_BYTES


def talk(
    download: Download, *events: DownloadEvent | Tick, now: float = 0
) -> Sequence[DownloadCommand]:
    return [command for event in events for command in download.handle(event, now)]


def test_a_blob_comes_from_one_good_peer() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN, BEN])
    assert talk(download, Started()) == [Describe(1, ANN)]
    assert talk(download, DescriptionReceived(1, BODY)) == [FindPrefix(DESCRIPTION)]
    assert talk(download, PrefixFound(0)) == [Read(1, ANN, 0, 4)]
    received = [ChunkReceived(1, chunk) for chunk in (ONE, TWO, THREE, END)]
    stored = [StoreChunk(chunk) for chunk in (ONE, TWO, THREE, END)]
    assert talk(download, *received) == [*stored, Finish()]
    assert talk(download, AttemptEnded(1), Tick()) == []
    assert download.deadline == inf


def test_a_download_resumes_after_what_is_on_disk() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN])
    talk(download, Started(), DescriptionReceived(1, BODY))
    assert talk(download, PrefixFound(3)) == [Read(1, ANN, 3, 1)]
    assert talk(download, ChunkReceived(1, END)) == [StoreChunk(END), Finish()]


def test_a_blob_that_is_whole_on_disk_is_finished_at_once() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN])
    talk(download, Started(), DescriptionReceived(1, BODY))
    assert talk(download, PrefixFound(4)) == [Finish()]


def test_the_empty_blob_needs_no_chunk() -> None:
    empty = describe(b"")
    download = Download(empty.blob_id, [ANN])
    talk(download, Started(), DescriptionReceived(1, encode_description(empty)))
    assert talk(download, PrefixFound(0)) == [Finish()]


def test_after_a_wrong_chunk_the_next_peer_goes_on_from_there() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN, BEN])
    talk(download, Started(), DescriptionReceived(1, BODY), PrefixFound(0))
    assert talk(download, ChunkReceived(1, ONE), ChunkReceived(1, BAD)) == [
        StoreChunk(ONE),
        Blame(ANN, "it sent a wrong chunk"),
        Read(2, BEN, 1, 3),
    ]
    # What the first one still sends counts no more, even when it is right.
    assert talk(download, ChunkReceived(1, TWO)) == []
    assert talk(download, ChunkReceived(2, TWO)) == [StoreChunk(TWO)]


def test_chunks_in_another_order_are_wrong() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN])
    talk(download, Started(), DescriptionReceived(1, BODY), PrefixFound(0))
    commands = talk(download, ChunkReceived(1, TWO))
    assert commands[0] == Blame(ANN, "it sent a wrong chunk")


def test_a_stream_that_ends_too_early_is_the_peers_fault() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN])
    talk(download, Started(), DescriptionReceived(1, BODY), PrefixFound(0))
    commands = talk(download, ChunkReceived(1, ONE), AttemptEnded(1))
    assert isinstance(commands[1], Blame)
    assert isinstance(commands[2], GiveUp)


def test_a_wrong_description_is_the_peers_fault() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN, BEN])
    talk(download, Started())
    blame, ask = talk(download, DescriptionReceived(1, encode_description(describe(b"other"))))
    assert isinstance(blame, Blame)
    assert ask == Describe(2, BEN)


def test_a_silent_peer_is_left_for_another() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN, BEN])
    talk(download, Started())
    assert download.deadline == CHUNK_TIMEOUT_S
    assert talk(download, Tick(), now=CHUNK_TIMEOUT_S - 1) == []
    assert talk(download, Tick(), now=CHUNK_TIMEOUT_S) == [Describe(2, BEN)]


def test_each_chunk_gives_a_peer_new_time() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN])
    talk(download, Started(), DescriptionReceived(1, BODY), PrefixFound(0))
    talk(download, ChunkReceived(1, ONE), now=9)
    assert download.deadline == 9 + CHUNK_TIMEOUT_S


def test_peers_that_failed_are_asked_again_after_a_pause_and_given_up_in_the_end() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN])
    assert talk(download, Started()) == [Describe(1, ANN)]
    assert talk(download, AttemptEnded(1, "gone")) == []
    assert download.deadline == DOWNLOAD_PAUSE_S
    assert talk(download, Tick(), now=1) == [Describe(3, ANN)]
    assert talk(download, AttemptEnded(3, "gone"), now=1) == []
    assert talk(download, Tick(), now=2) == [Describe(5, ANN)]
    assert talk(download, AttemptEnded(5, "gone"), now=2) == [GiveUp("gone")]
    assert download.deadline == inf


def test_a_peer_that_does_not_have_the_blob_is_not_asked_again() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN])
    talk(download, Started())
    assert talk(download, AttemptEnded(1, "not_found", is_final=True)) == [GiveUp("not_found")]


def test_with_nobody_to_ask_there_is_nothing_to_do() -> None:
    assert talk(Download(DESCRIPTION.blob_id, []), Started()) == [GiveUp("there is nobody to ask")]


def test_a_blob_larger_than_wanted_is_not_begun() -> None:
    download = Download(DESCRIPTION.blob_id, [ANN, BEN], bytes_max=len(DATA) - 1)
    talk(download, Started())
    (command,) = talk(download, DescriptionReceived(1, BODY))
    assert isinstance(command, GiveUp)


EVENTS = st.one_of(
    st.just(Started()),
    st.just(Tick()),
    st.builds(DescriptionReceived, st.integers(1, 9), st.sampled_from([BODY, b"bad"])),
    st.builds(ChunkReceived, st.integers(1, 9), st.sampled_from([ONE, TWO, THREE, END, BAD])),
    st.builds(AttemptEnded, st.integers(1, 9), st.sampled_from(["", "gone"]), st.booleans()),
)


@given(st.lists(EVENTS, max_size=60), st.integers(0, 4))
def test_whatever_peers_do_only_a_prefix_of_the_blob_is_stored(
    events: list[DownloadEvent | Tick], on_disk: int
) -> None:
    download = Download(DESCRIPTION.blob_id, [ANN, BEN])
    stored = list(chunks(DATA))[:on_disk]
    now, finished = 0.0, False
    for event in events:
        now += 4
        commands = list(download.handle(event, now))
        while commands:
            match commands.pop(0):
                case FindPrefix():
                    commands += download.handle(PrefixFound(len(stored)), now)
                case StoreChunk(data):
                    stored.append(data)
                case Finish():
                    finished = True
                case _:
                    pass
        assert DATA.startswith(b"".join(stored))
    assert not finished or b"".join(stored) == DATA
