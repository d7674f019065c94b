"""Every bound of the agent package, with its unit; those that SPEC.md fixes cite the section."""

# The shells: files, and the control socket that the command line uses.

CONFIG_BYTES_MAX = 1024 * 1024
"""The largest configuration file that is read at all."""

CONTROL_FRAME_BYTES_MAX = 1024 * 1024
"""The largest frame on the control socket; whatever may be longer moves in chunks."""

CONTROL_CHUNK_BYTES = 64 * 1024
"""How many bytes of a blob travel in one frame on the control socket."""

CONTROL_BLOBS_MAX = 4_096
"""Blobs of at most a chunk each that are handed over in one frame on the control socket."""

CONTROL_BLOBS_BYTES_MAX = 512 * 1024
"""How many bytes such blobs have together; with what stands between them they fit into a frame."""

CONTROL_RUNS_MAX = 256
"""Results of runs in one frame on the control socket."""

ATTEMPTS_TOLD_MAX = 16
"""Of the agreements on a run so many, the last, are told of: with the results they fit a frame."""

CONTROL_CLIENTS_MAX = 32
"""Connections to the control socket at the same time; a further one is refused."""

CONTROL_IDLE_S = 600
"""How long a client of the control socket may stay connected without asking anything."""

CONTROL_REQUEST_S = 30
"""How long a client of the control socket may take for the rest of a frame it has begun."""

CONTROL_WAIT_S_MAX = 3_600
"""The longest that a client may have the agent wait for a payment to be final, in seconds."""

CONTROL_SEND_S = 60
"""How long a client of the control socket may leave an answer unread before it is dropped."""

UNIX_SOCKET_PATH_BYTES_MAX = 107
"""The longest path of a Unix socket on Linux, without its closing zero."""

# The market: what its objects may say (SPEC.md section 9).

PRICE_MAX = 10**12
"""Drops for a gigafuel, and for the start of a run (section 9)."""

RUN_FUEL_MAX = (1 << 42) - 1
"""Fuel of one run (section 9)."""

VERIFIER_FUEL_MAX = 100_000_000_000
"""Fuel that a verifier may use for one output, unless the configuration says otherwise (9.6)."""

RUN_MEMORY_BYTES_MIN = 65_536
"""One page: the least memory that an order may allow (section 9.2)."""

RUN_MEMORY_BYTES_MAX = 268_435_456
"""WebAssembly memory of one run (section 9)."""

RUN_DATA_BYTES_MAX = 67_108_864
"""Input or output of one run: the largest blob (section 9)."""

RUN_MS_MAX = 3_600_000
"""Milliseconds from agreement to result, and until a run begins (sections 9.2 and 9.3)."""

DROPS_MAX = 1 << 62
"""The largest amount of money in the market's objects (section 9.1)."""

OFFER_BODY_BYTES_MAX = 4_096
"""Section 9.1."""

OFFER_VALID_S_MAX = 3_600
"""How long an offer may hold (section 9.1)."""

OFFER_SPEED_MAX = 10**12
"""Fuel a second that an offer may claim (section 9.1)."""

OFFER_SLOTS_MAX = 4_096
"""Runs at once that an offer may claim (section 9.1)."""

OFFER_FEATURES_MAX = 16
"""Features named in an offer (section 9.1)."""

OFFER_FEATURE_BYTES_MAX = 32
"""Bytes of one feature's name (section 9.1)."""

OFFER_PACKAGES_MAX = 64
"""Cached packages named in an offer (section 9.1)."""

ORDER_BODY_BYTES_MAX = 65_536
"""Section 9.2."""

ORDER_TEXTS_MAX = 64
"""Arguments of an order, and variables of its environment (section 9.2)."""

SALT_BYTES = 16
"""Random bytes that make each order its own (section 9.2)."""

WEIGHTS_VERSION = 1
"""The fuel table that runs are metered by (sections 7.5 and 9.2)."""

QUORUM_VOICES_MIN = 2
QUORUM_VOICES_MAX = 7
"""Different providers that must agree (section 9.2)."""

PARTS_PER_MILLION = 1_000_000
"""Certainty, where a probability is an integer (section 9.2)."""

BID_BODY_BYTES_MAX = 1_024
"""Section 9.3."""

BID_VALID_MS_MAX = 60_000
"""How long a bid may hold (section 9.3)."""

BID_REASONS_MAX = 8
"""Reason codes in one declined bid (section 9.3)."""

REASON_BYTES_MAX = 32
"""Bytes of one reason code (section 9.7)."""

AGREEMENT_BODY_BYTES_MAX = 256
"""Section 9.4."""

TICK_BODY_BYTES_MAX = 256
"""What a provider states of work under way (section 9.5)."""

LOT_RUNS_MAX = 256
"""Runs that are bought with one order (section 9)."""

RUN_BODY_BYTES_MAX = 655_360
"""The body that opens a lot's stream (section 9.5)."""

EVIDENCE_RECEIPTS_MAX = 8
"""Old receipts that come with results that are served again (section 9.5, *Reuse*)."""

KEPT_RESULTS_MAX = 16_384
"""Results that a provider keeps to serve them again, and of lots not paid yet."""

KEPT_RESULTS_BYTES_MAX = 32 * 1024 * 1024
"""What receipts and outputs of these may take in memory."""

RUN_ITEM_BYTES_MAX = 655_360
"""One item of a lot's stream (section 9.5)."""

INLINE_BYTES_MAX = 32_768
"""Input or output that rides in the message itself (section 9.5)."""

INLINE_SUM_BYTES_MAX = 524_288
"""All inputs, or all outputs, that ride in one message (section 9.5)."""

LOT_FUEL = 100_000_000
"""What a lot of small runs is made to use, a tenth of a second of a usual machine: a lie or a lost
provider costs no more than that, and a signature next to nothing."""

LOT_FUEL_MIN = LOT_FUEL // 8
"""A lot is made no smaller for the sake of more of them at once: signing it would cost more than
what others could do of it meanwhile."""

PROVIDERS_WANTED_MAX = 16
"""Providers to whom a job keeps a payment channel."""

CHANNELS_OPEN_MAX = 64
"""Providers to whom this agent keeps a payment channel."""

CHANNEL_RETRY_S = 5.0
"""How long after the ledger refused to open or top up a channel it is tried again."""

INCOMING_WAIT_S = 5.0
"""How long a job that the wallet cannot pay waits for payments that are not final, in seconds."""

DEPOSIT_PARTS = 8
"""A channel takes at most one of so many parts of what wallet and channels have together."""

CHANNEL_IDLE_S = 3_600.0
"""After so long without a lot of its requestor a provider closes the channel (section 9.6)."""

PROVIDER_ABSENT_S = 600.0
"""After so long without its provider a channel that no job wants is reclaimed: far longer than a
restart takes, and whoever comes back later has the channel's beats to show its vouchers in."""

CHANNELS_LOOK_S = 60.0
"""How often the ledger is asked for all own channels, whatever news came meanwhile."""

STAKE_MIN = 1_000
"""Drops of the smallest stake that this agent opens: the watch's reward has to be worth a look."""

STAKE_WATCH_MAX = 8
"""Accounts that watch over a stake (section 8.15)."""

WATCH_MISSING_MAX = 1
"""Members that a watch may lack for its stake to count: seats change (section 9.9)."""

STAKE_REWARD_PPM = 100_000
"""What the watch gets of a seized stake that this agent opens, in parts per million."""

STAKE_BEATS = 3_600
"""Seconds that a stake of this agent stays after it is asked back (section 9.9)."""

STAKE_BEATS_MIN = 600
"""Seconds that a stake has to stay after it is asked back, for others to count on it (9.9)."""

STAKE_BEATS_BY_OTHERS_MIN = 1_800
"""The same where others alone can tell: for two proofs and the pause between them (9.9)."""

DISPUTE_BODY_BYTES_MAX = 128
"""A question about a proof (section 9.10)."""

FINDING_BODY_BYTES_MAX = 256
"""The answer."""

DISPUTE_WALL_S_MAX = 600.0
"""Seconds that a member of a watch repeats a run for."""

DISPUTE_ANSWER_S = 700.0
"""Seconds until a member that was asked counts as silent."""

DISPUTE_RETRY_S = 10.0
"""Seconds until a member that could not tell is asked again."""

DISPUTE_LASTS_S = 3_600.0
"""Seconds after which a dispute is given up that too few members answered, or whose proof the
ledger did not take (section 9.10)."""

SEIZE_RETRY_S_MAX = 640.0
"""The most seconds between two attempts to have a stake seized, which begin
``DISPUTE_RETRY_S`` apart and double."""

PROOFS_WAITING_MAX = 8
"""Proofs that wait at a member, beside the one that it looks at."""

PROOFS_OF_PEER_MAX = 2
"""Proofs of one peer, at a member."""

VAIN_PROOF_PAUSE_S = 600.0
"""Seconds that a peer is not listened to whose proof was refused, or of which two have failed."""

PEERS_PAUSED_MAX = 1_024
"""Peers that are not listened to; beyond that the oldest is forgiven."""

FINDINGS_KEPT_MAX = 1_024
"""Findings that a member remembers."""

TRACE_ANSWER_S = 10.0
"""How long a provider may take to show the trace behind a receipt."""

STATE_ANSWER_S = 10.0
"""How long a provider may take to state where its run was at one position."""

STATE_QUESTIONS_MAX = 64
"""Questions about the states of one result that a provider answers: to halve 2⁴⁰ takes 40."""

HANDED_STATES_MAX = 256
"""States handed out of one run that its provider knows the names of afterwards."""

TRACES_KEPT = 64
"""Results of step tasks whose traces a provider keeps."""

TRACES_BYTES_MAX = 8 * 1024 * 1024
"""Their roots together, in bytes."""

OWN_STEP_RUN_PARTS = 16
"""A run of a step task is done here in about so many parts, with its states between them kept."""

OWN_STEP_RUNS_KEPT = 8
"""Runs of which states are kept."""

OWN_STATES_BYTES_MAX = 32 * 1024 * 1024
"""All states kept together, in bytes."""

DISPUTE_LOOK_S = 0.25
"""How often a disputed stake is looked at."""

DISPUTES_AT_ONCE_MAX = 64
"""Own disputes under way, each about another stake; further liars keep theirs."""

CHARGES_MAX = 256
"""Results that wait to be brought before a watch, where nothing can be run."""

STAKE_SHARES_KEPT_S = 1.0
"""How long it is thought to hold who has how much in channels to a provider (section 9.9)."""

STAKES_RELIED_ON_MAX = 1_024
"""Providers whose stakes are remembered after an agreement; beyond that the oldest is forgotten."""

STAKE_LOOK_S = 5.0
"""How often a provider looks after its stake, whatever news came meanwhile."""

CLOSE_WAIT_S = 10.0
"""How long a provider may take to answer that it closes a channel (section 9.6)."""

CHANNEL_LANES = 8
"""Lanes of the payment channels that this agent opens (section 8.13)."""

LANE_SHARES_MAX = 8
"""Authors in the split of one voucher (section 8.13)."""

CHANNEL_SHARES_MAX = 16
"""Authors in all splits of a channel (section 8.13)."""

SETTLEMENT_BODY_BYTES_MAX = 65_536
"""Section 9.6."""

CLOSE_BODY_BYTES_MAX = 64
"""The body of a request to close a channel (section 9.6)."""

SETTLEMENT_AGREEMENTS_MAX = 512
"""Agreements accepted, and refused, in one settlement (section 9.6)."""

JOURNAL_PAGE_RUNS_MAX = 1_000
"""How many runs are listed at once."""

MEBIBYTE = 1024 * 1024
"""Bytes; the configuration counts memory and disk in these."""

GENESIS_FILE_BYTES_MAX = 64 * 1024 + 1
"""How much of a genesis file is read: one byte more than section 8.1 allows."""

# The market: how this agent buys.

JOB_RUNS_MAX = 100_000
"""Runs of one job."""

JOBS_KEPT_MAX = 256
"""Jobs that an agent keeps over its restarts, those that have ended included (section 9.11)."""

JOB_KEPT_S = 7 * 86_400
"""How long a job that has ended, and its outputs, are kept unless somebody forgets it."""

KEPT_JOB_BYTES_MAX = 1 << 20
"""What is kept of a job besides its fragments."""

JOB_PATIENCE_MS_MAX = 1 << 32
"""The longest time to wait for a provider that is read back, in milliseconds."""

JOB_ROUNDS_MAX = 20
"""How often a kept job orders anew, in one life of its agent, what was begun and gave no result."""

JOB_RETRY_S = 15.0
"""How long it waits before each of these, and before it looks again for somebody to order from."""

JOB_RETRY_S_MAX = 120.0
"""The longest of these pauses: they double while no fragment gets done."""

LOTS_AT_ONCE_MAX = 256
"""Lots of one job that may be under way at the same time."""

AUDITORS_MAX = 7
"""Others that confirm one claim where they alone can tell; of a claim that needs more none is."""

ATTEMPTS_MAX = 32
"""Agreements that may be made for one run, those for checking included."""

PATIENCE_S_MAX = 86_400.0
"""How long a job may be told to wait for a provider."""

RUN_NAME_BYTES_MAX = 255
"""What people call a run's input: the longest name of a file."""

PROVIDERS_ASKED_MAX = 5
"""Providers that get the same order at the same time (section 9.3)."""

BIDS_ENOUGH = 4
"""So many bids end an auction before its window does."""

BID_WINDOW_S = 0.1
"""How long bids are collected once there is one (section 9.3)."""

BID_WAIT_S = 2.0
"""How long the first bid of an auction is waited for."""

AGREEMENT_WAIT_S = 5.0
"""How long a provider may take to sign the agreement."""

RESULT_GRACE_S = 5.0
"""How much later than ``run_ms_max`` a result may arrive: the way of its bytes."""

NONCE_BYTES = 32
"""Random bytes that hide what a commitment binds to (section 9.6)."""

COMMITMENT_BYTES = 32
"""What a member of a quorum shows before its receipt (section 9.6)."""

REVEAL_BODY_BYTES_MAX = 64
"""Body of ``market.reveal``, in bytes (section 9.6)."""

REVEAL_WAIT_EXTRA_S = 60.0
"""Seconds beyond ``run_ms_max`` for which a provider keeps a receipt that nobody asks for."""

LOTS_COMMITTED_MAX = 128
"""Lots that wait to be revealed beside those that wait for a slot, each with 512 KiB at most."""

PLACEMENT_RETRY_S = 0.25
"""The first pause before an order that nobody took is sent again; it doubles."""

PLACEMENT_RETRY_S_MAX = 2.0
"""The longest of those pauses."""

BUSY_RETRY_S = 0.5
"""How long a provider that said ``busy`` is left alone, unless a run of ours ends there."""

BEATEN_BY = 2
"""So many times cheaper must another provider be for a run under way to move to it."""

MOVES_FOR_PRICE_MAX = 3
"""How often one lot moves for a better price: offers bind nobody, and names cost nothing."""

HASTE_PPM_PER_S = 100_000
"""What a second of waiting counts in the choice of a bid, in parts per million of its price."""

GOODPUT_GUESS_BYTES_PER_S = 10_000_000
"""What moves to and from a peer of which nothing is known, bytes a second: a busy LAN."""

GOODPUT_MIN_BYTES_PER_S = 1_000
GOODPUT_MAX_BYTES_PER_S = 10**10
"""What is believed of a transfer, bytes a second."""

GOODPUT_BYTES_MIN = 65_536
"""A transfer of fewer bytes says more of the way's delay than of its rate."""

GOODPUT_SMOOTHING = 8
"""Transfers over which a rate is averaged."""

GOODPUT_PEERS_MAX = 1_024
"""Peers whose rates are remembered; beyond that those of long ago are forgotten."""

HOLDINGS_MAX = 4_096
"""Pairs of a peer and a blob that it has; beyond that those of long ago are forgotten."""

CONFIRMED_MAX = 1_000_000
"""Results in a row that are counted of a provider: at that, chance alone hardly ever audits."""

REPUTATION_HALF_LIFE_S = 30 * 86_400
"""After so long without a further confirmed result half of the count is left."""

DISTRUST_S = 86_400
"""For so long a provider that was caught comes after all others, in other jobs too."""

REPUTATIONS_MAX = 10_000
"""Pairs of a provider and a package that have a record; beyond that the oldest are forgotten."""

PAYMENT_AGE_S = 0.05
"""How long a bill may stay unpaid while its job goes on (section 9.6)."""

SETTLEMENT_RETRY_S = 5.0
"""How long after a settlement that was not answered it is sent again (section 9.6)."""

# The market: how this agent sells.

BID_VALID_MS = 5_000
"""How long this agent's bids hold (section 9.3)."""

CREDIT_PARTS = 10
"""A newcomer may owe one of so many parts of the credit in an offer; who has paid, one of so many
parts of that besides (section 9.6): so one that pays to be trusted loses more than it can win."""

BIDS_OF_A_REQUESTOR_MAX = 256
"""Bids to one requestor that may still become agreements; the oldest are forgotten first."""

AGREEMENTS_REMEMBERED_MAX = 65_536
"""Agreements of this life that would be noticed when they came again (section 9.4)."""

FETCH_WAIT_S = 60.0
"""How long package and input of a run may take to arrive, within the run's own time."""

OUTPUT_KEPT_S = 600.0
"""How long an output stays for its requestor (section 9.5)."""

OFFER_VALID_S = 60
"""How long this agent's offers hold (section 9.1)."""

OFFER_INTERVAL_S = 1.0
"""The least time between two offers of this agent (section 9.1)."""

TICK_MS = 200
"""How long the work of a tick takes, as measured: the most that either side can lose (9.4)."""

TICK_WAIT_S = 10.0
"""How long a provider waits for a voucher before it ends the lot (section 9.5)."""

TICK_FUEL_MAX = 4 * 10**9
"""The largest tick that a requestor takes, in fuel: 0.2 s of the fastest that it believes in."""

PACE_FUEL_PER_S = 20 * 10**9
"""Nobody is believed to work faster on one lot: what is stated sooner is paid later (9.5)."""

ADVANCE_PARTS = 8
"""Strangers hold one of so many parts of what a requestor owns, at most, for what they have not
shown (section 9.6)."""

ADVANCE_TRUST_PARTS = 2
"""Who has earned by results may hold one of so many parts of that besides."""

ADVANCE_HOURS = 24
"""How long what strangers kept for nothing makes that part smaller."""

ADVANCE_LOST_PARTS = 20
"""Once that is more than one of so many parts of what results have cost, strangers are tried one
by one, and only where nobody fits that has earned something."""

ADVANCE_RETRY_S = 0.1
"""How often to look whether a statement can be paid that could not be."""

ADVANCES_KNOWN_MAX = 4_096
"""Providers whose earnings count so; whoever has earned nothing for longest is forgotten first."""

CHECKPOINT_INTERVAL_S = 0.1
"""The least time between two states that a provider hands out of one run (section 9.5)."""

CHECKPOINT_BYTES_PER_S = 4 * 1024 * 1024
"""How much of the states of one run a provider hands out in a second, in bytes."""

CHECKPOINT_WAIT_S = 5.0
"""How long a requestor waits for a state that is on its way when the run's provider stops."""

TICK_INTERVAL_S = 0.025
"""The least time between two statements of one lot (section 9.5)."""

TICKS_PER_S_MAX = 40
"""Statements that a provider may send in a second about one lot (section 9.5)."""

TICKS_BURST_MAX = 100
"""Statements beyond that which are borne: those that a channel held up and gave all at once."""

SPEED_GUESS_FUEL_PER_S = 500_000_000
"""What an offer claims before the first run has been measured."""

SPEED_SMOOTHING = 8
"""The measured speed moves by one part of so many with each run."""

# The market: what is remembered.

JOURNAL_FLUSH_S = 0.5
"""How long an entry of the journal may wait in memory: memory cards wear with each write."""

JOURNAL_RETRY_S = 5.0
"""The pause after the journal could not be written."""

JOURNAL_BUFFER_MAX = 200_000
"""Entries that wait in memory, in the end because the disk is full."""

JOURNAL_RESERVE_PART = 4
"""One in so many places is for what must not be lost, vouchers say, and for nothing else."""

JOURNAL_RUNS_MAX = 100_000
"""Own runs whose story is kept; the oldest are forgotten when the agent starts."""

JOURNAL_PRUNE_S = 3_600.0
"""How often the oldest of what others can make this agent remember is forgotten."""

REQUESTORS_MAX = 10_000
"""Requestors with an account of their own; beyond that those of long ago are counted together."""

PROVIDERS_MAX = 10_000
"""Providers with a standing of their own; beyond that those of long ago are counted together."""

DUES_MAX = 100_000
"""Bills that are neither paid nor refused; beyond that the oldest count as refused."""

PAID_REMEMBERED_MAX = 16_384
"""Bills that are known to be paid when a settlement comes again."""

DUE_KEPT_S = 86_400
"""How long such a bill waits before it counts as refused (section 9.6)."""

GRUDGE_HALF_LIFE_S = 86_400
"""After so long half of what was refused, and not made up for, is forgotten (section 9.6)."""

STORY_LINES_MAX = 1_500
"""Sentences of one run's story that are told; it fits into a frame of the control socket."""

JOURNAL_LIST_MAX = 1_000
"""Own runs in one list."""

# The market: waits and queues of its shells.

EVENTS_WAITING_MAX = 1_000
"""Events that wait for one machine; whoever has one more waits with it."""

SETTLEMENT_WAIT_S = 5.0
"""How long a provider may take to answer a settlement (section 9.6)."""

OWN_RUNS_AT_ONCE = 2
"""Lots that are checked in the own sandbox at the same time."""

STREAM_WAIT_EXTRA_S = 15.0
"""What the call's own deadline allows beyond ``run_ms_max``: to agree, and for the result."""

PACKAGES_OPEN_MAX = 8
"""Packages that are kept opened: each was decoded whole."""

# The demonstration.

DEMO_SEATS = 4
"""Agents that hold a seat: three of them are the quorum, so one may be killed."""

DEMO_SUPPLY = 1_000_000_000
"""Drops in the network of a demonstration."""

DEMO_GRANT = 20_000
"""Drops that each provider of the demonstration begins with; half of it becomes its stake."""

DEMO_DISPUTE_S = 60.0
"""How long the demonstration waits for its disputes to be over."""

DEMO_LIE_PPM = 400_000
"""Results that the liar of a demonstration falsifies, in parts per million."""

DEMO_TILE_FUEL_MAX = 90_000_000_000
"""Fuel that a tile of the demonstration's picture may use; its liar takes no larger run."""

DEMO_GENERATIONS = 26_000
"""Length of the demonstration's long calculation: about 6 gigafuel, at least 1.5 s of work."""

DEMO_GATHER_S = 30.0
"""How long the agents of a demonstration may take to start and find each other."""

DEMO_SETTLE_S = 30.0
"""How long its last payments may take to be final on every live agent."""

DEMO_STOP_S = 10.0
"""How long an agent of a demonstration may take to stop before it is killed."""

DEMO_POLL_S = 0.05
"""How often its agents are asked whether something has come to pass."""

PAYMENT_WAIT_S = 30.0
"""How long the end of a job waits for its last payments before it says what is still unpaid."""

RUN_ID_BYTES = 16
"""What names a run, and a job, on this agent."""

RUN_ITEMS_WAITING_MAX = 8
"""Items of a run's stream that wait for their reader; progress beyond that is left out."""

RUN_MS_GUESS = 1_000
"""How long a run is thought to take before the first one was measured."""

# Authors of tasks.

TASK_MANIFEST_BYTES_MAX = 65_536
"""The largest fogtask.toml, in bytes."""

AUTHOR_TESTS_MAX = 256
"""Tests of one task."""

PUBLISHED_MAX = 256
"""Packages that one agent keeps for its neighbours until they are withdrawn."""

TASK_FILE_BYTES_MAX = 4 * MEBIBYTE + 65_536
"""The largest package file (SPEC.md section 7.1), and so the largest file that may be a task."""

PROOF_FILE_BYTES_MAX = TASK_FILE_BYTES_MAX + 64 * MEBIBYTE + 65_536 + 524_288
"""The largest file that may be a proof of a wrong result (SPEC.md section 7.12)."""

PACKAGE_FETCH_S = 20.0
"""How long a package named by its id may take to come from the neighbours, in seconds."""

GARBAGE_THRESHOLDS = (5_000, 10, 100)
"""How rarely Python looks for cycles of garbage in the agent's process (``gc.set_threshold``).

The ledger's vertices are many, live long and form no cycles: looking through them as often as by
default took a sixth of the time of taking them in."""

STEPS_PER_CHECKPOINT = 1_024
"""Steps from one checkpoint of a step task to the next, when its requestor does not say: up to 67
million steps in all (SPEC.md section 7.8)."""

AFFORDABLE_FUEL_MIN = 1_000_000
"""With drops for less fuel than this a run is ordered as configured, and refused for want of money.
"""

# Offers that are passed on (SPEC.md section 9.1).

OFFER_HOPS_MAX = 3
"""How far from its provider an offer gets, in channels besides the first."""

OFFERS_TOLD_TOGETHER_MAX = 8
"""Offers in one message."""

HEARD_OFFERS_BODY_BYTES_MAX = 65_536
"""The longest such message."""

HEARD_OFFERS_MAX = 1_024
"""Providers that are remembered from offers passed on."""

HEARD_RUMOURS_MAX = 4_096
"""What neighbours say of them and is remembered: one address a neighbour and provider."""

HEARD_WAYS_MAX = 1_024
"""Ways on which such offers come, of which each has a fair share: twice what all peers can make."""

HEARD_TELLERS_MAX = 256
"""Peers of which it is remembered how much they passed on in this minute."""

HEARD_OFFERS_A_MINUTE_MAX = 600
"""Offers that one peer may pass on in a minute; more are not looked at."""

HEARD_FRESH_S = 90.0
"""Seconds without a word after which what a neighbour said gives way to what it says now.

In this time it may say less than ``HEARD_OFFERS_MAX``, so no flood is in its own way for longer.
"""

OFFER_RELAY_S = 10.0
"""Seconds from one offer of a provider that is passed on to the next."""

HEARD_ROUND_S = 10.0
"""Seconds of one round of dials while a job looks for providers: what a dial in vain may take."""

HEARD_DIALLED_MAX = 8
"""Providers only heard of that are dialled in a round: as many as a node dials at a time."""

HEARD_AGAIN_S_MIN = 30.0
"""Seconds until a provider dialled in vain is dialled again, doubled with each further time."""

HEARD_AGAIN_S_MAX = 480.0
"""The longest such wait, in seconds."""

# Services (SPEC.md section 9.8).

SERVICE_S_MAX = 3_500
"""The longest service, in seconds."""

SERVICE_CALL_BYTES_MAX = 524_288
"""The longest input and output of a call."""

SERVICE_CHARGES_MAX = 1 << 32
"""The highest sequence number of a charge."""

CHARGE_BODY_BYTES_MAX = 512
"""The longest body of a charge."""

SERVICE_OPENING_BYTES_MAX = ORDER_BODY_BYTES_MAX + 1_024
"""The longest body that opens a service."""

SERVICE_ITEM_BYTES_MAX = SERVICE_CALL_BYTES_MAX + 1_024
"""The longest item of a service's stream."""

SERVICE_CALL_BODY_BYTES_MAX = SERVICE_CALL_BYTES_MAX + 64
"""The longest body of a call."""

SERVICE_BEAT_S = 2.0
"""Seconds from one sign of life of a service to the next."""

SERVICE_SILENCE_S_MAX = 10.0
"""Seconds without any after which a service counts as lost, besides what a call may take."""

SERVICE_BEGIN_S_MAX = 60.0
"""Seconds that fetching and compiling may take before a service begins."""

WARM_SLACK_MS = 1_000
"""How much more time a provider may charge than its requestor has measured."""

SERVICE_ITEMS_WAITING_MAX = 2
"""Items of one service that wait for its requestor to read them."""

SERVICE_READ_S_MAX = 20.0
"""After so many seconds in which its requestor reads nothing a service ends."""

SERVICES_KEPT_MAX = 64
"""Services of an agent that are remembered after their end, to be listed."""

SERVICE_CALL_PARTS = 8
"""A call costs at most this part of a service's budget where its owner has set no fuel limit: as
much is left unspent at the end, for a further call might cost it."""

SERVICE_CALL_WAIT_S = 10.0
"""How long a call may take to be taken, in seconds; its charge comes later."""

# The owner's pricing.

PRICE_PERCENT_MAX = 10_000
"""What a rule of a pricing file may make of a price, in percent of it."""

PRICING_FILE_BYTES_MAX = 65_536
"""The largest pricing file or pricing function."""

PRICING_INTERVAL_S = 10.0
"""How often sensors and pricing file are looked at, in seconds."""

PRICING_S_MAX = 5.0
"""How long that may take, an owner's function included, in seconds."""

PRICING_HUNG_MAX = 4
"""How many hanging threads of an owner's function are left behind for a file that has changed."""

PRICING_ERROR_CHARACTERS_MAX = 200
"""How much of an error of the owner's function is shown."""

SENSOR_BYTES_MAX = 64
"""What is read of a sensor's file."""

SENSOR_FOLDERS_MAX = 64
"""Power supplies, and thermometers, that are looked at."""

MILLIDEGREES_MAX = 150_000
"""A thermometer that shows more is broken, in thousandths of a degree Celsius."""

CLOCK_UNIX_S_MIN = 1_767_225_600
"""The beginning of 2026: this program was not there before, so a clock that says so is wrong."""

# The doctor: from when on it has nothing to say.

DOCTOR_SANDBOX_S_MAX = 2.0
"""How long the doctor waits for a sandbox worker, in seconds."""

DOCTOR_SIGNATURES = 200
"""Signatures that the doctor checks to see how fast that is."""

DOCTOR_SYNCS = 5
"""Writes that the doctor makes safe on the disk."""

DOCTOR_SYNC_S_MAX = 0.5
"""After so many seconds it makes no further one."""

SYNC_MS_WANTED = 50.0
"""A disk that takes longer to make a write safe delays payments, in milliseconds."""

VERIFIES_PER_S_WANTED = 2_000
"""Signatures a second that follow a busy network on one core."""

MEMORY_BYTES_MIN = 128 * MEBIBYTE
"""What an agent needs for itself and one idle worker, in bytes."""

DISK_FREE_BYTES_MIN = 64 * MEBIBYTE
"""With less room an agent will soon stop, in bytes."""

DISK_FREE_BYTES_WANTED = 1_024 * MEBIBYTE
"""Room for the blobs that an agent keeps by default, in bytes."""

OPEN_FILES_WANTED = 1_024
"""Descriptors that an agent with many neighbours and runs may have open."""

DEMO_CHANNEL_BEATS = 3
"""Seconds that a provider of the demonstration has to answer a reclaim."""

DEMO_CLOSE_S = 40
"""How long the demonstration waits for its payment channels to be settled."""

DEMO_ROYALTY_PPM = 50_000
"""What the author of the demonstration's task gets of every bill, in parts per million."""
