"""Every bound of the ledger package, with its unit and the section of SPEC.md that fixes it."""

# Gossip and sync.

PUSH_PEERS_MAX = 5
"""How many neighbours a new vertex is pushed to (section 8.7)."""

FRONTIER_INTERVAL_S = 2.0
"""How often a neighbour is asked for what changed at its side, in seconds (section 8.7)."""

FRONTIER_JITTER = 0.25
"""The share of the interval that is drawn at random, so that neighbours do not ask in step."""

FRONTIER_ENTRIES_MAX = 16_384
"""Entries in one frontier message, and issuers remembered for one peer (section 8.7)."""

RANGES_MAX = 1_024
"""Ranges asked for in one stream (section 8.7)."""

PAGE_VERTICES_MAX = 256
"""Vertices in one message (section 8.7)."""

PAGE_BYTES_MAX = 524_288
"""Encoded bytes of one message of vertices (section 8.7)."""

FETCH_IDS_MAX = 64
"""Vertices asked for by id in one request (section 8.7)."""

HEADS_MAX = 16
"""Heads of one issuer that are told in one answer; more than one is a fork (section 8.7)."""

RANGE_STREAMS_MAX = 4
"""Streams of ranges that are read at the same time, from different peers."""

RANGE_STREAM_S = 600.0
"""How long one stream of ranges may take, in seconds; what is left is asked for again."""

REQUEST_TIMEOUT_S = 10.0
"""How long a neighbour has to answer a request, in seconds."""

FORK_WINDOW_FIRST = 16
"""How far below an unexplained difference the first range reaches, in vertices of the issuer."""

FORK_WINDOW_GROWTH = 8
"""By how much that reach grows each time the difference stays."""

PARKED_MAX = 4_096
"""Vertices whose parents are not here yet (section 8.7)."""

PARKED_PER_PARENT_MAX = 4
"""Parked vertices that may wait for one missing parent (section 8.7)."""

PARKED_PER_PEER_MAX = 1_024
"""Parked vertices that one peer may have sent (section 8.7)."""

PARENT_ASKS_MAX = 3
"""How often a missing parent is asked for before its waiting vertices are left to the sync."""

CHECKED_BEFORE_CUT = 1_000
"""Vertices of a peer after which its share of invalid ones is judged (section 8.7)."""

INVALID_PER_THOUSAND_MAX = 10
"""Invalid vertices in a thousand beyond which a peer is cut off (section 8.7)."""

PROOFS_REMEMBERED_MAX = 4_096
"""Issuers whose proof of a fork has been passed on already."""

# Storage.

OWN_LOG_APPEND_BYTES_MAX = 65_536
"""The most bytes that one append to the own log writes; a torn tail is never longer."""

STORE_BATCH_VERTICES = 256
"""Vertices written to SQLite in one transaction (section 8.8)."""

STORE_BATCH_S = 0.05
"""How long a vertex waits for a fuller batch, in seconds (section 8.8)."""

STORE_WAITING_MAX = 65_536
"""Vertices accepted but not yet written; beyond it no more are accepted until there is room."""

DISK_RETRY_S = 5.0
"""How long after a full disk the next write is tried, in seconds."""

# The service.

VERIFY_BATCH = 64
"""Signatures checked in one hand-over to a worker thread."""

INTAKE_WAITING_MAX = 64
"""Messages of vertices that wait for their signatures to be checked."""

CLAIM_WAIT_S = 0.5
"""How long a received payment waits for others before it is claimed, in seconds."""

HEAD_ASK_INTERVAL_S = 2.0
"""How often a seat that has not answered is asked again for the own head, in seconds."""

EVENTS_WAITING_MAX = 1_024
"""Events that wait for one slow subscriber; beyond it the oldest are dropped."""

PAYMENTS_LISTED_MAX = 1_000
"""The most payments that one listing returns."""
