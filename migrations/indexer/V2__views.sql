-- State as pure functions of the ledger. The columns are the fields of the API's types (openledger_sdk::api::types) by
-- name and JSON type: amounts are text, slots and counts numbers. `page_slot` and `page_row` order lists, newest last.

CREATE VIEW entry AS
SELECT e.id, e.signature, t.place AS tx_place, e.place, e.program, e.kind, e.subject, e.sequence, e.data,
       t.slot, t.block_time, t.finalized
FROM event e JOIN transaction t USING (signature);

CREATE VIEW feed AS
SELECT id, slot, signature, place AS ordinal, program, kind AS name, subject, sequence, data, finalized, block_time
FROM entry;

-- Event numbers that are missing below one that is there.
CREATE VIEW gap AS
SELECT program, subject, expected AS first, sequence - 1 AS last
FROM (
    SELECT program, subject, sequence,
           coalesce(lag(sequence) OVER (PARTITION BY subject ORDER BY sequence) + 1, 0) AS expected
    FROM event
) numbered
WHERE sequence > expected;

-- Datanet snapshots with the number of batches as a number.
CREATE FUNCTION snapshots(list jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(s || jsonb_build_object('batches', (s ->> 'batches')::numeric) ORDER BY place), '[]'::jsonb)
    FROM jsonb_array_elements(list) WITH ORDINALITY e (s, place)
$$;

CREATE VIEW batch AS
SELECT o.data ->> 'batch'                        AS address,
       o.subject                                 AS datanet,
       (o.data ->> 'index')::bigint              AS index,
       o.data ->> 'contributor'                  AS contributor,
       o.data ->> 'bond'                         AS bond,
       CASE WHEN f.kind = 'BatchAccepted'        THEN 'accepted'
            WHEN (f.data ->> 'expired')::boolean THEN 'expired'
            WHEN f.kind = 'BatchRejected'        THEN 'rejected'
            WHEN s.data IS NOT NULL              THEN 'review'
            ELSE 'open' END                      AS status,
       coalesce((s.data ->> 'count')::bigint,
                (SELECT count(*) FROM leaf l WHERE l.batch = o.data ->> 'batch')) AS count,
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
           WHERE c.subject = o.data ->> 'batch' AND c.kind = 'VerdictCommitted'
       ), '[]'::jsonb)                           AS reviews,
       o.slot                                    AS opened_slot,
       f.slot                                    AS decided_slot,
       coalesce(f.finalized, s.finalized, o.finalized) AS finalized,
       o.slot AS page_slot, o.id AS page_row
FROM entry o
LEFT JOIN entry s ON s.subject = o.data ->> 'batch' AND s.kind = 'BatchSubmitted'
LEFT JOIN entry f ON f.data ->> 'batch' = o.data ->> 'batch' AND f.kind IN ('BatchAccepted', 'BatchRejected')
WHERE o.kind = 'BatchOpened';

-- Leaves with the batch that brought them.
CREATE VIEW contribution AS
SELECT encode(l.hash, 'hex') AS leaf, l.hash, l.position AS place,
       b.datanet, b.address AS batch, b.index AS batch_index, b.contributor, b.status, b.manifest,
       t.signature, t.slot,
       b.finalized AND t.finalized AS finalized,
       b.index AS page_slot, l.position AS page_row
FROM leaf l
JOIN batch b ON b.address = l.batch
JOIN transaction t ON t.signature = l.signature;

CREATE VIEW datanet AS
SELECT e.subject                                        AS address,
       coalesce(c.data ->> 'owner', e.data ->> 'owner') AS owner,
       (e.data ->> 'id')::numeric                       AS id,
       e.data ->> 'name'                                AS name,
       e.data ->> 'metadata_uri'                        AS metadata_uri,
       e.data ->> 'metadata_hash'                       AS metadata_hash,
       e.data ->> 'licence'                             AS licence,
       e.data ->> 'modality'                            AS modality,
       e.data ->> 'access'                              AS access,
       e.data ->> 'min_bond'                            AS min_bond,
       coalesce((c.data ->> 'paused')::boolean, false)  AS paused,
       n.batches, n.accepted, n.rejected, n.contributions, n.contributors,
       -- Of an empty range: the hash of the range tag, a count of zero and the zero hash.
       coalesce(r.root, encode(sha256(decode('03' || repeat('00', 40), 'hex')), 'hex')) AS root,
       e.slot                                           AS created_slot,
       e.signature                                      AS created_signature,
       e.finalized,
       e.slot AS page_slot, e.id AS page_row
FROM entry e
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE kind = 'BatchOpened')   AS batches,
           count(*) FILTER (WHERE kind = 'BatchAccepted') AS accepted,
           count(*) FILTER (WHERE kind = 'BatchRejected') AS rejected,
           coalesce(sum((data ->> 'count')::bigint) FILTER (WHERE kind = 'BatchAccepted'), 0)::bigint AS contributions,
           count(DISTINCT data ->> 'contributor') FILTER (WHERE kind = 'BatchAccepted') AS contributors
    FROM event WHERE subject = e.subject
) n
LEFT JOIN LATERAL (
    SELECT data ->> 'datanet_root' AS root FROM event
    WHERE subject = e.subject AND kind = 'BatchAccepted' ORDER BY (data ->> 'place')::bigint DESC LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT data FROM event WHERE subject = e.subject AND kind = 'DatanetChanged' ORDER BY sequence DESC LIMIT 1
) c ON true
WHERE e.kind = 'DatanetCreated';

CREATE VIEW access_grant AS
SELECT DISTINCT ON (e.subject)
       e.subject AS address, e.data ->> 'status' AS status,
       (SELECT count(*) FROM event u WHERE u.subject = e.subject AND u.kind = 'UseRecorded') AS uses
FROM event e
WHERE e.kind = 'GrantChanged'
ORDER BY e.subject, e.sequence DESC;

CREATE VIEW job AS
SELECT e.subject                                                   AS address,
       e.data ->> 'model'                                          AS model,
       (e.data ->> 'number')::bigint                               AS number,
       e.data ->> 'requester'                                      AS requester,
       e.data ->> 'config_hash'                                    AS config_hash,
       e.data ->> 'seed'                                           AS seed,
       snapshots(e.data -> 'snapshots')                            AS snapshots,
       e.data ->> 'budget'                                         AS budget,
       CASE WHEN r.data IS NOT NULL              THEN 'attested'
            WHEN (x.data ->> 'expired')::boolean THEN 'expired'
            WHEN x.data IS NOT NULL              THEN 'cancelled'
            WHEN a.data IS NOT NULL              THEN 'running'
            ELSE 'requested' END                                   AS status,
       a.data ->> 'operator'                                       AS operator,
       (a.data ->> 'deadline_slot')::bigint                        AS deadline_slot,
       l.data ->> 'log_root'                                       AS log_root,
       r.data ->> 'adapter_hash'                                   AS adapter_hash,
       r.data ->> 'manifest_hash'                                  AS manifest_hash,
       coalesce(r.data -> 'compute', '[]'::jsonb)                  AS compute,
       coalesce(r.data ->> 'paid', '0')                            AS paid,
       coalesce(r.data ->> 'refunded', x.data ->> 'refunded', '0') AS refunded,
       e.slot                                                      AS requested_slot,
       coalesce(r.slot, x.slot)                                    AS ended_slot,
       coalesce(r.finalized, x.finalized, l.finalized, a.finalized, e.finalized) AS finalized,
       e.slot AS page_slot, e.id AS page_row
FROM entry e
LEFT JOIN entry a ON a.subject = e.subject AND a.kind = 'JobAssigned'
LEFT JOIN entry l ON l.subject = e.subject AND l.kind = 'LogPosted'
LEFT JOIN entry r ON r.subject = e.subject AND r.kind = 'ResultAttested'
LEFT JOIN entry x ON x.subject = e.subject AND x.kind = 'JobEnded'
WHERE e.kind = 'JobRequested';

CREATE VIEW model AS
SELECT e.subject                                                AS address,
       e.data ->> 'owner'                                       AS owner,
       (e.data ->> 'id')::numeric                               AS id,
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
       (SELECT count(*) FROM event j WHERE j.kind = 'JobRequested' AND j.data ->> 'model' = e.subject) AS jobs,
       p.answers, p.fees,
       e.slot                                                   AS created_slot,
       e.finalized,
       e.slot AS page_slot, e.id AS page_row
FROM entry e
LEFT JOIN LATERAL (
    SELECT data FROM event WHERE subject = e.subject AND kind = 'ModelChanged' ORDER BY sequence DESC LIMIT 1
) c ON true
LEFT JOIN LATERAL (
    SELECT a.data ->> 'adapter_hash' AS adapter_hash, a.data ->> 'manifest_hash' AS manifest_hash, a.subject AS job,
           snapshots(j.data -> 'snapshots') AS snapshots
    FROM entry a
    LEFT JOIN event j ON j.subject = a.subject AND j.kind = 'JobRequested'
    WHERE a.kind = 'ResultAttested' AND a.data ->> 'model' = e.subject
    ORDER BY a.slot DESC, a.tx_place DESC NULLS LAST, (j.data ->> 'number')::bigint DESC LIMIT 1
) r ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS answers, coalesce(sum((data ->> 'amount')::numeric), 0)::text AS fees
    FROM event WHERE kind = 'Paid' AND data ->> 'model' = e.subject
) p
WHERE e.kind = 'ModelRegistered';

CREATE VIEW receipt AS
SELECT data ->> 'request'         AS request,
       data ->> 'payer'           AS payer,
       data ->> 'model'           AS model,
       data ->> 'operator'        AS operator,
       data ->> 'amount'          AS amount,
       jsonb_build_object('treasury', data -> 'treasury', 'model_owner', data -> 'model_owner',
                          'upstream', data -> 'upstream', 'compute', data -> 'compute',
                          'validators', data -> 'validators', 'contributors', data -> 'contributors') AS parts,
       (data ->> 'epoch')::bigint AS epoch,
       slot, signature, finalized,
       slot AS page_slot, id AS page_row
FROM entry
WHERE kind = 'Paid';

CREATE VIEW settlement AS
SELECT (p.data ->> 'epoch')::bigint           AS epoch,
       CASE WHEN a.data IS NULL THEN 'posted' ELSE 'active' END AS status,
       (p.data -> 'pools' -> 0) || jsonb_build_object('funded', p.data -> 'funded' -> 0) AS contributors,
       (p.data -> 'pools' -> 1) || jsonb_build_object('funded', p.data -> 'funded' -> 1) AS validators,
       p.data ->> 'observations_root'         AS observations_root,
       p.data ->> 'report_hash'               AS report_hash,
       (p.data ->> 'cutoff_slot')::bigint     AS cutoff_slot,
       (p.data ->> 'active_after')::bigint    AS active_after,
       (p.data ->> 'committee_epoch')::bigint AS committee_epoch,
       p.slot                                 AS posted_slot,
       p.signature                            AS signature,
       p.finalized AND coalesce(a.finalized, true) AS finalized,
       (p.data ->> 'epoch')::bigint AS page_slot, p.id AS page_row
FROM entry p
LEFT JOIN entry a ON a.kind = 'SettlementActivated' AND a.data ->> 'epoch' = p.data ->> 'epoch'
WHERE p.kind = 'SettlementPosted';

-- What each wallet has claimed of each pool.
CREATE VIEW claimed AS
SELECT data ->> 'wallet' AS wallet, data ->> 'pool' AS pool,
       sum((data ->> 'paid')::numeric)::text AS paid, bool_and(finalized) AS finalized
FROM entry
WHERE kind = 'Claimed'
GROUP BY 1, 2;

-- Positions as their last change left them.
CREATE VIEW position AS
SELECT f.subject              AS address,
       f.data ->> 'owner'     AS owner,
       f.data ->> 'role'      AS role,
       last.data ->> 'amount' AS amount,
       coalesce(u.data ->> 'unbonding', '0') AS unbonding
FROM event f
CROSS JOIN LATERAL (
    SELECT data FROM event WHERE subject = f.subject AND kind IN ('Staked', 'Unbonding') ORDER BY sequence DESC LIMIT 1
) last
LEFT JOIN LATERAL (
    SELECT data FROM event WHERE subject = f.subject AND kind IN ('Unbonding', 'Withdrawn') ORDER BY sequence DESC LIMIT 1
) u ON true
WHERE f.kind = 'Staked' AND NOT EXISTS (
    SELECT 1 FROM event b WHERE b.subject = f.subject AND b.kind = 'Staked' AND b.sequence < f.sequence
);

-- What operators were paid, by answers and by training.
CREATE VIEW compute_pay AS
SELECT data ->> 'operator' AS wallet, (data ->> 'compute')::numeric AS amount, 1 AS answers FROM event WHERE kind = 'Paid'
UNION ALL
SELECT share ->> 'operator', (share ->> 'amount')::numeric, 0
FROM event CROSS JOIN LATERAL jsonb_array_elements(data -> 'compute') share WHERE kind = 'ResultAttested';

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
       w.answers, w.earned, o.finalized,
       o.slot AS page_slot, o.id AS page_row
FROM entry o
CROSS JOIN LATERAL (
    SELECT coalesce(sum(answers), 0) AS answers, coalesce(sum(amount), 0)::text AS earned
    FROM compute_pay p WHERE p.wallet = o.data ->> 'owner'
) w
WHERE o.kind = 'OperatorRegistered' AND NOT EXISTS (
    SELECT 1 FROM event l WHERE l.subject = o.subject AND l.kind = 'OperatorRegistered' AND l.sequence > o.sequence
);

-- A committee's members are those named since it was last abandoned; of the active ones only the newest still is.
CREATE VIEW committee AS
WITH since AS (
    SELECT subject, coalesce(max(sequence) FILTER (WHERE kind = 'CommitteeAbandoned'), -1) AS start
    FROM event WHERE kind IN ('CommitteeProposed', 'CommitteeAbandoned') GROUP BY subject
), proposed AS (
    SELECT e.subject, (array_agg(e.data ORDER BY e.sequence))[1] AS data, bool_and(e.finalized) AS finalized,
           jsonb_path_query_array(jsonb_agg(e.data -> 'members' ORDER BY e.sequence), '$[*][*]') AS members,
           min(e.slot) AS slot, min(e.id) AS id
    FROM entry e JOIN since s ON s.subject = e.subject AND e.sequence > s.start
    WHERE e.kind = 'CommitteeProposed' GROUP BY e.subject
), confirmed AS (
    SELECT e.subject, max(e.data ->> 'group_key') AS group_key, bool_and(e.finalized) AS finalized,
           jsonb_agg(e.data -> 'member' ORDER BY e.sequence) AS members,
           max(e.slot) FILTER (WHERE (e.data ->> 'active')::boolean) AS active_slot
    FROM entry e JOIN since s ON s.subject = e.subject AND e.sequence > s.start
    WHERE e.kind = 'CommitteeConfirmed' GROUP BY e.subject
)
SELECT p.subject                        AS address,
       (p.data ->> 'epoch')::bigint     AS epoch,
       CASE WHEN c.active_slot IS NOT NULL AND (p.data ->> 'epoch')::bigint < max((p.data ->> 'epoch')::bigint)
                 FILTER (WHERE c.active_slot IS NOT NULL) OVER () THEN 'retired'
            WHEN c.active_slot IS NOT NULL THEN 'active'
            WHEN jsonb_array_length(p.members) = (p.data ->> 'size')::int THEN 'confirming'
            ELSE 'forming' END          AS status,
       (p.data ->> 'threshold')::int    AS threshold,
       (p.data ->> 'size')::int         AS size,
       c.group_key,
       p.members,
       coalesce(c.members, '[]'::jsonb) AS confirmed,
       c.active_slot,
       p.finalized AND coalesce(c.finalized, true) AS finalized,
       (p.data ->> 'epoch')::bigint AS page_slot, p.id AS page_row
FROM proposed p LEFT JOIN confirmed c ON c.subject = p.subject;

-- What the index says about accounts, under the names by which the reconciliation reads the chain.
CREATE VIEW fact AS
SELECT subject AS account, jsonb_build_object('sequence', (max(sequence) + 1)::text) AS fields FROM event GROUP BY subject
UNION ALL
SELECT address, jsonb_build_object('owner', owner, 'batches', batches::text, 'accepted', accepted::text,
                                   'contributions', contributions::text, 'root', root) FROM datanet
UNION ALL
SELECT address, jsonb_build_object('status', status, 'uses', uses::text) FROM access_grant
UNION ALL
SELECT address, jsonb_strip_nulls(jsonb_build_object(
    'status', status, 'price_in', price_in, 'price_out', price_out, 'jobs', jobs::text, 'adapter_hash', adapter_hash))
FROM model
UNION ALL
SELECT address, jsonb_build_object('status', status, 'budget', budget, 'paid', paid, 'refunded', refunded) FROM job
UNION ALL
SELECT address, jsonb_build_object('amount', amount, 'unbonding', unbonding) FROM position
UNION ALL
SELECT address, jsonb_build_object('endpoint', endpoint, 'identity', identity) FROM operator
UNION ALL
SELECT address, jsonb_build_object('status', status) FROM committee
UNION ALL
SELECT subject, jsonb_build_object(
    'posted_contributors', (array_agg(data -> 'pools' -> 0 ->> 'lifetime_total' ORDER BY sequence DESC))[1],
    'posted_validators', (array_agg(data -> 'pools' -> 1 ->> 'lifetime_total' ORDER BY sequence DESC))[1])
FROM event WHERE kind = 'SettlementPosted' GROUP BY subject
UNION ALL
SELECT subject, jsonb_build_object('active_epoch', max((data ->> 'epoch')::bigint)::text)
FROM event WHERE kind = 'SettlementActivated' GROUP BY subject
UNION ALL
SELECT subject, jsonb_build_object('funded_contributors', sum((data ->> 'contributors')::numeric)::text,
                                   'funded_validators', sum((data ->> 'validators')::numeric)::text)
FROM event WHERE kind = 'Paid' GROUP BY subject
UNION ALL
SELECT data ->> 'shard', jsonb_build_object('claimed_' || (data ->> 'pool'), sum((data ->> 'paid')::numeric)::text)
FROM event WHERE kind = 'Claimed' GROUP BY data ->> 'shard', data ->> 'pool'
UNION ALL
SELECT subject, jsonb_build_object('claimed_' || (data ->> 'pool'), sum((data ->> 'paid')::numeric)::text)
FROM event WHERE kind = 'Claimed' GROUP BY subject, data ->> 'pool';
