-- What a member of a committee must remember so that it can be killed at any moment: one schema an operator.
-- Numbers up to 99 belong to the quorum, from 100 on to the node. Columns called "sealed" are encrypted with a key
-- derived from the operator's identity key.

-- Key generation: this member's own packages, one set a committee for ever.
CREATE TABLE dkg_sessions (
    committee        bytea PRIMARY KEY,
    epoch            bigint NOT NULL,
    -- public: the signed round-1 package and session key
    round1           text NOT NULL,
    -- gone once round 2 has been computed
    round1_sealed    bytea,
    -- gone once the key share is stored
    transport_sealed bytea,
    round2_sealed    bytea,
    -- recipient's wallet (hex) -> package encrypted to the recipient; kept for members that come back late
    round2           text,
    created_at       timestamptz NOT NULL DEFAULT now()
);

-- Key generation: what other members sent; the first that was accepted stays.
CREATE TABLE dkg_received (
    committee bytea NOT NULL,
    member    bytea NOT NULL,
    round     smallint NOT NULL CHECK (round IN (1, 2)),
    body      text NOT NULL,
    PRIMARY KEY (committee, member, round)
);

CREATE TABLE key_shares (
    committee  bytea PRIMARY KEY,
    epoch      bigint NOT NULL,
    group_key  bytea NOT NULL,
    sealed     bytea NOT NULL,
    public     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One row a signing session. The nonces go in the transaction that stores the share made with them.
CREATE TABLE nonces (
    coordinator bytea NOT NULL,
    session     text NOT NULL,
    committee   bytea NOT NULL,
    message     bytea NOT NULL,
    commitments bytea NOT NULL,
    sealed      bytea,
    package     bytea,
    share       bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (coordinator, session),
    CHECK ((sealed IS NULL) = (share IS NOT NULL)),
    CHECK ((share IS NULL) = (package IS NULL))
);

-- The one payload that this member ever signs for a subject's sequence number.
CREATE TABLE signed_subjects (
    cluster     bytea NOT NULL,
    kind        integer NOT NULL,
    subject     bytea NOT NULL,
    sequence    bigint NOT NULL,
    payload     bytea NOT NULL,
    -- last slot in which a message signed for this payload is accepted on chain
    expiry_slot bigint NOT NULL,
    signed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster, kind, subject, sequence)
);

-- The one observation that this member ever makes of a subject's sequence number in a committee.
CREATE TABLE observations (
    cluster   bytea NOT NULL,
    epoch     bigint NOT NULL,
    subject   bytea NOT NULL,
    sequence  bigint NOT NULL,
    context   bytea NOT NULL,
    -- scores, salt and signature
    reveal    text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster, epoch, subject, sequence)
);

-- Fixed sets of reveals as published by coordinators, by the root over them.
CREATE TABLE agreements (
    cluster   bytea NOT NULL,
    epoch     bigint NOT NULL,
    subject   bytea NOT NULL,
    sequence  bigint NOT NULL,
    root      bytea NOT NULL,
    published text NOT NULL,
    agreed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cluster, epoch, subject, sequence, root)
);
