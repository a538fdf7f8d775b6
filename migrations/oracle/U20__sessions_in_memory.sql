-- Nonces live in memory alone: a restored database must not bring one back.
DROP TABLE nonces;

-- What was signed for a sequence may be renewed with another expiry, and only that. "core" is the hash of the payload
-- without what may be renewed. A row from before has no other payload of its core, so nothing renews it.
ALTER TABLE signed_subjects ADD COLUMN core bytea;
UPDATE signed_subjects SET core = payload;
ALTER TABLE signed_subjects ALTER COLUMN core SET NOT NULL;

-- Committee that signed, so that rows of committees long gone can be swept. A row from before gets the newest.
ALTER TABLE signed_subjects ADD COLUMN epoch bigint;
UPDATE signed_subjects SET epoch = coalesce((SELECT max(epoch) FROM key_shares), 0);
ALTER TABLE signed_subjects ALTER COLUMN epoch SET NOT NULL;

-- How often this member has said something that binds it. A file outside of the database has the same number.
CREATE TABLE marker (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    counter bigint NOT NULL
);

-- Key generation goes in attempts, and what members sign names the attempt. What is left of key generations from before
-- serves no attempt. The key shares stay.
DROP TABLE dkg_sessions;
DROP TABLE dkg_received;

-- This member's own packages, one set an attempt for ever.
CREATE TABLE dkg_sessions (
    committee        bytea NOT NULL,
    attempt          smallint NOT NULL,
    epoch            bigint NOT NULL,
    -- public: the signed round-1 package and session key
    round1           text NOT NULL,
    -- gone once round 2 has been computed
    round1_sealed    bytea,
    -- gone once the key share is computed
    transport_sealed bytea,
    round2_sealed    bytea,
    -- recipient's wallet (hex) -> signed package, encrypted to the recipient; kept for members that come back late
    round2           text,
    -- the key share, until all members have theirs
    share_sealed     bytea,
    share_public     bytea,
    -- the group key of this attempt, once the share is computed
    group_key        bytea,
    created_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (committee, attempt)
);

-- What other members sent and this one has verified; the first that was accepted stays.
CREATE TABLE dkg_received (
    committee bytea NOT NULL,
    attempt   smallint NOT NULL,
    member    bytea NOT NULL,
    round     smallint NOT NULL CHECK (round IN (1, 2)),
    body      text NOT NULL,
    PRIMARY KEY (committee, attempt, member, round)
);

-- Attempts that somebody's signed packages have ended.
CREATE TABLE dkg_evidence (
    committee bytea NOT NULL,
    attempt   smallint NOT NULL,
    body      text NOT NULL,
    PRIMARY KEY (committee, attempt)
);
