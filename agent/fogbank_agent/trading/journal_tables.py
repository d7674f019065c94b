"""The tables of the market's journal, version by version."""

from collections.abc import Sequence

JOURNAL_MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE jobs (
        job_id BLOB PRIMARY KEY,
        began_unix_s INTEGER NOT NULL,
        package_id BLOB NOT NULL,
        package_name TEXT NOT NULL,
        runs INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE runs (
        place INTEGER PRIMARY KEY,
        run_id BLOB NOT NULL UNIQUE,
        job_id BLOB NOT NULL,
        number INTEGER NOT NULL,
        name TEXT NOT NULL,
        -- How the task ended, in words, where not all runs of the lot ended alike.
        outcome TEXT
    );
    CREATE INDEX runs_by_job ON runs (job_id, number);

    -- Runs that are bought together; how they stand is written once for all of them.
    CREATE TABLE lots (
        lot_id BLOB PRIMARY KEY,
        job_id BLOB NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        -- How their tasks ended, in words, once results are accepted.
        outcome TEXT
    ) WITHOUT ROWID;
    CREATE INDEX lots_by_job ON lots (job_id, first);

    -- Runs as they stand; those that wait for a lot are under way too.
    CREATE VIEW bought AS
        SELECT place, run_id, runs.job_id, number, name, lot_id, reason,
            coalesce(state, 'under way') AS state,
            coalesce(runs.outcome, lots.outcome, '') AS outcome
        FROM runs LEFT JOIN lots
            ON lots.job_id = runs.job_id AND number BETWEEN lots.first AND lots.last;

    -- What happened, in the order of the rows.
    CREATE TABLE story (
        place INTEGER PRIMARY KEY,
        lot_id BLOB NOT NULL,
        at_ms INTEGER NOT NULL,
        event BLOB NOT NULL
    );
    CREATE INDEX story_by_lot ON story (lot_id);

    -- What providers signed: the evidence when two of them differ.
    CREATE TABLE receipts (
        agreement_id BLOB PRIMARY KEY,
        lot_id BLOB NOT NULL,
        provider BLOB NOT NULL,
        body BLOB NOT NULL,
        signature BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX receipts_by_lot ON receipts (lot_id);

    -- What this agent owes: owed, paid (a voucher is signed, and not yet told), told.
    CREATE TABLE bills (
        agreement_id BLOB PRIMARY KEY,
        provider BLOB NOT NULL,
        lot_id BLOB NOT NULL,
        drops INTEGER NOT NULL,
        author BLOB,
        royalty INTEGER NOT NULL,
        state TEXT NOT NULL,
        channel BLOB,
        lane INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX bills_by_state ON bills (state);
    -- The last voucher of each lane, and of those received what bills have used of it.
    CREATE TABLE vouchers_given (
        channel BLOB NOT NULL,
        lane INTEGER NOT NULL,
        total INTEGER NOT NULL,
        count INTEGER NOT NULL,
        root BLOB NOT NULL,
        split BLOB NOT NULL,
        signature BLOB NOT NULL,
        PRIMARY KEY (channel, lane)
    ) WITHOUT ROWID;
    CREATE TABLE vouchers_received (
        channel BLOB NOT NULL,
        lane INTEGER NOT NULL,
        total INTEGER NOT NULL,
        count INTEGER NOT NULL,
        root BLOB NOT NULL,
        split BLOB NOT NULL,
        signature BLOB NOT NULL,
        used INTEGER NOT NULL,
        used_split BLOB NOT NULL,
        PRIMARY KEY (channel, lane)
    ) WITHOUT ROWID;
    CREATE TABLE refusals (
        agreement_id BLOB PRIMARY KEY,
        provider BLOB NOT NULL,
        reason TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE reputation (
        provider BLOB NOT NULL,
        package_id BLOB NOT NULL,
        confirmed INTEGER NOT NULL,
        unix_s INTEGER NOT NULL,
        -- When a result of it was found wrong, last; NULL when none was.
        caught_unix_s INTEGER,
        PRIMARY KEY (provider, package_id)
    ) WITHOUT ROWID;

    -- What this agent has earned: unpaid, paid, refused.
    CREATE TABLE earned (
        agreement_id BLOB PRIMARY KEY,
        requestor BLOB NOT NULL,
        fuel INTEGER NOT NULL,
        drops INTEGER NOT NULL,
        author BLOB,
        royalty INTEGER NOT NULL,
        state TEXT NOT NULL,
        -- Whether it is a statement of work under way rather than a receipt.
        is_part INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX earned_by_requestor ON earned (requestor, state);
    -- Drops of refused work that later payments have not made up for.
    CREATE TABLE grudges (requestor BLOB PRIMARY KEY, drops INTEGER NOT NULL) WITHOUT ROWID;

    -- What became of the orders and agreements with each provider.
    CREATE TABLE standings (
        provider BLOB PRIMARY KEY,
        confirmed INTEGER NOT NULL,
        wrong INTEGER NOT NULL,
        lost INTEGER NOT NULL,
        refused INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    """,
    """
    -- Disputes over wrong results that this agent opened (SPEC.md section 9.10).
    CREATE TABLE disputes (
        place INTEGER PRIMARY KEY,
        receipt_id BLOB NOT NULL UNIQUE,
        number INTEGER NOT NULL,
        lot_id BLOB NOT NULL,
        provider BLOB NOT NULL,
        -- Where the stake was opened.
        opening BLOB NOT NULL,
        op INTEGER NOT NULL,
        proof_id BLOB NOT NULL,
        proof_bytes INTEGER NOT NULL,
        opened_unix_s INTEGER NOT NULL,
        drops INTEGER NOT NULL,
        state TEXT NOT NULL
    );
    """,
    """
    -- Jobs that outlive restarts (section 9.11): open, done, failed.
    CREATE TABLE kept_jobs (
        job_id BLOB PRIMARY KEY,
        began_unix_s INTEGER NOT NULL,
        body BLOB NOT NULL,
        state TEXT NOT NULL,
        why TEXT NOT NULL,
        ended_unix_s INTEGER
    ) WITHOUT ROWID;
    -- What each level runs on; the outcome is NULL until one is accepted, or none will be.
    CREATE TABLE fragments (
        job_id BLOB NOT NULL,
        level INTEGER NOT NULL,
        number INTEGER NOT NULL,
        name TEXT NOT NULL,
        input_id BLOB NOT NULL,
        outcome TEXT,
        output_id BLOB,
        size INTEGER,
        fuel INTEGER,
        provider BLOB,
        accepted INTEGER,
        -- The latest checkpoint of a step task that others can go on from, while it is under way.
        state BLOB,
        PRIMARY KEY (job_id, level, number)
    ) WITHOUT ROWID;
    """,
    """
    -- Wrong results that are still to be proved (section 9.10), and the stakes that answer for it.
    CREATE TABLE accusations (
        signature BLOB PRIMARY KEY,
        body BLOB NOT NULL,
        lot_id BLOB NOT NULL,
        provider BLOB NOT NULL,
        package_id BLOB NOT NULL,
        terms BLOB NOT NULL,
        inputs BLOB NOT NULL,
        snapshot BLOB,
        wall_ms INTEGER NOT NULL,
        confirmed_by BLOB NOT NULL,
        their_stakes BLOB NOT NULL,
        opening BLOB NOT NULL,
        op INTEGER NOT NULL,
        number INTEGER
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- What each requestor was worked for, in all: what is due from it is besides in dues, one by
    -- one.  Those that are forgotten are together in the row with the empty name.
    CREATE TABLE requestors (
        requestor BLOB PRIMARY KEY,
        runs INTEGER NOT NULL,
        -- Of work under way.
        statements INTEGER NOT NULL,
        fuel INTEGER NOT NULL,
        paid INTEGER NOT NULL,
        unpaid INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        -- Drops of refused work that later payments had not made up for at grudge_unix_s.
        grudge INTEGER NOT NULL,
        grudge_unix_s INTEGER NOT NULL,
        unix_s INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO requestors
        SELECT requestor, sum(NOT is_part), sum(is_part), sum(fuel),
            sum(iif(state = 'paid', drops, 0)), sum(iif(state = 'unpaid', drops, 0)),
            sum(iif(state = 'refused', drops, 0)), 0, now, now
        FROM earned, (SELECT CAST(strftime('%s', 'now') AS INTEGER) AS now) GROUP BY requestor;
    UPDATE requestors SET grudge = coalesce(
        (SELECT drops FROM grudges WHERE grudges.requestor = requestors.requestor), 0);

    -- What is neither paid nor refused yet.
    CREATE TABLE dues (
        agreement_id BLOB PRIMARY KEY,
        requestor BLOB NOT NULL,
        drops INTEGER NOT NULL,
        author BLOB,
        royalty INTEGER NOT NULL,
        is_part INTEGER NOT NULL,
        unix_s INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO dues
        SELECT agreement_id, requestor, drops, author, royalty, is_part,
            CAST(strftime('%s', 'now') AS INTEGER)
        FROM earned WHERE state = 'unpaid';
    DROP TABLE earned;
    DROP TABLE grudges;

    -- What became of the orders and agreements with each provider, and what it was told to be paid;
    -- the row with the empty name as above.
    CREATE TABLE providers (
        provider BLOB PRIMARY KEY,
        confirmed INTEGER NOT NULL,
        wrong INTEGER NOT NULL,
        lost INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        paid INTEGER NOT NULL,
        unix_s INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO providers
        SELECT provider, confirmed, wrong, lost, refused, 0,
            CAST(strftime('%s', 'now') AS INTEGER)
        FROM standings;
    INSERT INTO providers
        SELECT provider, 0, 0, 0, 0, sum(drops), CAST(strftime('%s', 'now') AS INTEGER)
        FROM bills WHERE state = 'told' GROUP BY provider
        ON CONFLICT (provider) DO UPDATE SET paid = excluded.paid;
    DROP TABLE standings;

    -- Of what is paid and told the agreements stay as long as their receipts do: they may be found
    -- right a second time, and are not paid again.  Nobody names a statement again.
    DELETE FROM bills WHERE state = 'told' AND agreement_id NOT IN (
        SELECT agreement_id FROM receipts);
    CREATE INDEX bills_by_lot ON bills (lot_id);

    ALTER TABLE refusals ADD COLUMN unix_s INTEGER NOT NULL DEFAULT 0;
    UPDATE refusals SET unix_s = CAST(strftime('%s', 'now') AS INTEGER);
    """,
    """
    -- Drops for which vouchers were given for the runs of the job, in all of its lives.
    ALTER TABLE kept_jobs ADD COLUMN paid INTEGER NOT NULL DEFAULT 0;
    """,
)
