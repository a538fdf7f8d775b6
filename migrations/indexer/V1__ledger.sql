-- The ledger as the indexer saw it: transactions, their events, the leaves of `contribute`. Rows are only ever inserted,
-- and deleted with their transaction when the cluster dropped it. Everything else is a view over these (V2), so that the
-- order of arrival cannot matter.

-- The cluster that this database is about.
CREATE TABLE chain (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    genesis        text    NOT NULL,
    -- Every event up to here is in the database.
    indexed_slot   bigint  NOT NULL DEFAULT 0,
    finalized_slot bigint  NOT NULL DEFAULT 0
);

-- Up to and including `signature`, every transaction of `program` is in `transaction`.
CREATE TABLE checkpoint (
    program   text   PRIMARY KEY,
    signature text   NOT NULL,
    slot      bigint NOT NULL
);

-- Every transaction that named one of the programs, failed ones as well (without events), so that none is fetched twice.
CREATE TABLE transaction (
    signature   text        PRIMARY KEY,
    slot        bigint      NOT NULL,
    place       integer,
    block_time  bigint,
    failed      boolean     NOT NULL,
    finalized   boolean     NOT NULL DEFAULT false,
    ingested_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX transaction_unfinalized ON transaction (slot) WHERE NOT finalized;

-- `id` is the cursor of the event feed: writers take one lock, so ids become visible in ascending order.
CREATE TABLE event (
    id        bigint  GENERATED ALWAYS AS IDENTITY UNIQUE,
    signature text    NOT NULL REFERENCES transaction ON DELETE CASCADE,
    place     integer NOT NULL,
    program   text    NOT NULL,
    kind      text    NOT NULL,
    subject   text    NOT NULL,
    sequence  bigint  NOT NULL,
    data      jsonb   NOT NULL,
    PRIMARY KEY (signature, place),
    UNIQUE (subject, sequence)
);
CREATE INDEX event_kind     ON event (program, kind, id);
CREATE INDEX event_datanet  ON event ((data ->> 'datanet'));
CREATE INDEX event_batch    ON event ((data ->> 'batch'));
CREATE INDEX event_model    ON event ((data ->> 'model'));
CREATE INDEX event_request  ON event ((data ->> 'request'));
CREATE INDEX event_wallet   ON event ((data ->> 'wallet'));
CREATE INDEX event_operator ON event ((data ->> 'operator'));
CREATE INDEX event_payer    ON event ((data ->> 'payer'));
CREATE INDEX event_contributor ON event ((data ->> 'contributor'));
CREATE INDEX event_owner    ON event ((data ->> 'owner'));
CREATE INDEX event_shard    ON event ((data ->> 'shard'));

-- Leaf hashes from the data of `contribute` instructions.
CREATE TABLE leaf (
    batch     text   NOT NULL,
    position  bigint NOT NULL,
    hash      bytea  NOT NULL CHECK (length(hash) = 32),
    signature text   NOT NULL REFERENCES transaction ON DELETE CASCADE,
    PRIMARY KEY (batch, position)
);
CREATE INDEX leaf_hash      ON leaf (hash);
CREATE INDEX leaf_signature ON leaf (signature);

-- Differences between chain accounts and the index that outlived a round of reconciliation.
CREATE TABLE difference (
    account text        NOT NULL,
    field   text        NOT NULL,
    chain   text        NOT NULL,
    indexed text        NOT NULL,
    rounds  integer     NOT NULL DEFAULT 1,
    since   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, field)
);

-- Transactions that were confirmed, then dropped by the cluster: their rows are gone.
CREATE TABLE rollback (
    signature text        NOT NULL,
    slot      bigint      NOT NULL,
    at        timestamptz NOT NULL DEFAULT now()
);
