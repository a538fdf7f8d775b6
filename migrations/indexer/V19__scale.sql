-- What a long history needs.

-- Views look for an account's events of a kind, or for the last of them. An index by accounts alone, and one by kinds
-- alone, are no help where a kind has many events. Of payments there are the most, and nobody looks for one shard's.
CREATE INDEX event_subject_kind ON event (subject, kind, sequence) WHERE kind <> 'Paid';

-- The feed is in the order of its numbers, whatever narrows it.
CREATE INDEX event_feed_kind    ON event (kind, id);
CREATE INDEX event_feed_subject ON event (subject, id);

-- Sums are kept once for each statement, over all of the events that it adds or removes, and no longer once for each
-- event: a backfill adds hundreds of events by one statement, most of which add to the same few sums.

DROP TRIGGER count_event ON event;
DROP FUNCTION count_event();

CREATE FUNCTION count_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO subject AS s
    SELECT e.subject, min(e.program), sign * count(*), sign * sum(e.sequence) FROM changed e GROUP BY e.subject
    ON CONFLICT (subject) DO UPDATE SET events = s.events + excluded.events, numbers = s.numbers + excluded.numbers;
    INSERT INTO tally AS t
    SELECT c.tally, c.key, sign * count(*), sign * sum(c.amount),
           -- Whatever is taken away was not final, and its transaction may be gone already.
           sign * count(*) FILTER (
               WHERE NOT coalesce((SELECT x.finalized FROM transaction x WHERE x.signature = e.signature), false))
    FROM changed e CROSS JOIN LATERAL counted(e.kind, e.subject, e.data) c WHERE c.key IS NOT NULL GROUP BY 1, 2
    ON CONFLICT (kind, key) DO UPDATE SET events = t.events + excluded.events, amount = t.amount + excluded.amount,
        provisional = t.provisional + excluded.provisional;
    RETURN NULL;
END $$;

CREATE TRIGGER count_new AFTER INSERT ON event REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_events();
CREATE TRIGGER count_gone AFTER DELETE ON event REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_events();
