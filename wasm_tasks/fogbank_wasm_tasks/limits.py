"""Every bound of the tasks package, with its unit and the section of SPEC.md that fixes it.

Bounds without a section are this agent's own: they decide what it can carry, never what a run
means.
"""

# Packages (section 7.1).

MODULE_BYTES_MAX = 4 * 1024 * 1024
"""The largest module (section 7.2)."""

PACKAGE_BYTES_MAX = MODULE_BYTES_MAX + 65_536
"""The largest package file (section 7.1)."""

MANIFEST_BYTES_MAX = 4_096
"""The largest manifest body (section 7.1)."""

DESCRIPTION_BYTES_MAX = 1_024
"""The longest description, in bytes of UTF-8 (section 7.1)."""

MEMORY_BYTES_MAX = 268_435_456
"""The most linear memory that a package may ask for (section 7.1)."""

STEP_MEMORY_BYTES_MAX = 33_554_432
"""The most linear memory of a step task, so that a snapshot of it is a blob (section 7.1)."""

OUTPUT_BYTES_MAX = 67_108_864
"""The longest output that a package may produce: the largest blob (section 7.1)."""

ROYALTY_PPM_MAX = 1_000_000
"""The largest royalty: all of the fuel's price (section 7.1)."""

# Modules (section 7.2).

FUNCTIONS_MAX = 20_000
"""Functions with a body, and functions imported, together (section 7.2)."""

BODY_BYTES_MAX = 131_072
"""The longest body of a function (section 7.2)."""

NESTING_MAX = 1_024
"""How deep blocks may nest in a function, not counting the function itself (section 7.2)."""

LOOPS_MAX = 4_096
"""Loops of one function: compiling takes time that grows with their square (section 7.2)."""

LOCALS_MAX = 49_000
"""Parameters and locals of one function (section 7.2)."""

TYPES_MAX = 4_096
"""Function types (section 7.2)."""

PARAMETERS_MAX = 999
"""Parameters, or results, of one function type (section 7.2)."""

EXPORTS_MAX = 64
"""Exports of a module (section 7.2)."""

IMPORTS_MAX = 256
"""Imports of a module (section 7.2)."""

GLOBALS_MAX = 10_000
"""Globals of a module (section 7.2)."""

NAME_BYTES_MAX = 256
"""The longest name of an import or export, in bytes of UTF-8 (section 7.2)."""

TABLES_MAX = 4
"""Tables of a module (section 7.2)."""

TABLE_ELEMENTS_MAX = 10_000
"""Elements of one table, at the start and after any growth (section 7.2)."""

SEGMENTS_MAX = 100_000
"""Data segments, or element segments, of a module (section 7.2)."""

SEGMENT_ELEMENTS_MAX = 100_000
"""Elements of all element segments together (section 7.2)."""

DATA_BYTES_MAX = 16 * 1024 * 1024
"""Bytes of all data segments together (section 7.2)."""

BRANCH_TARGETS_MAX = 65_536
"""Targets of one ``br_table`` (section 7.2)."""

PAGE_BYTES = 65_536
"""One page of linear memory (WebAssembly core)."""

# Runs (sections 7.3 to 7.6).

INPUT_BYTES_MAX = OUTPUT_BYTES_MAX
"""The longest input: the largest blob (section 7.3)."""

ARGUMENTS_MAX = 64
"""Arguments of a run (section 9.2)."""

ENVIRONMENT_MAX = 64
"""Entries of a run's environment (section 9.2)."""

TEXT_BYTES_MAX = 1_024
"""The longest argument, name or value of the environment, in bytes of UTF-8 (section 2.1)."""

FUEL_MAX = (1 << 42) - 1
"""The most fuel that one run may be given (section 7.5)."""

IOVECS_MAX = 1_024
"""How many buffers one ``fd_read`` or ``fd_write`` may name (section 7.4)."""

SUBSCRIPTIONS_MAX = 1_024
"""How many subscriptions one ``poll_oneoff`` may name (section 7.4)."""

RESULTS_MAX = 256
"""How many runs one receipt may tell of (section 7.7)."""

RECEIPT_BYTES_MAX = 65_536
"""The largest body of a receipt (section 7.7)."""

KIND_BYTES_MAX = 64
"""The longest trap kind or host fault kind (section 7.6)."""

# Verification (sections 7.8 to 7.13).

STEP_GLOBALS_MAX = 256
"""Mutable globals of a step task (section 7.3)."""

STATE_PAGE_BYTES = 4_096
"""A leaf of the tree over a state's memory (section 7.9)."""

STEP_SIZE_MAX = (1 << 31) - 1
"""The largest number that ``step`` is called with (section 7.8)."""

CHECKPOINT_STEPS_MAX = (1 << 40) - 1
"""The most steps from one checkpoint to the next (section 7.8)."""

CHECKPOINTS_MAX = 65_536
"""How many checkpoints a run may have (section 7.8)."""

STATES_MAX = CHECKPOINTS_MAX * CHECKPOINT_STEPS_MAX
"""How many states a run may have, which follows from the two before (section 7.8)."""

PATH_NODES_MAX = 16
"""The longest path in the tree over ``CHECKPOINTS_MAX`` checkpoints (section 7.8)."""

TERMS_BYTES_MAX = 262_144
"""The largest encoding of a run's terms (section 7.8)."""

SNAPSHOT_BYTES_MAX = STEP_MEMORY_BYTES_MAX + 16_384
"""The largest snapshot: memory, one bit for each of its pages, and globals (section 7.10)."""

STATEMENT_BYTES_MAX = 256
"""The largest body of a statement in a dispute (section 7.11)."""

QUESTION_BYTES_MAX = 256
"""The largest question in a dispute (section 7.11)."""

PROOF_BYTES_MAX = PACKAGE_BYTES_MAX + OUTPUT_BYTES_MAX + RECEIPT_BYTES_MAX + 524_288
"""The largest proof of a wrong result: package, input or snapshot, receipt, terms (7.12)."""

QUESTIONS_WAITING_MAX = 8
"""How many questions of a dispute may wait for the same part of a run (section 7.11)."""

STATEMENT_S_MAX = 60.0
"""How long a party to a dispute may take for one statement by default, in seconds."""

# The sandbox of this agent.

DIAGNOSTICS_BYTES_MAX = 4_096
"""How much of a run's standard error is kept for its author, in bytes."""

WASM_STACK_BYTES = 128 * 1024 * 1024
"""The stack of a run: more than calls can fill before they are nested too deep (section 7.5).

Addresses only, until a run uses them."""

WORKER_STACK_BYTES = WASM_STACK_BYTES + 16 * 1024 * 1024
"""The stack of the worker's one thread: a run's, and Python's below and above it."""

INSTANCE_BYTES_MAX = 4 * 1024 * 1024
"""What an instance takes beside memory and tables: more than the most globals and functions do."""

MEMORY_RESIDENT_BYTES = 131_072
"""How much of a memory is cleared by hand after a run; the rest is given back to the system."""

TABLE_RESIDENT_BYTES = 4_096
"""The same of a table."""

WORKER_MODULES_MAX = 8
"""How many compiled modules a worker keeps loaded."""

WORKER_START_S_MAX = 30.0
"""How long a worker may take to say that it is ready, in seconds."""

WORKER_IDLE_S_MAX = 30.0
"""After so many seconds without a run a worker is stopped to save memory."""

WORKER_RESTART_DELAY_S_MIN = 0.1
"""The wait before a worker is started again after it died once, in seconds."""

WORKER_RESTART_DELAY_S_MAX = 10.0
"""The longest such wait; it doubles with every death in a row."""

WORKER_MEMORY_SLACK_BYTES = 1024 * 1024 * 1024
"""What a worker may take beside the memory of its run: Python, compiled code, input and output.

The longest input of a verifier, and the longest output to be verified, take three quarters of it
while the command with them is read."""

WORKERS_MAX = 64
"""How many workers a sandbox may have."""

RUNS_QUEUED_MAX = 1_024
"""How many runs may wait for a worker; further ones are refused."""

PIPELINED_RUNS_MAX = 256
"""How many runs of a batch may wait at one worker."""

PIPE_BYTES = 262_144
"""How many bytes a pipe between agent and worker is made to hold, where the system allows it."""

PIPE_SLACK_BYTES = 16_384
"""How many of them are left free, because a pipe counts in pages."""

PIPELINED_BYTES_MIN = 8_192
"""How many bytes of commands may wait at one worker where nobody knows what its pipe holds.

More than it holds must never wait: sending would wait for the worker, which may itself wait for
its replies to be read."""

PIPELINED_S_MAX = 0.01
"""How long the runs that wait at one worker may be expected to take, in seconds."""

TURN_S_MAX = 0.05
"""How long a batch keeps a worker that others wait for, beside the runs it has sent, in seconds."""

READ_PAUSE_S = 0.001
"""How long replies of many short runs are left to gather before they are read, in seconds."""

REPORTS_WAITING_MAX = 1_024
"""How many reports of a batch may wait to be taken before no more of its runs are begun."""

REPORTS_WAITING_BYTES_MAX = 64 * 1024 * 1024
"""The same in bytes of output."""

REQUESTS_AHEAD_MAX = 256
"""How many requests of a batch are taken ahead from a source that may wait."""

REQUESTS_AHEAD_BYTES_MAX = 1_048_576
"""The same in bytes of input."""

REPEATS_WAITING_MAX = 64
"""How many trapped runs of a batch may wait for being run again before its turn ends."""

CANCEL_GRACE_S = 0.02
"""How long cancelled runs may take to end by themselves before their worker is killed, in
seconds."""

WALL_S_MAX = 3_600.0
"""The longest time that a run may take, in seconds."""

MESSAGE_OVERHEAD_BYTES_MAX = 16_384
"""What a message between agent and worker may have beside an output or module, in bytes."""

PROGRESS_INTERVAL_S = 0.25
"""How often a run that calls the host tells its fuel, in seconds."""

COMPILE_S_MAX = 60.0
"""How long compiling one module may take, in seconds."""

COMPILE_MEMORY_BYTES_MAX = 1024 * 1024 * 1024
"""How much private memory compiling one module may take."""

COMPILED_BYTES_MAX = 128 * 1024 * 1024
"""The largest compiled module."""

COMPILE_CACHE_BYTES_MAX = 512 * 1024 * 1024
"""How many bytes of compiled modules are kept on disk."""

OPEN_FILES_MAX = 32
"""How many descriptors a worker or a compile child may have."""

COMPILES_MAX = 2
"""How many modules are compiled at the same time."""

COMPILE_FAILURES_MAX = 256
"""How many modules are remembered that cannot be compiled."""

CALL_BYTES_MAX = 524_288
"""The longest input or output of a call of a session, in bytes (SPEC.md section 7.14)."""
