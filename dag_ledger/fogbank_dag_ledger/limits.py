"""Every bound of the ledger package, with its unit and the section of SPEC.md that fixes it."""

# Genesis.

GENESIS_BYTES_MAX = 65_536
"""The largest genesis body, in bytes (section 8.1)."""

NETWORK_NAME_BYTES_MAX = 64
"""The longest name of a network, in bytes of UTF-8 (section 8.1)."""

SALT_BYTES = 16
"""The salt that makes two networks of equal seats and balances different (section 8.1)."""

SEATS_MAX = 32
"""Validators of one network (section 8.1)."""

HOME_SEATS_MAX = 7
"""Seats of a home that a site creates (section 8.18): all signatures fit into one vertex."""

HOMES_OF_ACCOUNT_MAX = 4
"""Homes that one account creates (section 8.18)."""

BALANCES_MAX = 1_024
"""Accounts that genesis may give a balance (section 8.1)."""

WEIGHT_MAX = 1 << 31
"""The largest weight of one seat (section 8.1)."""

GENESIS_AMOUNT_MAX = 1 << 62
"""The largest balance that genesis gives, in drops (section 8.1)."""

SUPPLY_LIMIT = 1 << 63
"""All balances of genesis add up to less than this, in drops (section 8.1)."""

# Vertices.

VERTEX_ID_BYTES = 32
"""tag(8) | seq(4) | digest(20) (section 8.2)."""

TAG_BYTES = 8
"""The part of an id that names the issuer (section 8.2)."""

POSITION_BYTES = 12
"""The part of an id that names the issuer and the seq; an entry of a cert (section 8.2)."""

SEQ_LIMIT = 1 << 32
"""Every seq is below this (section 8.3.1)."""

AMOUNT_LIMIT = 1 << 64
"""Every amount, balance and total is below this, in drops (sections 8.3.1 and 8.3.17)."""

BODY_BYTES_MAX = 1_024
"""The largest body of an ordinary vertex, in bytes (section 8.3.2)."""

VALIDATOR_BODY_BYTES_MAX = 8_192
"""The largest body of a validator vertex, in bytes (section 8.3.2)."""

VERTEX_BYTES_MAX = VALIDATOR_BODY_BYTES_MAX + 70
"""The largest vertex on the wire: the body's and the signature's headers, and 64 bytes."""

PARENTS_MAX = 8
"""Parents of an ordinary vertex (section 8.3.6)."""

VALIDATOR_PARENTS_MAX = 32
"""Parents of a validator vertex (section 8.3.6)."""

CLAIMS_MAX = 16
"""Claims of one vertex (section 8.3.8)."""

OPERATIONS_MAX = 16
"""Operations of one vertex (section 8.3.9)."""

# Issuing and admission.

TIPS_NAMED = 2
"""Tips that an ordinary vertex names as parents (section 8.6)."""

TIPS_DRAWN_FROM = 64
"""The oldest tips among which all but the first are drawn (section 8.6)."""

VALIDATOR_INTERVAL_S = 0.08
"""A validator with duties issues one vertex in this time, in seconds (section 8.6)."""

HEARTBEAT_INTERVAL_S = 60.0
"""A validator without duties issues one vertex in this time, in seconds (section 8.6)."""

HEARTBEAT_WINDOW = 32
"""Own vertices not yet final beyond which heartbeats stop (section 8.6)."""

ACKNOWLEDGED_IN_PASSING = 8
"""Positions beyond the last entry after which a chain is acknowledged unasked (section 8.6)."""

CERT_ENTRIES_MAX = 256
"""Entries in one cert that a validator writes (section 8.6)."""

ASKED_REACH = 8
"""How many windows beyond the last final vertex answers are taken (section 8.6).

Two pages of one issuer, for the second is read while the first is worked in."""

WINDOW = 64
"""Positions beyond an issuer's last final vertex that are taken unasked (section 8.6)."""

SEAT_WINDOW = 1_024
"""The same for an issuer with a seat (section 8.6)."""

CONTENDERS_MAX = 2
"""Contenders of one slot that are taken unasked (section 8.6)."""

EQUIVOCATION_PROOF_BYTES = 224
"""issuer(32) | id(32) | signature(64) | id(32) | signature(64) (section 8.10)."""

STRANGE_FORKERS_MAX = 4_096
"""Proofs kept of issuers of whom nothing else is held (section 8.10)."""

# Gossip and sync.

PUSH_PEERS_MAX = 8
"""How many neighbours a new vertex is pushed to (section 8.7)."""

FED_BY_OTHERS_MIN = 2
"""Needless pushes of one issuer's vertices by a neighbour after which it is sent none of them."""

FED_PUSHED_SHARE = 1 / 16
"""The share of an issuer's vertices that is sent to a neighbour all the same that gets them."""

FORWARD_DELAY_S = 0.05
"""Within how long vertices of others are passed on: who sends them here meanwhile has them."""

FRONTIER_INTERVAL_S = 2.0
"""How often a neighbour is asked for what changed at its side, in seconds (section 8.7)."""

FRONTIER_JITTER = 0.25
"""The share of the interval that is drawn at random, so that neighbours do not ask in step."""

FRONTIER_ENTRIES_MAX = 16_384
"""Entries in one frontier message, and differences remembered of one peer (section 8.7)."""

DIFFERENCES_MAX = 65_536
"""Differences remembered of all peers, but 1,024 of each in any case (section 8.23)."""

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

FORK_WINDOW_SHIFT = 3
"""By how many binary digits that reach grows each time the difference stays."""

PARKED_MAX = 4_096
"""Vertices whose parents are not here yet (section 8.7)."""

PARKED_PER_PARENT_MAX = 64
"""Parked vertices that may wait for one missing parent (section 8.7).

Everyone references a validator's vertices, so one that comes a little late has many waiting."""

PARKED_PER_PEER_MAX = 1_024
"""Parked vertices that one peer may have sent (section 8.7)."""

PARKED_BYTES_MAX = 8 * 1_048_576
"""Bytes of the bodies of all parked vertices (section 8.7)."""

PARKED_PER_PEER_BYTES_MAX = 2 * 1_048_576
"""Bytes of the bodies of the parked vertices that one peer may have sent (section 8.7)."""

PARENT_ASKS_MAX = 3
"""How often a missing parent is asked for before its waiting vertices are left to the sync."""

CHECKED_BEFORE_CUT = 1_000
"""Vertices of a peer after which its share of invalid ones is judged (section 8.7)."""

INVALID_PER_THOUSAND_MAX = 10
"""Invalid vertices in a thousand beyond which a peer is cut off (section 8.7)."""

FRONTIER_RESET_EVERY = 32
"""Exchanges after which a neighbour is told everything again, whatever was lost on the way."""

PARENTS_WANTED_MAX = 4_096
"""Missing parents that are being asked for."""

PROOFS_REMEMBERED_MAX = 4_096
"""Issuers whose proof of a fork has been passed on already."""

# Storage.

OWN_LOG_APPEND_BYTES_MAX = 65_536
"""The most bytes that one append to the own log writes; a torn tail is never longer."""

OWN_LOG_SHORTEN_BYTES = 1 << 20
"""The own log is not shortened before it is as long as this, or twice what was needed last time.

So in the long run each byte of it is copied once at most (section 8.8)."""

STORE_BATCH_VERTICES = 256
"""Vertices written to SQLite in one transaction (section 8.8)."""

STORE_BATCH_S = 0.05
"""How long a vertex waits for a fuller batch, in seconds (section 8.8)."""

STORE_WAITING_MAX = 65_536
"""Vertices accepted but not yet written; beyond it no more are accepted until there is room."""

STORE_WAITING_BYTES_MAX = 32 * 1_048_576
"""The same in bytes on the wire (section 8.23)."""

DISK_RETRY_S = 5.0
"""How long after a full disk the next write is tried, in seconds."""

# The service.

VERIFY_BATCH = 128
"""Signatures checked in one hand-over, and vertices inserted before others get their turn."""

VERIFY_BATCHES_WAITING_MAX = 3
"""Batches whose signatures are being checked, or were and which wait to be inserted."""

VERIFY_IDLE_S = 10.0
"""How long the process that checks signatures is kept when no full batch comes, in seconds."""

VERIFY_RETRY_S = 60.0
"""How long after the loss of that process the next is started, in seconds."""

INVALID_WAITING_MAX = 1_024
"""Vertices of a wrong form that are remembered to be counted against their peers.

Eleven of them are enough to end the channel of the peer that sent them (section 8.7)."""

VERIFY_INLINE_MAX = 3
"""Signatures that are checked at once: handing so few to a thread would take longer."""

RECENT_MAX = 16_384
"""Vertices that are known again without being decoded when a neighbour pushes them once more."""

SIGNATURE_COST = 1_024
"""What checking a signature costs, in bytes that could be worked on instead (section 8.23)."""

ARRIVALS_COST_MAX = 8 * 1_048_576
"""What waits for its signatures to be checked, in bytes and ``SIGNATURE_COST`` (section 8.23)."""

ARRIVALS_IN_ORDER = 1_048_576
"""How much of that is served in the order in which it came, before turns decide (section 8.23).

About 800 vertices.  Turns let vertices overtake what they stand on, and each of those is looked at
twice: that costs everyone more than an order in which nobody waits for a quarter of a second."""

FAIR_QUANTUM = 10_240
"""What may be spent in one turn with a share of one; more than any vertex costs (section 8.23)."""

OUTBOUND_COST_MAX = 524_288
"""Vertices of others that wait to be sent to one neighbour, in bytes (section 8.23)."""

SEAT_SHARE = 4
"""The share of the turns of a seat's node and vertices; others have one (section 8.23)."""

CLAIM_WAIT_S = 0.5
"""How long a received payment waits for others before it is claimed, in seconds."""

CLAIM_RETRY_S = 1.0
"""How long after a refusal claiming is tried again, in seconds."""

HEAD_ASK_INTERVAL_S = 2.0
"""How often a seat that has not answered is asked again for the own head, in seconds."""

ANSWERS_AT_ONCE_MAX = 4
"""Pages and frontiers that are in memory for a peer at a time, whether or not it reads them."""

RANGE_STREAMS_SERVED_MAX = 16
"""Streams of ranges that are answered at the same time, one to a peer."""

REPLAY_PAUSE_VERTICES = 64
"""Vertices read back at the start between two chances for other coroutines."""

EVENTS_WAITING_MAX = 1_024
"""Events that wait for one slow subscriber; beyond it the oldest are dropped."""

PAYMENTS_LISTED_MAX = 1_000
"""The most payments that one listing returns."""

FORKED_LISTED_MAX = 64
"""The most forkers that the statistics name."""

# Objects.

OBJECT_LIST_MAX = 8
"""Entries of any list in an object's terms or in an action on it (section 8.12.1)."""

ARBITERS_MAX = 3
"""Arbiters of one escrow (section 8.14)."""

BEATS_MAX = (1 << 32) - 1
"""The longest time that an object's terms name, in beats (section 8.12.1)."""

PARTS = 1_000_000
"""An escrow's split is in parts per million (section 8.14)."""

LABEL_BYTES_MAX = 32
"""The longest label of an anchor, in bytes (section 8.16)."""

PAYEES_MAX = 16
"""Others than the provider whom one settlement pays (section 8.13.4)."""

SETTLEMENTS_MAX = 4
"""How often one account may settle one object, until one of them counts (section 8.12.8)."""

OPENING_BYTES_A_DROP = 100
"""Bytes of an opening for which it puts in a drop, the last of them begun (section 8.12.11)."""

STATEMENT_BYTES_MAX = 1_024
"""The largest voucher, verdict or statement of a watch, in bytes (sections 8.13 to 8.15)."""

STRANGER_WORK_BITS = 16
"""Work that a stranger's vertex has to show at least, in bits (section 8.20)."""

STRANGER_WORK_BITS_MAX = 28
"""Work that is asked for at most, in bits (section 8.20)."""

STRANGER_STEP = 64
"""From so many chains of strangers on, a bit more is asked for, and again at each doubling."""

STRANGER_MARGIN_BITS = 2
"""An own vertex shows so much more than asked for here: others may hold more strangers."""

BEAT_INTERVAL_MIN_S = 1.0
"""A beat is not said sooner than this after the last vertex, in seconds (section 8.17)."""

BEAT_INTERVAL_S = 5.0
"""A validator issues one vertex in this time while a beat is waited for (section 8.17)."""

# Checkpoints.

CHECKPOINT_VERTICES_MAX = 8_192
"""Vertices that one checkpoint covers beyond the one before (section 8.21)."""

CHECKPOINT_DEAD_MAX = 1_024
"""Vertices that one checkpoint lists as lost (section 8.21)."""

CHECKPOINT_BYTES_MAX = 327_680
"""The largest body of a checkpoint, in bytes (section 8.21)."""

TRAIL_MAX = 262_144
"""Names of pruned vertices that are remembered, 20 bytes each (section 8.21)."""

CHECKPOINT_HEADS_MAX = 8_192
"""Chains of which one checkpoint covers more (section 8.21)."""

CHECKPOINT_INTERVAL_S = 60.0
"""How long after a checkpoint the next is due, in seconds (section 8.21)."""

CHECKPOINT_VERTICES = 5_000
"""Final vertices beyond a checkpoint after which the next is due at once (section 8.21)."""

CHECKPOINT_TURN_S = 15.0
"""How long each seat has for a checkpoint before it is the next one's turn (section 8.21)."""

CHECKPOINT_RETRY_S = 1.0
"""How often a checkpoint is looked at again that is not final here yet, in seconds."""

CHECKPOINTS_OF_SEAT_MAX = 4
"""Checkpoints at one height that are kept of one seat (section 8.21)."""

CHECKPOINTS_KEPT = 64
"""Checkpoints below the floor whose names are kept on disk (section 8.21)."""

STATE_PAGE_RECORDS_MAX = 4_096
"""Records in one answer (section 8.21)."""

STATE_PAGE_BYTES_MAX = 262_144
"""Encoded bytes of the records in one answer (section 8.21)."""

STATE_RECORDS_MAX = 1 << 22
"""Records of a state that a node takes from others."""

RECORD_BYTES_MAX = 2_048
"""The largest record of a state, in bytes (section 8.21)."""

SNAPSHOT_PEERS = 3
"""Peers that are asked for the newest checkpoint before one is taken (section 8.22)."""

SNAPSHOT_PATIENCE_S = 30.0
"""How long what is missing may be on its way before a state is taken in its place, in seconds."""

# The change of an epoch (section 8.19).

ATTEMPT_FIRST_S = 2.0
"""How long each step of the first attempt to agree is waited for, in seconds; then it doubles."""

ATTEMPT_S_MAX = 256.0
"""It doubles up to this, in seconds."""

ATTEMPTS_MAX = 1_024
"""Attempts to agree; messages of later ones are ignored."""

ATTEMPT_SAYINGS_MAX = 16
"""How many different things a member is heard to say in one step of one attempt."""

HASH_BYTES = 32
"""Every hash of objects and trees (sections 8.12 to 8.16)."""

PATH_HASHES_MAX = 64
"""The longest path in a tree, in hashes (section 8.16)."""

SETTLING_MAX = 8
"""Settling vertices that the state of a checkpoint names of one object (section 8.21)."""

COMMITTEE_PROOF_BYTES_MAX = 327_680
"""What shows the seats of one epoch: at most 33 vertices (section 8.22)."""

EPOCHS_MAX = (1 << 32) - 1
"""The largest epoch (section 8.19)."""
