-- What counts in a wallet's quota. What the chain names is kept; only what others have accepted counts no more. A batch
-- costs its contributor little, and may name much.

ALTER TABLE artifacts.upload
    -- Whether somebody else has found it worth keeping: validators, or a committee.
    ADD settled  boolean NOT NULL DEFAULT false,
    -- Whether it is kept only as the file that an accepted document is from. Nobody judges those.
    ADD original boolean NOT NULL DEFAULT false,
    -- Whether the wallet had something at stake when it stored this, and was no operator's.
    ADD known    boolean NOT NULL DEFAULT false;
CREATE INDEX upload_unsettled ON artifacts.upload (wallet) WHERE NOT settled;
CREATE INDEX upload_original  ON artifacts.upload (wallet) WHERE original;

-- `told` is what a wallet names by itself: a description, a config, evidence.
ALTER TABLE artifacts.name DROP CONSTRAINT name_kind_check;
ALTER TABLE artifacts.name ADD CONSTRAINT name_kind_check CHECK (kind IN ('batch', 'training', 'report', 'other', 'told'));

ALTER TABLE artifacts.batch  ADD accepted boolean NOT NULL DEFAULT false;
ALTER TABLE artifacts.inside ADD original boolean NOT NULL DEFAULT false;

-- The hashes that the chain names now, and how long a blob may be that it names so. One may be there several times.
DROP VIEW artifacts.named;
CREATE VIEW artifacts.named AS
    SELECT hash, CASE WHEN kind = 'told' THEN 1048576 END::bigint AS most FROM artifacts.name WHERE kind <> 'batch'
    UNION ALL
    SELECT manifest, NULL FROM artifacts.batch WHERE NOT ended OR accepted
    UNION ALL
    SELECT i.hash, NULL FROM artifacts.inside i JOIN artifacts.batch b USING (manifest) WHERE NOT b.ended OR b.accepted;

-- The hashes that others than who stored them have accepted.
CREATE VIEW artifacts.accepted AS
    SELECT hash, false AS original FROM artifacts.name WHERE kind IN ('training', 'report', 'other')
    UNION ALL
    SELECT manifest, false FROM artifacts.batch WHERE accepted
    UNION ALL
    SELECT i.hash, i.original FROM artifacts.inside i JOIN artifacts.batch b USING (manifest) WHERE b.accepted;

-- All events are looked at again when the service starts, and say what wallets name, and what is accepted. The manifests
-- are opened again, and say what is an original.
DELETE FROM artifacts.name WHERE kind = 'other';
UPDATE artifacts.name SET opened = false WHERE kind <> 'other';

-- The roots of the leaves of manifests that were read: one that fits no batch is not read again.
CREATE TABLE artifacts.manifest (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    root text  NOT NULL
);

-- A list of answers, audits or reports is in the order of the bytes of their keys.
CREATE INDEX statement_key ON artifacts.statement (key COLLATE "C");
