"""Takes in bytes from the command line and gives them out, through the agent's blob store."""

import os
import tempfile
from pathlib import Path

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.limits import BLOB_BYTES_MAX
from fogbank_protocol.node.blob_store import BlobMissing, StoreFull

from ..errors import Refused
from ..limits import CONTROL_BLOBS_MAX, CONTROL_CHUNK_BYTES
from ..parts import Parts
from .requests.blobs import BlobKept, BlobsKept, Chunk, GetBlob, PutBlob, PutBlobs
from .server import Conversation


async def answer_put_blob(parts: Parts, request: PutBlob, conversation: Conversation) -> None:
    """Keep the bytes that follow, and pin them until the conversation ends."""
    size = request.size
    if not 0 <= size <= BLOB_BYTES_MAX:
        # What follows is not read, so this is the last that is said.
        conversation.is_over = True
        raise Refused(
            f"{size:,} bytes are too many: inputs and tasks have at most {BLOB_BYTES_MAX:,}"
        )
    try:
        path = await trio.to_thread.run_sync(_temporary_file, parts.state.uploads)
        try:
            await _receive(conversation, path, size)
            blob_id = await parts.blobs.put_file(path)
        finally:
            path.unlink(missing_ok=True)
    except StoreFull as error:
        raise Refused(str(error)) from None
    except OSError as error:
        # Most often a full disk.  What the client still sends is not read any more.
        conversation.is_over = True
        raise Refused(
            f"the agent cannot keep a file in {parts.state.path}: {error.strerror}"
        ) from None
    parts.blobs.pin(blob_id)
    conversation.at_end.callback(parts.blobs.unpin, blob_id)
    await conversation.send(BlobKept(blob_id, size))


async def answer_put_blobs(parts: Parts, request: PutBlobs, conversation: Conversation) -> None:
    """Keep small blobs, and pin them until the conversation ends."""
    blobs = request.blobs
    if not 0 < len(blobs) <= CONTROL_BLOBS_MAX or max(map(len, blobs)) > CONTROL_CHUNK_BYTES:
        raise Refused(
            f"1 to {CONTROL_BLOBS_MAX:,} inputs of at most {CONTROL_CHUNK_BYTES:,} bytes each are "
            "handed over together: hand over the others one by one"
        )
    try:
        kept = tuple(await parts.blobs.put_small(blobs))
    except StoreFull as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(
            f"the agent cannot keep a file in {parts.state.path}: {error.strerror}"
        ) from None
    for blob_id in kept:
        parts.blobs.pin(blob_id)

    def unpin() -> None:
        for blob_id in kept:
            parts.blobs.unpin(blob_id)

    conversation.at_end.callback(unpin)
    await conversation.send(BlobsKept(kept))


async def answer_get_blob(parts: Parts, request: GetBlob, conversation: Conversation) -> None:
    """Send a blob in chunks."""
    blob_id = BlobId(request.blob_id)
    try:
        data = await parts.blobs.read(blob_id)
    except BlobMissing:
        raise Refused("the agent does not keep these bytes any more: run the task again") from None
    await conversation.send(BlobKept(blob_id, len(data)))
    for place in range(0, len(data), CONTROL_CHUNK_BYTES):
        await conversation.send(Chunk(data[place : place + CONTROL_CHUNK_BYTES]))


async def _receive(conversation: Conversation, path: Path, size: int) -> None:
    left = size
    async with await trio.open_file(path, "wb") as file:
        while left:
            chunk = await conversation.receive([Chunk])
            assert isinstance(chunk, Chunk)
            if not 0 < len(chunk.data) <= left:
                conversation.is_over = True
                raise Refused("more bytes came than were announced")
            await file.write(chunk.data)
            left -= len(chunk.data)


def _temporary_file(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
    return Path(name)
