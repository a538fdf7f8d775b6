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

-- Every hash that the chain names, itself or through another artifact, with every kind as which it is named: anybody may
-- name anything, and must not take away what others name it as. What batches name is in the tables of batches.
CREATE TABLE artifacts.name (
    hash   bytea   NOT NULL CHECK (length(hash) = 32),
    -- What the blob must be: its format says which further hashes it names.
    kind   text    NOT NULL CHECK (kind IN ('batch', 'training', 'report', 'other')),
    -- Whether it was read, and those are in these tables.
    opened boolean NOT NULL,
    PRIMARY KEY (hash, kind)
);
CREATE INDEX name_closed ON artifacts.name (hash, kind) WHERE NOT opened;

-- The newest permit for each artifact that may be replaced, so that an older permit cannot bring back what it replaced.
CREATE TABLE artifacts.replaceable (
    key     text   PRIMARY KEY,
    hash    bytea  NOT NULL CHECK (length(hash) = 32),
    expires bigint NOT NULL
);

-- Which wallets have shown a blob to everybody, by naming it on the chain themselves, and not in a batch.
CREATE TABLE artifacts.shown (
    hash   bytea NOT NULL CHECK (length(hash) = 32),
    wallet text  NOT NULL,
    PRIMARY KEY (hash, wallet)
);

-- Which batches were handed in with a manifest, and which blobs a manifest names.
CREATE TABLE artifacts.batch (
    manifest bytea   NOT NULL CHECK (length(manifest) = 32),
    batch    text    NOT NULL,
    -- Whether it ended without being accepted: then it names nothing any more.
    ended    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (manifest, batch)
);
CREATE INDEX batch_address ON artifacts.batch (batch);
CREATE TABLE artifacts.inside (
    hash     bytea NOT NULL CHECK (length(hash) = 32),
    manifest bytea NOT NULL CHECK (length(manifest) = 32),
    PRIMARY KEY (hash, manifest)
);

CREATE INDEX inside_manifest ON artifacts.inside (manifest);

-- The hashes that the chain names now. One may be there several times.
CREATE VIEW artifacts.named AS
    SELECT hash FROM artifacts.name WHERE kind <> 'batch'
    UNION ALL
    SELECT manifest FROM artifacts.batch WHERE NOT ended
    UNION ALL
    SELECT i.hash FROM artifacts.inside i JOIN artifacts.batch b USING (manifest) WHERE NOT b.ended;

-- Batches that name a blob, as their manifest or inside of it, with their contributor and Datanet. A batch counts only
-- if its contributor has stored the blob: whoever names what it does not have gets no right to it.
CREATE FUNCTION artifacts.batches(asked bytea)
RETURNS TABLE (batch text, datanet text, accepted boolean, decided boolean) LANGUAGE sql STABLE AS $$
    SELECT o.data ->> 'batch', o.subject,
           EXISTS (SELECT 1 FROM event e WHERE e.data ->> 'batch' = b.batch AND e.kind = 'BatchAccepted'),
           EXISTS (SELECT 1 FROM event e WHERE e.data ->> 'batch' = b.batch
                   AND e.kind IN ('BatchAccepted', 'BatchRejected'))
    FROM (SELECT m.batch FROM artifacts.batch m WHERE m.manifest = asked
          UNION
          SELECT m.batch FROM artifacts.inside i JOIN artifacts.batch m ON m.manifest = i.manifest
          WHERE i.hash = asked) b
    JOIN event o ON o.data ->> 'batch' = b.batch AND o.kind = 'BatchOpened'
    JOIN artifacts.upload u ON u.hash = asked AND u.wallet = o.data ->> 'contributor'
$$;
