-- What operators store under other names than hashes: answers, audits and reports of settlements. As blobs do, they count
-- against a quota, and are swept unless the chain names them.
CREATE TABLE artifacts.statement (
    -- The artifact's key in the store.
    key       text        PRIMARY KEY,
    -- The operator that stored it first.
    wallet    text        NOT NULL,
    bytes     bigint      NOT NULL,
    -- Whether a posted settlement names it.
    named     boolean     NOT NULL DEFAULT false,
    stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX statement_unnamed ON artifacts.statement (wallet) WHERE NOT named;

-- Requests whose answers are paid by their receipts, by the report of a posted settlement.
CREATE TABLE artifacts.settled (
    request bytea PRIMARY KEY CHECK (length(request) = 32)
);
-- Reports are read again, for these requests.
UPDATE artifacts.name SET opened = false WHERE kind = 'report';
