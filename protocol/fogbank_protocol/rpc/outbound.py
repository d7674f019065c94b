"""Frames that wait to be written: bounded, joined, and fair to small calls.

There are five lanes.  The urgent lane goes first; the others take turns by bytes, and so do the
streams within theirs, so that neither a big stream nor a burst of gossip holds up a small call by
more than one write.  Order is kept within a lane, and within a stream.
"""

from collections import deque

from ..limits import LANE_BYTES_MAX, STREAM_BYTES_MAX

_TURN_BYTES = 16_384
"""How much one lane writes before it is the next one's turn."""


class QueueFullError(Exception):
    """There is no room for this now: wait until something was written, or drop it."""


class Lane:
    """A queue of frames, in order."""

    def __init__(self, bytes_max: int = LANE_BYTES_MAX) -> None:
        """Hold at most ``bytes_max`` bytes, or one frame if that is longer."""
        self._bytes_max = bytes_max
        self._is_closed = False
        self._frames: deque[bytes] = deque()
        self.queued_bytes = 0

    def __len__(self) -> int:
        return len(self._frames)

    def has_room(self, frame_bytes: int) -> bool:
        """Tell whether a frame of ``frame_bytes`` may be added."""
        return not self.queued_bytes or self.queued_bytes + frame_bytes <= self._bytes_max

    def put(self, frame: bytes) -> None:
        """Add ``frame``, whether there is room or not; do nothing once closed."""
        if self._is_closed:
            return
        self._frames.append(frame)
        self.queued_bytes += len(frame)

    def put_last(self, frame: bytes) -> None:
        """Add ``frame`` even to a closed lane: it is the last thing said."""
        self._frames.append(frame)
        self.queued_bytes += len(frame)

    def take(self) -> bytes:
        """Remove and return the oldest frame."""
        frame = self._frames.popleft()
        self.queued_bytes -= len(frame)
        return frame

    def take_all(self) -> list[bytes]:
        """Remove and return all frames, the oldest first."""
        frames = list(self._frames)
        self._frames.clear()
        self.queued_bytes = 0
        return frames

    def take_turn(self, bytes_max: int) -> list[bytes]:
        """Remove and return the oldest frames, up to the one that reaches ``bytes_max``."""
        if self.queued_bytes <= bytes_max:
            return self.take_all()
        end = self.queued_bytes - bytes_max
        frames: list[bytes] = []
        while self.queued_bytes > end:
            frames.append(self.take())
        return frames

    def close(self) -> None:
        """Forget all that waits, and take nothing more."""
        self._frames.clear()
        self.queued_bytes = 0
        self._is_closed = True


class StreamLanes:
    """One lane a stream, which take turns frame by frame."""

    def __init__(self) -> None:
        self._is_closed = False
        self._lanes: dict[int, Lane] = {}
        self._ended: set[int] = set()
        self._turns: deque[int] = deque()
        self.queued_bytes = 0

    def __len__(self) -> int:
        """Return how many streams have frames waiting."""
        return len(self._lanes)

    @property
    def ended(self) -> int:
        """How many streams wait to have their last frame written."""
        return len(self._ended)

    def has_room(self, call: int, frame_bytes: int) -> bool:
        """Tell whether a frame of ``frame_bytes`` of the stream ``call`` may be added."""
        lane = self._lanes.get(call)
        if lane is not None and not lane.has_room(frame_bytes):
            return False
        return not self.queued_bytes or self.queued_bytes + frame_bytes <= LANE_BYTES_MAX

    def put(self, call: int, frame: bytes) -> None:
        """Add ``frame`` to the stream ``call``; do nothing once closed."""
        if self._is_closed:
            return
        lane = self._lanes.get(call)
        if lane is None:
            lane = self._lanes[call] = Lane(STREAM_BYTES_MAX)
            self._turns.append(call)
        lane.put(frame)
        self.queued_bytes += len(frame)

    def put_last(self, call: int, frame: bytes) -> None:
        """Add the ``frame`` that ends the stream ``call``; do nothing once closed."""
        if not self._is_closed:
            self.put(call, frame)
            self._ended.add(call)

    def take(self) -> bytes:
        """Remove and return the oldest frame of the stream whose turn it is."""
        call = self._turns.popleft()
        lane = self._lanes[call]
        frame = lane.take()
        self.queued_bytes -= len(frame)
        if lane:
            self._turns.append(call)
        else:
            del self._lanes[call]
            self._ended.discard(call)
        return frame

    def take_turn(self, bytes_max: int) -> list[bytes]:
        """Remove and return frames, up to the one that reaches ``bytes_max``."""
        end = self.queued_bytes - bytes_max
        frames: list[bytes] = []
        while self._lanes and self.queued_bytes > end:
            frames.append(self.take())
        return frames

    def drop(self, call: int) -> None:
        """Forget what waits of the stream ``call``."""
        lane = self._lanes.pop(call, None)
        if lane is not None:
            self._turns.remove(call)
            self._ended.discard(call)
            self.queued_bytes -= lane.queued_bytes

    def close(self) -> None:
        """Forget all that waits, and take nothing more."""
        self._lanes.clear()
        self._ended.clear()
        self._turns.clear()
        self.queued_bytes = 0
        self._is_closed = True


class Outbound:
    """All that waits to be written on one channel."""

    def __init__(self) -> None:
        self.urgent = Lane()
        self.requests = Lane()
        self.one_ways = Lane()
        self.answers = Lane()
        self.streams = StreamLanes()
        # Kept from one write to the next: a lane of frames longer than a write would else be first
        # in every one.
        self._turns: deque[Lane | StreamLanes] = deque(
            (self.answers, self.requests, self.one_ways, self.streams)
        )

    @property
    def queued_bytes(self) -> int:
        """How many bytes wait."""
        return self.urgent.queued_bytes + sum(lane.queued_bytes for lane in self._turns)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        # Asked after each message that is read: a loop over the lanes would cost twice as much.
        return not (
            self.urgent.queued_bytes
            or self.answers.queued_bytes
            or self.requests.queued_bytes
            or self.one_ways.queued_bytes
            or self.streams.queued_bytes
        )

    def close(self, goodbye: bytes) -> None:
        """Forget all that waits, send ``goodbye``, and take nothing more."""
        for lane in (self.urgent, *self._turns):
            lane.close()
        self.urgent.put_last(goodbye)

    def take(self, bytes_max: int) -> bytes:
        """Remove and return frames, joined: all if they fit, else about ``bytes_max`` bytes.

        At least one frame is returned when any waits, and a frame is never cut.
        """
        taken = self.urgent.take_all()
        size = sum(map(len, taken))
        idle = 0
        while size < bytes_max and idle < len(self._turns):
            lane = self._turns[0]
            self._turns.rotate(-1)
            if not lane.queued_bytes:
                idle += 1
                continue
            frames = lane.take_turn(min(_TURN_BYTES, bytes_max - size))
            taken += frames
            size += sum(map(len, frames))
            idle = 0
        return b"".join(taken)
