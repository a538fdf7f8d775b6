-- Roll-backs are numbered, so that the live feed tells each of them once. Writers take one lock, so numbers become visible in
-- ascending order.
ALTER TABLE rollback ADD id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;

-- A row is final only if everything that it shows is.

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
       -- Leaves and verdicts come before the decision: those of a batch whose decision is final are final too.
       o.finalized AND coalesce(s.finalized, true) AND CASE WHEN f.kind IS NULL THEN NOT EXISTS (
           SELECT 1 FROM entry v
           WHERE v.subject = p.address AND v.kind IN ('Contributed', 'VerdictCommitted', 'VerdictRevealed') AND NOT v.finalized
       ) ELSE f.finalized END AS finalized,
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

CREATE OR REPLACE VIEW operator AS
SELECT o.subject             AS address,
       o.data ->> 'owner'    AS owner,
       o.data ->> 'identity' AS identity,
       o.data ->> 'endpoint' AS endpoint,
       to_jsonb(array_remove(ARRAY[
           CASE WHEN (o.data ->> 'capabilities')::bigint & 1 <> 0 THEN 'train' END,
           CASE WHEN (o.data ->> 'capabilities')::bigint & 2 <> 0 THEN 'serve' END,
           CASE WHEN (o.data ->> 'capabilities')::bigint & 4 <> 0 THEN 'attribute' END], NULL)) AS capabilities,
       coalesce(k.amount, '0') AS staked,
       coalesce(a.events, 0) AS answers,
       (coalesce(a.amount, 0) + coalesce(w.amount, 0))::text AS earned,
       o.finalized AND coalesce(k.finalized, true)
           AND coalesce(a.provisional, 0) + coalesce(w.provisional, 0) = 0 AS finalized,
       o.slot AS page_slot, o.id AS page_row
FROM entry o
LEFT JOIN tally a ON a.kind = 'operator_fees'     AND a.key = o.data ->> 'owner'
LEFT JOIN tally w ON w.kind = 'operator_training' AND w.key = o.data ->> 'owner'
LEFT JOIN LATERAL (
    SELECT p.amount, (SELECT bool_and(e.finalized) FROM entry e WHERE e.subject = p.address) AS finalized
    FROM position p WHERE p.owner = o.data ->> 'owner' AND p.role = 'operator' LIMIT 1
) k ON true
WHERE o.kind = 'OperatorRegistered' AND NOT EXISTS (
    SELECT 1 FROM event l WHERE l.subject = o.subject AND l.kind = 'OperatorRegistered' AND l.sequence > o.sequence
);

CREATE OR REPLACE VIEW committee AS
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
           max(e.slot) FILTER (WHERE (e.data ->> 'active')::boolean) AS active_slot,
           bool_and(e.finalized) FILTER (WHERE (e.data ->> 'active')::boolean) AS active_finalized
    FROM entry e JOIN since s ON s.subject = e.subject AND e.sequence > s.start
    WHERE e.kind = 'CommitteeConfirmed' GROUP BY e.subject
), newest AS (
    -- It is what makes the others retired.
    SELECT (p.data ->> 'epoch')::bigint AS epoch, p.finalized AND c.active_finalized AS finalized
    FROM proposed p JOIN confirmed c USING (subject)
    WHERE c.active_slot IS NOT NULL ORDER BY 1 DESC LIMIT 1
)
SELECT p.subject                        AS address,
       (p.data ->> 'epoch')::bigint     AS epoch,
       CASE WHEN c.active_slot IS NOT NULL AND (p.data ->> 'epoch')::bigint < n.epoch THEN 'retired'
            WHEN c.active_slot IS NOT NULL THEN 'active'
            WHEN jsonb_array_length(p.members) = (p.data ->> 'size')::int THEN 'confirming'
            ELSE 'forming' END          AS status,
       (p.data ->> 'threshold')::int    AS threshold,
       (p.data ->> 'size')::int         AS size,
       c.group_key,
       p.members,
       coalesce(c.members, '[]'::jsonb) AS confirmed,
       c.active_slot,
       p.finalized AND coalesce(c.finalized, true)
           AND (c.active_slot IS NULL OR (p.data ->> 'epoch')::bigint >= n.epoch OR n.finalized) AS finalized,
       (p.data ->> 'epoch')::bigint AS page_slot, p.id AS page_row
FROM proposed p LEFT JOIN confirmed c ON c.subject = p.subject LEFT JOIN newest n ON true;
