-- What a wallet names by itself is named for as long as that stands: a Datanet's description until the next, a job's config
-- until the job ends without a result. Anybody may describe a Datanet again and again, and nobody pays for what was before.

CREATE TABLE artifacts.told (
    -- The account that it is about.
    subject  text   PRIMARY KEY,
    hash     bytea  NOT NULL CHECK (length(hash) = 32),
    -- The number of the event, among the subject's, that told it.
    sequence bigint NOT NULL
);
CREATE INDEX told_hash ON artifacts.told (hash);
DELETE FROM artifacts.name WHERE kind = 'told';

CREATE OR REPLACE VIEW artifacts.named AS
    SELECT hash, NULL::bigint AS most FROM artifacts.name WHERE kind NOT IN ('batch', 'told')
    UNION ALL
    SELECT hash, 1048576::bigint FROM artifacts.told
    UNION ALL
    SELECT manifest, NULL FROM artifacts.batch WHERE NOT ended OR accepted
    UNION ALL
    SELECT i.hash, NULL FROM artifacts.inside i JOIN artifacts.batch b USING (manifest) WHERE NOT b.ended OR b.accepted;
