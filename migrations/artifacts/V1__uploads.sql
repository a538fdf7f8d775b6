-- What the artifact service remembers. It outlives the indexer's schema: a new reading of the ledger forgets no upload.
-- It is in the same database, so that what the chain names can be joined with what was uploaded.

-- Who stored which blob. Blobs that came in another way are in no row, and nothing here removes them.
CREATE TABLE artifacts.upload (
    hash      bytea       NOT NULL CHECK (length(hash) = 32),
    wallet    text        NOT NULL,
    bytes     bigint      NOT NULL,
    -- Whether the wallet was a registered operator's.
    operator  boolean     NOT NULL,
    -- Whether the chain names the blob, itself or through another artifact.
    named     boolean     NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hash, wallet)
);
CREATE INDEX upload_unnamed ON artifacts.upload (wallet) WHERE NOT named;

-- Every hash that the chain names, itself or through another artifact.
CREATE TABLE artifacts.name (
    hash   bytea   PRIMARY KEY CHECK (length(hash) = 32),
    -- What the blob must be: its format says which further hashes it names.
    kind   text    NOT NULL CHECK (kind IN ('batch', 'training', 'report', 'other')),
    -- Whether those are in this table.
    opened boolean NOT NULL
);
CREATE INDEX name_closed ON artifacts.name (hash) WHERE NOT opened;

-- The newest permit for each artifact that may be replaced, so that an older permit cannot bring back what it replaced.
CREATE TABLE artifacts.replaceable (
    key     text   PRIMARY KEY,
    hash    bytea  NOT NULL CHECK (length(hash) = 32),
    expires bigint NOT NULL
);
