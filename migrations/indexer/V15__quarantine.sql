-- What a transaction brings that cannot be read or stored is set aside here, so that everything after it goes on.

-- `place` is the event's place in its transaction. -1 stands for the whole transaction, which then has no other rows.
CREATE TABLE quarantine (
    signature text        NOT NULL REFERENCES transaction ON DELETE CASCADE,
    place     integer     NOT NULL,
    reason    text        NOT NULL,
    tries     integer     NOT NULL DEFAULT 1,
    since     timestamptz NOT NULL DEFAULT now(),
    -- It is read again then. A newer program may read it, and a node may give today what it lacked yesterday.
    next_try  timestamptz NOT NULL DEFAULT now() + interval '2 seconds',
    PRIMARY KEY (signature, place)
);
CREATE INDEX quarantine_due ON quarantine (next_try);

-- Names the numbers of the feed: another value means that rows have other numbers than before.
ALTER TABLE chain ADD feed text NOT NULL DEFAULT gen_random_uuid()::text;
