-- What answers read, so that none looks through the whole history. Every row here is a sum over the ledger's tables, kept
-- by triggers in the SQL transaction that changes those. Sums do not depend on the order of arrival, and what a roll-back
-- takes away it takes away here too.

-- Lists are by slot, newest first. An event's slot is its transaction's.
ALTER TABLE event ADD slot bigint;
UPDATE event e SET slot = t.slot FROM transaction t WHERE t.signature = e.signature;
ALTER TABLE event ALTER slot SET NOT NULL;

-- Each index holds only events that have the field, with the kind that every view asks for too. Those by which lists are
-- narrowed give the events in the list's order.
DROP INDEX event_kind, event_datanet, event_batch, event_model, event_request, event_wallet, event_operator, event_payer,
    event_contributor, event_owner, event_shard;
CREATE INDEX event_kind        ON event (kind, slot, id);
CREATE INDEX event_program     ON event (program, id);
CREATE INDEX event_model       ON event ((data ->> 'model'), kind, slot, id)    WHERE (data ->> 'model') IS NOT NULL;
CREATE INDEX event_payer       ON event ((data ->> 'payer'), kind, slot, id)    WHERE (data ->> 'payer') IS NOT NULL;
CREATE INDEX event_operator    ON event ((data ->> 'operator'), kind, slot, id) WHERE (data ->> 'operator') IS NOT NULL;
CREATE INDEX event_batch       ON event ((data ->> 'batch'), kind) WHERE (data ->> 'batch') IS NOT NULL;
CREATE INDEX event_request     ON event ((data ->> 'request'), kind) WHERE (data ->> 'request') IS NOT NULL;
CREATE INDEX event_wallet      ON event ((data ->> 'wallet'), kind) WHERE (data ->> 'wallet') IS NOT NULL;
CREATE INDEX event_contributor ON event ((data ->> 'contributor'), kind) WHERE (data ->> 'contributor') IS NOT NULL;
CREATE INDEX event_owner       ON event ((data ->> 'owner'), kind) WHERE (data ->> 'owner') IS NOT NULL;
CREATE INDEX event_parent      ON event ((data ->> 'parent'), kind) WHERE (data ->> 'parent') IS NOT NULL;

CREATE OR REPLACE VIEW entry AS
SELECT e.id, e.signature, t.place AS tx_place, e.place, e.program, e.kind, e.subject, e.sequence, e.data,
       e.slot, t.block_time, t.finalized
FROM event e JOIN transaction t USING (signature);

-- The events of each subject: how many, and the sum of their numbers. The numbers are 0, 1, … without a gap if and only if
-- their sum is the least that so many numbers can have.
CREATE TABLE subject (
    subject text    PRIMARY KEY,
    program text    NOT NULL,
    events  bigint  NOT NULL,
    numbers numeric NOT NULL
);
CREATE INDEX subject_gap ON subject (subject) WHERE numbers <> events::numeric * (events - 1) / 2;

-- Event numbers that are missing below one that is there.
CREATE OR REPLACE VIEW gap AS
SELECT program, subject, expected AS first, sequence - 1 AS last
FROM (
    SELECT program, subject, sequence,
           coalesce(lag(sequence) OVER (PARTITION BY subject ORDER BY sequence) + 1, 0) AS expected
    FROM event
    WHERE subject IN (SELECT s.subject FROM subject s WHERE s.numbers <> s.events::numeric * (s.events - 1) / 2)
) numbered
WHERE sequence > expected;

-- Sums over events: how many there are, what they amount to, and how many of them are not final.
CREATE TABLE tally (
    kind        text    NOT NULL,
    key         text    NOT NULL,
    events      bigint  NOT NULL,
    amount      numeric NOT NULL,
    provisional bigint  NOT NULL,
    PRIMARY KEY (kind, key)
) WITH (fillfactor = 70);

-- The sums to which an event adds.
CREATE FUNCTION counted(kind text, subject text, data jsonb) RETURNS TABLE (tally text, key text, amount numeric)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN QUERY VALUES ('event', '', 0::numeric);
    CASE kind
        WHEN 'Paid' THEN RETURN QUERY VALUES
            ('model_fees',          data ->> 'model',    (data ->> 'amount')::numeric),
            ('model_owner_fees',    data ->> 'model',    (data ->> 'model_owner')::numeric),
            ('model_upstream_fees', data ->> 'model',    (data ->> 'upstream')::numeric),
            ('payer_fees',          data ->> 'payer',    (data ->> 'amount')::numeric),
            ('operator_fees',       data ->> 'operator', (data ->> 'compute')::numeric),
            ('shard_contributors',  subject,             (data ->> 'contributors')::numeric),
            ('shard_validators',    subject,             (data ->> 'validators')::numeric);
        WHEN 'Funded' THEN RETURN QUERY VALUES
            ('shard_' || (data ->> 'pool'), subject, (data ->> 'amount')::numeric);
        WHEN 'Claimed' THEN RETURN QUERY VALUES
            ('claimed_' || (data ->> 'pool'),       subject,           (data ->> 'paid')::numeric),
            ('shard_claimed_' || (data ->> 'pool'), data ->> 'shard',  (data ->> 'paid')::numeric);
        WHEN 'ResultAttested' THEN RETURN QUERY
            SELECT 'operator_training', share ->> 'operator', (share ->> 'amount')::numeric
            FROM jsonb_array_elements(data -> 'compute') share;
        WHEN 'JobRequested' THEN RETURN QUERY VALUES ('model_jobs', data ->> 'model', 0::numeric);
        WHEN 'BatchOpened' THEN RETURN QUERY VALUES ('datanet_opened', subject, 0::numeric);
        WHEN 'BatchAccepted' THEN RETURN QUERY VALUES
            ('datanet_accepted',                subject,                (data ->> 'count')::numeric),
            ('contributor',                     data ->> 'contributor', (data ->> 'count')::numeric),
            ('datanet_contributor_' || subject, data ->> 'contributor', (data ->> 'count')::numeric);
        WHEN 'BatchRejected' THEN RETURN QUERY VALUES ('datanet_rejected', subject, 0::numeric);
        WHEN 'UseRecorded' THEN RETURN QUERY VALUES ('grant_uses', subject, 0::numeric);
        ELSE NULL;
    END CASE;
END $$;

CREATE FUNCTION count_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    e    record;
    sign integer;
    open boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        e := NEW; sign := 1;
    ELSE
        e := OLD; sign := -1;
    END IF;
    -- Whatever is taken away was not final, and its transaction may be gone already.
    SELECT NOT t.finalized INTO open FROM transaction t WHERE t.signature = e.signature;
    INSERT INTO subject AS s VALUES (e.subject, e.program, sign, sign * e.sequence)
    ON CONFLICT (subject) DO UPDATE SET events = s.events + excluded.events, numbers = s.numbers + excluded.numbers;
    INSERT INTO tally AS t
    SELECT c.tally, c.key, sign * count(*), sign * sum(c.amount),
           CASE WHEN coalesce(open, true) THEN sign * count(*) ELSE 0 END
    FROM counted(e.kind, e.subject, e.data) c WHERE c.key IS NOT NULL GROUP BY 1, 2
    ON CONFLICT (kind, key) DO UPDATE SET events = t.events + excluded.events, amount = t.amount + excluded.amount,
        provisional = t.provisional + excluded.provisional;
    RETURN NULL;
END $$;
CREATE TRIGGER count_event AFTER INSERT OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION count_event();

CREATE FUNCTION count_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tally t SET provisional = t.provisional - c.number
    FROM (
        SELECT c.tally, c.key, count(*) AS number
        FROM after JOIN before USING (signature) JOIN event e USING (signature)
        CROSS JOIN LATERAL counted(e.kind, e.subject, e.data) c
        WHERE after.finalized AND NOT before.finalized GROUP BY 1, 2
    ) c
    WHERE t.kind = c.tally AND t.key = c.key;
    RETURN NULL;
END $$;
CREATE TRIGGER count_final AFTER UPDATE ON transaction REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION count_final();

-- Batches with what their lists are narrowed and ordered by. A row is worked out anew from the batch's own events whenever
-- one of them comes or goes.
CREATE TABLE batch_place (
    address     text   PRIMARY KEY,
    datanet     text   NOT NULL,
    index       bigint NOT NULL,
    contributor text   NOT NULL,
    status      text   NOT NULL,
    slot        bigint NOT NULL,
    -- That of the event by which it was opened.
    id          bigint NOT NULL
);
CREATE INDEX batch_place_slot        ON batch_place (slot, id);
CREATE INDEX batch_place_datanet     ON batch_place (datanet, slot, id);
CREATE INDEX batch_place_index       ON batch_place (datanet, index);
CREATE INDEX batch_place_contributor ON batch_place (contributor, slot, id);
CREATE INDEX batch_place_status      ON batch_place (status, slot, id);

CREATE FUNCTION batch_places(batch text) RETURNS SETOF batch_place LANGUAGE sql STABLE AS $$
    SELECT batch, o.subject, (o.data ->> 'index')::bigint, o.data ->> 'contributor',
           CASE WHEN f.kind = 'BatchAccepted'        THEN 'accepted'
                WHEN (f.data ->> 'expired')::boolean THEN 'expired'
                WHEN f.kind = 'BatchRejected'        THEN 'rejected'
                WHEN EXISTS (SELECT 1 FROM event s WHERE s.subject = batch AND s.kind = 'BatchSubmitted') THEN 'review'
                ELSE 'open' END,
           o.slot, o.id
    FROM event o
    LEFT JOIN event f ON f.data ->> 'batch' = batch AND f.kind IN ('BatchAccepted', 'BatchRejected')
    WHERE o.data ->> 'batch' = batch AND o.kind = 'BatchOpened'
$$;

CREATE FUNCTION place_batch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    e     record;
    batch text;
BEGIN
    IF TG_OP = 'INSERT' THEN e := NEW; ELSE e := OLD; END IF;
    batch := CASE WHEN e.kind = 'BatchSubmitted' THEN e.subject ELSE e.data ->> 'batch' END;
    DELETE FROM batch_place WHERE address = batch;
    INSERT INTO batch_place SELECT * FROM batch_places(batch);
    RETURN NULL;
END $$;
CREATE TRIGGER place_batch_new AFTER INSERT ON event FOR EACH ROW
WHEN (NEW.kind IN ('BatchOpened', 'BatchSubmitted', 'BatchAccepted', 'BatchRejected')) EXECUTE FUNCTION place_batch();
CREATE TRIGGER place_batch_gone AFTER DELETE ON event FOR EACH ROW
WHEN (OLD.kind IN ('BatchOpened', 'BatchSubmitted', 'BatchAccepted', 'BatchRejected')) EXECUTE FUNCTION place_batch();

INSERT INTO batch_place
SELECT p.* FROM event o CROSS JOIN LATERAL batch_places(o.data ->> 'batch') p WHERE o.kind = 'BatchOpened';
INSERT INTO subject SELECT subject, min(program), count(*), sum(sequence) FROM event GROUP BY subject;
INSERT INTO tally
SELECT c.tally, c.key, count(*), sum(c.amount), count(*) FILTER (WHERE NOT e.finalized)
FROM entry e CROSS JOIN LATERAL counted(e.kind, e.subject, e.data) c WHERE c.key IS NOT NULL GROUP BY 1, 2;

-- The views that read them, and numbers that are texts because they use all 64 bits.

DROP VIEW fact, fact_before_pinning, fact_before_funding, fact_before_challenges, fact_before_delegation;
DROP VIEW operator, compute_pay, pool_funding, model, datanet;

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
       p.slot AS page_slot, p.id AS page_row
FROM batch_place p
JOIN entry o ON o.id = p.id
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry WHERE subject = p.address AND kind = 'BatchSubmitted' LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT kind, data, slot, finalized FROM entry
    WHERE data ->> 'batch' = p.address AND kind IN ('BatchAccepted', 'BatchRejected') LIMIT 1
) f ON true;

-- Leaves with the batch that brought them.
CREATE OR REPLACE VIEW contribution AS
SELECT encode(l.hash, 'hex') AS leaf, l.hash, l.position AS place,
       p.datanet, p.address AS batch, p.index AS batch_index, p.contributor, p.status, s.data ->> 'manifest' AS manifest,
       t.signature, t.slot,
       t.finalized AND o.finalized AND coalesce(s.finalized, true) AND coalesce(f.finalized, true) AS finalized,
       p.index AS page_slot, l.position AS page_row
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

CREATE OR REPLACE VIEW access_grant AS
SELECT DISTINCT ON (e.subject)
       e.subject AS address, e.data ->> 'status' AS status,
       coalesce((SELECT u.events FROM tally u WHERE u.kind = 'grant_uses' AND u.key = e.subject), 0) AS uses
FROM event e
WHERE e.kind = 'GrantChanged'
ORDER BY e.subject, e.sequence DESC;

CREATE VIEW datanet AS
SELECT e.subject                                        AS address,
       coalesce(c.data ->> 'owner', e.data ->> 'owner') AS owner,
       e.data ->> 'id'                                  AS id,
       e.data ->> 'name'                                AS name,
       coalesce(k.data, e.data) ->> 'metadata_uri'      AS metadata_uri,
       coalesce(k.data, e.data) ->> 'metadata_hash'     AS metadata_hash,
       e.data ->> 'licence'                             AS licence,
       e.data ->> 'modality'                            AS modality,
       e.data ->> 'access'                              AS access,
       coalesce(k.data, e.data) ->> 'min_bond'          AS min_bond,
       coalesce((c.data ->> 'paused')::boolean, false)  AS paused,
       coalesce(o.events, 0)                            AS batches,
       coalesce(a.events, 0)                            AS accepted,
       coalesce(x.events, 0)                            AS rejected,
       coalesce(a.amount, 0)::bigint                    AS contributions,
       (SELECT count(*) FROM tally n
        WHERE n.kind = 'datanet_contributor_' || e.subject AND n.events > 0) AS contributors,
       -- Of an empty range: the hash of the range tag, a count of zero and the zero hash.
       coalesce(r.root, encode(sha256(decode('03' || repeat('00', 40), 'hex')), 'hex')) AS root,
       e.slot                                           AS created_slot,
       e.signature                                      AS created_signature,
       e.finalized AND coalesce(c.finalized, true) AND coalesce(k.finalized, true)
           AND coalesce(o.provisional, 0) + coalesce(a.provisional, 0) + coalesce(x.provisional, 0) = 0 AS finalized,
       e.slot AS page_slot, e.id AS page_row,
       (coalesce(k.data, e.data) ->> 'panel_size')::int AS panel_size,
       (coalesce(k.data, e.data) ->> 'quorum')::int     AS quorum
FROM entry e
LEFT JOIN tally o ON o.kind = 'datanet_opened'   AND o.key = e.subject
LEFT JOIN tally a ON a.kind = 'datanet_accepted' AND a.key = e.subject
LEFT JOIN tally x ON x.kind = 'datanet_rejected' AND x.key = e.subject
LEFT JOIN LATERAL (
    -- Events of one subject are numbered in the order of execution, in which batches are accepted too.
    SELECT data ->> 'datanet_root' AS root FROM event
    WHERE subject = e.subject AND kind = 'BatchAccepted' ORDER BY sequence DESC LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = e.subject AND kind = 'DatanetChanged' ORDER BY sequence DESC LIMIT 1
) c ON true
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = e.subject AND kind = 'DatanetConfigured' ORDER BY sequence DESC LIMIT 1
) k ON true
WHERE e.kind = 'DatanetCreated';

CREATE VIEW model AS
SELECT e.subject                                                AS address,
       e.data ->> 'owner'                                       AS owner,
       e.data ->> 'id'                                          AS id,
       e.data ->> 'name'                                        AS name,
       e.data ->> 'base_hash'                                   AS base_hash,
       e.data ->> 'parent'                                      AS parent,
       r.adapter_hash, r.manifest_hash, r.job,
       coalesce(r.snapshots, '[]'::jsonb)                       AS snapshots,
       coalesce(c.data ->> 'price_in', e.data ->> 'price_in')   AS price_in,
       coalesce(c.data ->> 'price_out', e.data ->> 'price_out') AS price_out,
       CASE WHEN (c.data ->> 'retired')::boolean THEN 'retired'
            WHEN r.job IS NOT NULL               THEN 'ready'
            ELSE 'draft' END                                    AS status,
       coalesce(j.events, 0)                                    AS jobs,
       coalesce(p.events, 0)                                    AS answers,
       coalesce(p.amount, 0)::text                              AS fees,
       e.slot                                                   AS created_slot,
       e.finalized AND coalesce(c.finalized, true) AND coalesce(r.finalized, true)
           AND coalesce(p.provisional, 0) + coalesce(j.provisional, 0) = 0 AS finalized,
       e.slot AS page_slot, e.id AS page_row
FROM entry e
LEFT JOIN tally j ON j.kind = 'model_jobs' AND j.key = e.subject
LEFT JOIN tally p ON p.kind = 'model_fees' AND p.key = e.subject
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = e.subject AND kind = 'ModelChanged' ORDER BY sequence DESC LIMIT 1
) c ON true
LEFT JOIN LATERAL (
    SELECT a.data ->> 'adapter_hash' AS adapter_hash, a.data ->> 'manifest_hash' AS manifest_hash, a.subject AS job,
           snapshots(j.data -> 'snapshots') AS snapshots, a.finalized
    FROM entry a
    LEFT JOIN event j ON j.subject = a.subject AND j.kind = 'JobRequested'
    WHERE a.kind = 'ResultAttested' AND a.data ->> 'model' = e.subject
    ORDER BY a.slot DESC, a.tx_place DESC NULLS LAST, (j.data ->> 'number')::bigint DESC LIMIT 1
) r ON true
WHERE e.kind = 'ModelRegistered';

CREATE VIEW operator AS
SELECT o.subject             AS address,
       o.data ->> 'owner'    AS owner,
       o.data ->> 'identity' AS identity,
       o.data ->> 'endpoint' AS endpoint,
       to_jsonb(array_remove(ARRAY[
           CASE WHEN (o.data ->> 'capabilities')::bigint & 1 <> 0 THEN 'train' END,
           CASE WHEN (o.data ->> 'capabilities')::bigint & 2 <> 0 THEN 'serve' END,
           CASE WHEN (o.data ->> 'capabilities')::bigint & 4 <> 0 THEN 'attribute' END], NULL)) AS capabilities,
       coalesce((SELECT amount FROM position p
                 WHERE p.owner = o.data ->> 'owner' AND p.role = 'operator'), '0') AS staked,
       coalesce(a.events, 0) AS answers,
       (coalesce(a.amount, 0) + coalesce(w.amount, 0))::text AS earned,
       o.finalized AND coalesce(a.provisional, 0) + coalesce(w.provisional, 0) = 0 AS finalized,
       o.slot AS page_slot, o.id AS page_row
FROM entry o
LEFT JOIN tally a ON a.kind = 'operator_fees'     AND a.key = o.data ->> 'owner'
LEFT JOIN tally w ON w.kind = 'operator_training' AND w.key = o.data ->> 'owner'
WHERE o.kind = 'OperatorRegistered' AND NOT EXISTS (
    SELECT 1 FROM event l WHERE l.subject = o.subject AND l.kind = 'OperatorRegistered' AND l.sequence > o.sequence
);

-- What the index says about accounts, under the names by which the reconciliation reads the chain.
CREATE VIEW fact AS
SELECT s.subject AS account, jsonb_build_object('sequence', (
           CASE WHEN s.numbers = s.events::numeric * (s.events - 1) / 2 THEN s.events
                ELSE (SELECT max(e.sequence) + 1 FROM event e WHERE e.subject = s.subject) END)::text) AS fields
FROM subject s WHERE s.events > 0
UNION ALL
SELECT address, jsonb_build_object('owner', owner, 'batches', batches::text, 'accepted', accepted::text,
                                   'contributions', contributions::text, 'root', root, 'min_bond', min_bond,
                                   'metadata_hash', metadata_hash) FROM datanet
UNION ALL
SELECT address, jsonb_build_object('status', status, 'uses', uses::text) FROM access_grant
UNION ALL
SELECT address, jsonb_strip_nulls(jsonb_build_object(
    'status', status, 'price_in', price_in, 'price_out', price_out, 'jobs', jobs::text, 'adapter_hash', adapter_hash,
    'versions', (SELECT count(*) FROM model_version v WHERE v.model = model.address)::text))
FROM model
UNION ALL
SELECT address, jsonb_build_object(
    'status', status, 'budget', budget, 'paid', paid, 'refunded', refunded, 'data_share', data_share,
    'data_paid', data_paid, 'committee_epoch', coalesce(committee_epoch, 0)::text,
    'log_root', coalesce(log_root, repeat('0', 64)), 'segments', coalesce(segments, 0)::text,
    'taking_slot', taking_slot::text, 'former', coalesce(former, ''))
FROM job
UNION ALL
SELECT address, jsonb_build_object('amount', amount, 'unbonding', unbonding) FROM position
UNION ALL
SELECT address, jsonb_build_object('endpoint', endpoint, 'identity', identity) FROM operator
UNION ALL
SELECT address, jsonb_build_object('status', status) FROM committee
UNION ALL
-- A rejected settlement is posted no longer.
SELECT subject, jsonb_build_object(
    'posted_epoch', coalesce(max(epoch) FILTER (WHERE status <> 'rejected'), 0)::text,
    'posted_contributors', coalesce((array_agg(data -> 'pools' -> 0 ->> 'lifetime_total' ORDER BY sequence DESC)
                                     FILTER (WHERE status <> 'rejected'))[1], '0'),
    'posted_validators', coalesce((array_agg(data -> 'pools' -> 1 ->> 'lifetime_total' ORDER BY sequence DESC)
                                   FILTER (WHERE status <> 'rejected'))[1], '0'))
FROM posting GROUP BY subject
UNION ALL
SELECT subject, jsonb_build_object('active_epoch', max((data ->> 'epoch')::bigint)::text)
FROM event WHERE kind = 'SettlementActivated' GROUP BY subject
UNION ALL
SELECT key, jsonb_build_object(CASE kind
    WHEN 'shard_contributors'         THEN 'funded_contributors'
    WHEN 'shard_validators'           THEN 'funded_validators'
    WHEN 'shard_claimed_contributors' THEN 'claimed_contributors'
    WHEN 'shard_claimed_validators'   THEN 'claimed_validators'
    ELSE kind END, amount::text)
FROM tally
WHERE kind IN ('shard_contributors', 'shard_validators', 'shard_claimed_contributors', 'shard_claimed_validators',
               'claimed_contributors', 'claimed_validators') AND events > 0
UNION ALL
SELECT address, jsonb_build_object('amount', amount, 'debited', debited, 'withdrawing', withdrawing) FROM prepaid
UNION ALL
SELECT address, jsonb_build_object('next_commission_bps', next_commission_bps::text) FROM stake_pool
UNION ALL
SELECT address, jsonb_build_object('shares', shares, 'unbonding_shares', unbonding_shares) FROM delegation;
