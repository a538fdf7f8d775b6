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
