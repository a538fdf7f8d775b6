-- Batches in bulk: the ledger has the root over their leaves, and the leaves are in their manifest alone. What was found
-- there is kept here, so that they are listed, searched and proven like the others.

-- How far the reading of each manifest is. A row comes and goes with its batch's submission.
CREATE TABLE bulk (
    batch     text        PRIMARY KEY,
    signature text        NOT NULL REFERENCES transaction ON DELETE CASCADE,
    leaves    text        NOT NULL DEFAULT 'waiting' CHECK (leaves IN ('waiting', 'absent', 'wrong', 'manifest')),
    -- Why they could not be read.
    error     text,
    tries     integer     NOT NULL DEFAULT 0,
    -- They are looked for again then. A contributor may give today what was missing yesterday.
    next_try  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bulk_due       ON bulk (next_try) WHERE leaves <> 'manifest';
CREATE INDEX bulk_signature ON bulk (signature);

-- The roots of the whole blocks of 1,024 leaves of such batches, by which a leaf is proven without all the others.
CREATE TABLE bulk_block (
    batch     text   NOT NULL,
    number    bigint NOT NULL,
    hash      bytea  NOT NULL CHECK (length(hash) = 32),
    signature text   NOT NULL REFERENCES transaction ON DELETE CASCADE,
    PRIMARY KEY (batch, number)
);
CREATE INDEX bulk_block_signature ON bulk_block (signature);

-- The manifest's JSON about a leaf, if it is of a batch in bulk.
ALTER TABLE leaf ADD told text;

CREATE FUNCTION note_bulk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bulk (batch, signature) VALUES (NEW.subject, NEW.signature) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER note_bulk AFTER INSERT ON event FOR EACH ROW
WHEN (NEW.kind = 'BatchSubmitted' AND (NEW.data ->> 'bulk')::boolean) EXECUTE FUNCTION note_bulk();

INSERT INTO bulk (batch, signature)
SELECT subject, signature FROM event WHERE kind = 'BatchSubmitted' AND (data ->> 'bulk')::boolean;

CREATE OR REPLACE VIEW batch AS
SELECT p.address,
       p.datanet,
       p.index,
       p.contributor,
       o.data ->> 'bond'                         AS bond,
       p.status,
       coalesce((s.data ->> 'count')::bigint, (SELECT count(*) FROM leaf l WHERE l.batch = p.address)) AS count,
       s.data ->> 'root'                         AS root,
       s.data ->> 'manifest'                     AS manifest,
       (s.data ->> 'commit_until')::bigint       AS commit_until,
       (s.data ->> 'reveal_until')::bigint       AS reveal_until,
       (f.data ->> 'place')::bigint              AS place,
       CASE WHEN f.kind = 'BatchAccepted' THEN (f.data ->> 'quality')::int END AS quality,
       coalesce((
           SELECT jsonb_agg(jsonb_build_object('validator', c.data -> 'validator', 'approve', r.data -> 'approve',
                                               'quality', r.data -> 'quality') ORDER BY c.sequence)
           FROM event c
           LEFT JOIN event r ON r.subject = c.subject AND r.kind = 'VerdictRevealed'
                            AND r.data -> 'validator' = c.data -> 'validator'
           WHERE c.subject = p.address AND c.kind = 'VerdictCommitted'
       ), '[]'::jsonb)                           AS reviews,
       p.slot                                    AS opened_slot,
       f.slot                                    AS decided_slot,
       o.finalized AND coalesce(s.finalized, true) AND coalesce(f.finalized, true) AS finalized,
       p.slot AS page_slot, p.id AS page_row,
       coalesce(b.leaves, 'ledger')              AS leaves,
       b.error                                   AS leaves_error
FROM batch_place p
JOIN entry o ON o.id = p.id
LEFT JOIN bulk b ON b.batch = p.address
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry WHERE subject = p.address AND kind = 'BatchSubmitted' LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT kind, data, slot, finalized FROM entry
    WHERE data ->> 'batch' = p.address AND kind IN ('BatchAccepted', 'BatchRejected') LIMIT 1
) f ON true;

CREATE OR REPLACE VIEW contribution AS
SELECT encode(l.hash, 'hex') AS leaf, l.hash, l.position AS place,
       p.datanet, p.address AS batch, p.index AS batch_index, p.contributor, p.status, s.data ->> 'manifest' AS manifest,
       t.signature, t.slot,
       t.finalized AND o.finalized AND coalesce(s.finalized, true) AND coalesce(f.finalized, true) AS finalized,
       p.index AS page_slot, l.position AS page_row,
       l.told
FROM batch_place p
JOIN leaf l ON l.batch = p.address
JOIN transaction t ON t.signature = l.signature
JOIN entry o ON o.id = p.id
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry WHERE subject = p.address AND kind = 'BatchSubmitted' LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT finalized FROM entry
    WHERE data ->> 'batch' = p.address AND kind IN ('BatchAccepted', 'BatchRejected') LIMIT 1
) f ON true;
