-- Observing among members of which some lie. "U" lets it be applied to a schema that has the node's tables already.

-- What a member has heard of an observation, each thing signed by the member that it is of. It is stored before this
-- member says anything that depends on it.
CREATE TABLE observe_heard (
    cluster  bytea NOT NULL,
    epoch    bigint NOT NULL,
    subject  bytea NOT NULL,
    sequence bigint NOT NULL,
    -- 1 commitment, 2 reveal, 4 sealed set
    what     smallint NOT NULL CHECK (what BETWEEN 1 AND 4),
    -- whose it is; zeros for a sealed set, which is of many
    member   bytea NOT NULL,
    digest   bytea NOT NULL,
    body     text NOT NULL,
    heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cluster, epoch, subject, sequence, what, member, digest)
);

CREATE INDEX observe_heard_of ON observe_heard (member, heard_at);

-- A swept observation keeps its row without the values: it is not made a second time.
ALTER TABLE observations ALTER COLUMN reveal DROP NOT NULL;

-- Committee epochs below which this member observes nothing any more, because its observations there are swept.
CREATE TABLE observe_swept (
    cluster bytea PRIMARY KEY,
    below   bigint NOT NULL
);
