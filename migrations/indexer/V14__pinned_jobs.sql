-- Jobs that are pinned to a committee. A job that is released because its committee was succeeded may have a log already,
-- which then no longer counts: the next operator posts its own. So a job's log is the one after its last assignment.
-- The released job is kept for the operator whose log it was, its former one, until somebody else takes it.

CREATE OR REPLACE VIEW job AS
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
       coalesce(d.finalized, r.finalized, x.finalized, l.finalized, last.finalized, e.finalized) AS finalized,
       e.slot AS page_slot, e.id AS page_row,
       coalesce(r.data ->> 'data_share', '0')                      AS data_share,
       coalesce(d.data ->> 'amount', '0')                          AS data_paid,
       (a.data ->> 'committee_epoch')::bigint                      AS committee_epoch,
       (l.data ->> 'segments')::int                                AS segments,
       coalesce(f.slot, e.slot)                                    AS waiting_slot,
       (e.data ->> 'taking_slot')::bigint                          AS taking_slot,
       CASE WHEN coalesce(a.data ->> 'operator' = f.data ->> 'former', true)
            THEN f.data ->> 'former' END                           AS former
FROM entry e
LEFT JOIN LATERAL (
    SELECT * FROM entry WHERE subject = e.subject AND kind IN ('JobAssigned', 'JobReleased') ORDER BY sequence DESC LIMIT 1
) last ON true
LEFT JOIN LATERAL (
    SELECT * FROM entry WHERE subject = e.subject AND kind = 'JobReleased' ORDER BY sequence DESC LIMIT 1
) f ON true
LEFT JOIN entry a ON a.id = last.id AND a.kind = 'JobAssigned'
LEFT JOIN entry l ON l.subject = e.subject AND l.kind = 'LogPosted' AND l.sequence > last.sequence
LEFT JOIN entry r ON r.subject = e.subject AND r.kind = 'ResultAttested'
LEFT JOIN entry d ON d.subject = e.subject AND d.kind = 'DataSharePaid'
LEFT JOIN entry x ON x.subject = e.subject AND x.kind = 'JobEnded'
WHERE e.kind = 'JobRequested';

-- Facts by the view above, on top of those before.
ALTER VIEW fact RENAME TO fact_before_pinning;
CREATE VIEW fact AS
SELECT account, fields FROM fact_before_pinning
UNION ALL
SELECT address, jsonb_build_object('committee_epoch', coalesce(committee_epoch, 0)::text,
                                   'log_root', coalesce(log_root, repeat('0', 64)),
                                   'segments', coalesce(segments, 0)::text,
                                   'taking_slot', taking_slot::text,
                                   'former', coalesce(former, ''))
FROM job;
