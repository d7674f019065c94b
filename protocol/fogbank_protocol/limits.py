"""Every bound of the protocol package, with its unit and the section of SPEC.md that fixes it."""

ENCODED_BYTES_MAX = 4 * 1024 * 1024
"""The largest canonical value that is decoded at all (section 2.1)."""

ENCODED_DEPTH_MAX = 16
"""How deep arrays may nest (section 2.1)."""

ENCODED_ELEMENTS_MAX = 65_536
"""How many elements all arrays of a value have together (section 2.1)."""

TEXT_BYTES_MAX = 1024
"""The longest text inside a signed object or a message, in bytes of UTF-8 (section 2.1)."""

# Finding peers (section 5).

PORT_MAX = 65_535
"""The largest TCP port."""

HOST_BYTES_MAX = 45
"""The longest literal IP address, in characters (section 5.2)."""

TOLD_ADDRESSES_MAX = 64
"""How many addresses an answer to ``peers.list`` may have (section 5.2)."""

TOLD_ADDRESSES_BYTES_MAX = 8_192
"""The longest answer to ``peers.list`` that is read, in bytes (section 5.2)."""

NETWORK_NAME_BYTES_MAX = 64
"""The longest name of a network, in bytes of UTF-8 (sections 5.1 and 8.1)."""

PING_INTERVAL_S = 15.0
"""The silence after which a peer is pinged, and between pings, in seconds (section 5.4)."""

PINGS_UNANSWERED_MAX = 3
"""How many pings a peer may leave unanswered (section 5.4)."""

DIAL_DELAY_S_MIN = 1.0
"""The wait after the first failure of an address, in seconds (section 5.3)."""

DIAL_DELAY_S_MAX = 60.0
"""The longest wait after a failure of an address, in seconds, before jitter (section 5.3)."""

DIAL_JITTER_MAX = 0.25
"""The part of a wait that is added to it at random at most (section 5.3)."""

DIALS_MAX = 8
"""How many addresses are dialled at the same time (section 5.3)."""

CANDIDATES_MAX = 512
"""How many addresses to dial are kept in all (section 5.3)."""

CANDIDATES_TOLD_MAX = 256
"""How many of them may come from mDNS and from peers, who could invent any number."""

ADDRESSES_PER_PEER_MAX = 4
"""How many addresses of one node id are kept (section 5.3)."""

FORGET_AFTER_FAILURES = 10
"""After so many failures in a row a hint is forgotten, unless it comes from the configuration."""

REMEMBERED_ADDRESSES_MAX = 256
"""How many addresses are remembered from one life to the next (section 5.2)."""

PEERS_MAX = 128
"""How many channels a node keeps at most; further ones are answered with ``busy``."""

PEERS_RESERVED = 32
"""How many of them nobody gets who is neither configured, remembered nor named as kept."""

CHANNELS_PER_PEER_MAX = 4
"""How many channels of one peer may be open, duplicates that are being closed with them."""

CHANNELS_MAX = 256
"""How many channels may be open in all; a stream beyond them is closed without a word."""

CUT_OFF_S = 600.0
"""How long a peer that misbehaved is neither dialled nor accepted, in seconds (section 5.3)."""

CUT_OFF_PEERS_MAX = 1_024
"""How many of those are kept in mind; the oldest are forgiven first."""

PEERS_LIST_INTERVAL_S = 60.0
"""How often a peer is asked for the peers it knows, in seconds (section 5.2)."""

INTERFACES_INTERVAL_S = 5.0
"""How often the list of network interfaces is read anew, in seconds (section 5.1)."""

GENESIS_BYTES_MAX = 65_536
"""The largest genesis body (sections 5.5 and 8.1)."""

# Blobs (section 6).

CHUNK_BYTES = 65_536
"""All chunks of a blob but the last have this many bytes (section 6.1)."""

BLOB_BYTES_MAX = 64 * 1024 * 1024
"""The largest blob (section 6.1)."""

CHUNKS_MAX = BLOB_BYTES_MAX // CHUNK_BYTES
"""How many chunks a blob may have (section 6.1)."""

BLOB_STORE_BYTES = 1024 * 1024 * 1024
"""How many bytes of blobs a store keeps unless told otherwise."""

# A node (sections 3 and 4).

BODY_BYTES_MAX = 1_048_448
"""The largest body of a call, leaving 128 bytes of a frame for the rest (section 4.1)."""

READ_BYTES = 65_536
"""How many bytes are read from a socket at a time."""

HALF_OPEN_MAX = 64
"""How many accepted streams may be in their handshake at the same time (section 3.2)."""

HALF_OPEN_PER_HOST_MAX = 16
"""How many of those may come from one host (section 3.2)."""

WIRE_VERSION_MAX = 1
"""The newest version of the wire that this code speaks (section 3.2)."""

WIRE_VERSION_MIN = 1
"""The oldest version of the wire that this code speaks (section 3.2)."""

VERSION_NUMBER_MAX = 65_535
"""The largest number that a version of the wire can have (sections 3.2 and 5.1)."""

RECORD_BYTES_MAX = 65_535
"""The longest Noise message, and so the longest record without its length (section 3.1)."""

RECORD_PLAINTEXT_BYTES_MAX = RECORD_BYTES_MAX - 16
"""What one record can carry beside its tag (section 3.3)."""

INTRODUCTION_BYTES_MAX = 1024
"""The longest introduction (section 3.2)."""

HANDSHAKE_RECORD_BYTES_MAX = 32 + 48 + 16 + INTRODUCTION_BYTES_MAX
"""The longest record of the handshake: message 2 with the longest introduction (section 3.2)."""

HANDSHAKE_TIMEOUT_S = 10.0
"""How long a handshake may take from the opening of the stream (section 3.2)."""

REKEY_INTERVAL_MESSAGES = 65_536
"""After so many transport messages of one direction its key is replaced (section 3.3)."""

NONCE_MAX = (1 << 64) - 2
"""The last nonce that a key may see; the next one is Noise's own for REKEY (section 3.3)."""

FRAME_BYTES_MAX = 1_048_576
"""The longest frame without its length (section 4.1)."""

METHOD_BYTES_MAX = 64
"""The longest name of a method (section 4.1)."""

ERROR_CODE_BYTES_MAX = 32
"""The longest error code (section 4.4)."""

ERROR_MESSAGE_BYTES_MAX = 256
"""The longest sentence for people in an error or a goodbye, in bytes of UTF-8 (section 4.1)."""

CALL_NUMBER_MAX = (1 << 63) - 1
"""The last call number of a channel (section 4.1)."""

CALL_DEADLINE_MS_MAX = 3_600_000
"""The longest time a call may be given (section 4.1)."""

CALLS_OPEN_MAX = 256
"""How many calls may be open in one direction of a channel (section 4.2)."""

INITIAL_CREDIT_MAX = 1024
"""How many items a stream may be given when it is asked for (section 4.2)."""

CREDIT_MAX = 65_535
"""How much credit of one stream may stand unused (section 4.2)."""

FORCED_ANSWERS_MAX = 1024
"""How many pongs and refusals may wait for a peer that sends but does not read (section 4.2)."""

LANE_BYTES_MAX = 1_048_576
"""How many bytes of requests, of answers, of one-way messages and of streams wait for one peer."""

STREAM_BYTES_MAX = 262_144
"""How many bytes of one stream wait."""

WRITE_BYTES_MAX = 128 * 1024
"""How much is written at once; a ping or a small call waits for no more than this."""

ANNOUNCEMENT_BYTES_MAX = 1_024
"""The longest TXT record that is read, in bytes (section 5.1)."""

REMEMBERED_ADDRESSES_BYTES_MAX = 32_768
"""The longest file of remembered addresses that is read, in bytes (section 5.2)."""

CROSSING_CHANNELS_S = 30.0
"""Channels opened by both sides cross only when they complete closer than this (section 5.3)."""

DIAL_POLITE_S = 1.0
"""How long the larger of two node ids waits before it dials a hint, in seconds (section 5.3)."""

RETIRED_S_MIN = 1.0
"""How long a duplicate channel is kept at least, in seconds (section 5.3)."""

RETIRED_S_MAX = 10.0
"""How long a duplicate channel is kept at most, in seconds (section 5.3)."""

LASTING_CHANNEL_S = 10.0
"""A channel that was open shorter than this counts as a failed dial, in seconds (section 5.3)."""

CHUNK_TIMEOUT_S = 10.0
"""How long a peer may take for a description or a chunk before another is asked, in seconds."""

DOWNLOAD_ROUNDS_MAX = 3
"""How often each peer is asked for a blob before it is given up."""

DOWNLOAD_PAUSE_S = 1.0
"""The pause before peers that failed are asked again, in seconds."""

DATABASE_BUSY_S = 5.0
"""How long to wait for another program that uses a database, in seconds."""

DATABASE_JOURNAL_BYTES = 8 * 1024 * 1024
"""The size to which a database's journal is cut back after use."""

STORE_SMALL_BYTES_MAX = 4_096
"""Blobs of at most this many bytes that come together are kept in one file, with many others."""

STORE_READ_CHUNKS_MAX = 8
"""How many chunks are read from a blob's file in one go."""

STORE_ANSWERS_PER_PEER_MAX = 4
"""How many calls of one peer for descriptions, and how many for chunks, are in work at a time."""

STORE_DESCRIPTIONS_MAX = 32
"""How many descriptions of blobs are kept in memory."""

CONNECT_TIMEOUT_S = 10.0
"""How long the opening of a TCP stream may take, in seconds (section 5.3)."""

CLOSE_S_MAX = 1.0
"""How long a goodbye may take to be written, in seconds (section 4.1)."""

STREAM_CREDIT = 16
"""How many items of a stream may be under way to this side (section 4.2)."""

ONE_WAYS_WAITING_MAX = 1_024
"""How many one-way messages of a peer may wait for their handler; more are dropped."""

ONE_WAYS_WAITING_BYTES_MAX = 1_048_576
"""How many bytes of them may wait, in addition to one message."""

HANDLED_BYTES_MAX = 4 * 1024 * 1024
"""How many bytes of a peer's requests are handled at a time, in addition to one request."""

HANDLERS_MAX = 4_096
"""How many calls of all peers together are handled at the same time; more get ``busy``."""

HEARD_RESOLUTION_S = 1.0
"""How exactly the silence of a peer is measured, in seconds (section 5.4)."""

PINGS_UNDER_WAY_MAX = 8
"""How many pings of a channel are remembered to measure the round trip."""

LOGGED_TEXT_MAX = 120
"""How many characters of a peer's text go into a log or an error message."""

CALL_TIMEOUT_S_MIN = 0.001
"""The shortest time that a call can be given, in seconds (section 4.1)."""

ANNOUNCEMENTS_MAX = 256
"""How many announcements of others are kept in mind (section 5.1)."""

RESOLVES_MAX = 32
"""How many announcements are looked up at the same time (section 5.1)."""

RESOLVE_TIMEOUT_S = 3
"""How long to ask for the details of an announcement, in whole seconds (section 5.1)."""

ADDRESS_BOOK_INTERVAL_S = 30.0
"""How often the file of remembered addresses is written at most, in seconds."""

ASK_TIMEOUT_S = 10.0
"""How long small questions about the network may take, in seconds (sections 5.2 and 5.5)."""
