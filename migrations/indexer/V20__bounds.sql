-- Leaves of a batch in bulk are read once it is accepted. Whoever hands in a batch chooses how many there are, and must not
-- fill the index with what nobody wants.

ALTER TABLE bulk ADD accepted boolean NOT NULL DEFAULT false;
DROP INDEX bulk_due;
CREATE INDEX bulk_due ON bulk (next_try) WHERE accepted AND leaves <> 'manifest';

CREATE OR REPLACE FUNCTION note_bulk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bulk (batch, signature, accepted)
    SELECT NEW.subject, NEW.signature,
           EXISTS (SELECT 1 FROM event a WHERE a.data ->> 'batch' = NEW.subject AND a.kind = 'BatchAccepted')
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION accept_bulk() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    e record;
BEGIN
    IF TG_OP = 'INSERT' THEN e := NEW; ELSE e := OLD; END IF;
    UPDATE bulk SET accepted = (TG_OP = 'INSERT') WHERE batch = e.data ->> 'batch';
    RETURN NULL;
END $$;
CREATE TRIGGER accept_bulk_new AFTER INSERT ON event FOR EACH ROW
WHEN (NEW.kind = 'BatchAccepted') EXECUTE FUNCTION accept_bulk();
CREATE TRIGGER accept_bulk_gone AFTER DELETE ON event FOR EACH ROW
WHEN (OLD.kind = 'BatchAccepted') EXECUTE FUNCTION accept_bulk();

UPDATE bulk b SET accepted = EXISTS (
    SELECT 1 FROM event a WHERE a.data ->> 'batch' = b.batch AND a.kind = 'BatchAccepted');
DELETE FROM leaf l USING bulk b WHERE l.batch = b.batch AND NOT b.accepted;
DELETE FROM bulk_block l USING bulk b WHERE l.batch = b.batch AND NOT b.accepted;
UPDATE bulk SET leaves = 'waiting' WHERE NOT accepted AND leaves = 'manifest';

-- The artifact service asks who has a job under way.
CREATE INDEX event_requester ON event ((data ->> 'requester')) WHERE kind = 'JobRequested';
-- It asks for the batches of a Datanet that are under review too.
CREATE INDEX batch_place_review ON batch_place (datanet, slot, id) WHERE status = 'review';

-- Lists of batches are narrowed by where their leaves are.
ALTER TABLE batch_place ADD leaves text NOT NULL DEFAULT 'ledger';
UPDATE batch_place p SET leaves = b.leaves FROM bulk b WHERE b.batch = p.address;
CREATE INDEX batch_place_leaves ON batch_place (leaves, slot, id);

CREATE OR REPLACE FUNCTION batch_places(batch text) RETURNS SETOF batch_place LANGUAGE sql STABLE AS $$
    SELECT batch, o.subject, (o.data ->> 'index')::bigint, o.data ->> 'contributor',
           CASE WHEN f.kind = 'BatchAccepted'        THEN 'accepted'
                WHEN (f.data ->> 'expired')::boolean THEN 'expired'
                WHEN f.kind = 'BatchRejected'        THEN 'rejected'
                WHEN EXISTS (SELECT 1 FROM event s WHERE s.subject = batch AND s.kind = 'BatchSubmitted') THEN 'review'
                ELSE 'open' END,
           o.slot, o.id, coalesce((SELECT b.leaves FROM bulk b WHERE b.batch = batch_places.batch), 'ledger')
    FROM event o
    LEFT JOIN event f ON f.data ->> 'batch' = batch AND f.kind IN ('BatchAccepted', 'BatchRejected')
    WHERE o.data ->> 'batch' = batch AND o.kind = 'BatchOpened'
$$;

CREATE FUNCTION place_bulk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE batch_place SET leaves = 'ledger' WHERE address = OLD.batch;
    ELSE
        UPDATE batch_place SET leaves = NEW.leaves WHERE address = NEW.batch AND leaves <> NEW.leaves;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER place_bulk AFTER INSERT OR UPDATE OF leaves OR DELETE ON bulk FOR EACH ROW EXECUTE FUNCTION place_bulk();

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
       p.leaves,
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
