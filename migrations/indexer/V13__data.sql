-- Training fees' data shares, and whatever else is paid into the pools beside fees.

-- Payments into a pool that are no answer's. `job` is there where a training job paid its data share: its own address is
-- the payer and has signed, so that nobody else can pay in its name.
CREATE VIEW funding AS
SELECT f.data ->> 'pool'            AS pool,
       f.data ->> 'subject'         AS subject,
       f.data ->> 'payer'           AS payer,
       f.data ->> 'amount'          AS amount,
       (f.data ->> 'epoch')::bigint AS epoch,
       j.subject                    AS job,
       j.data ->> 'model'           AS model,
       f.subject                    AS shard,
       f.slot, f.signature, f.finalized,
       f.slot AS page_slot, f.id AS page_row
FROM entry f
LEFT JOIN event j ON j.kind = 'JobRequested' AND j.subject = f.data ->> 'payer' AND j.subject = f.data ->> 'subject'
WHERE f.kind = 'Funded';

-- The data share of each training job.
CREATE VIEW job_data_shares AS
SELECT job, model, amount, epoch, slot FROM funding WHERE job IS NOT NULL AND pool = 'contributors';

-- Everything that was ever paid into the pools, by shard. A kind of event that pays into them belongs here.
CREATE VIEW pool_funding AS
SELECT subject AS shard, (data ->> 'contributors')::numeric AS contributors, (data ->> 'validators')::numeric AS validators
FROM event WHERE kind = 'Paid'
UNION ALL
SELECT shard, CASE WHEN pool = 'contributors' THEN amount::numeric ELSE 0 END,
       CASE WHEN pool = 'validators' THEN amount::numeric ELSE 0 END
FROM funding;

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
       coalesce(d.finalized, r.finalized, x.finalized, l.finalized, a.finalized, e.finalized) AS finalized,
       e.slot AS page_slot, e.id AS page_row,
       coalesce(r.data ->> 'data_share', '0')                      AS data_share,
       coalesce(d.data ->> 'amount', '0')                          AS data_paid
FROM entry e
LEFT JOIN entry a ON a.subject = e.subject AND a.kind = 'JobAssigned'
LEFT JOIN entry l ON l.subject = e.subject AND l.kind = 'LogPosted'
LEFT JOIN entry r ON r.subject = e.subject AND r.kind = 'ResultAttested'
LEFT JOIN entry d ON d.subject = e.subject AND d.kind = 'DataSharePaid'
LEFT JOIN entry x ON x.subject = e.subject AND x.kind = 'JobEnded'
WHERE e.kind = 'JobRequested';

-- Facts by the views above, on top of those of the other programs' views.
ALTER VIEW fact RENAME TO fact_before_funding;
CREATE VIEW fact AS
SELECT account, fields - ARRAY['funded_contributors', 'funded_validators'] AS fields FROM fact_before_funding
UNION ALL
SELECT address, jsonb_build_object('data_share', data_share, 'data_paid', data_paid) FROM job
UNION ALL
SELECT shard, jsonb_build_object('funded_contributors', sum(contributors)::text, 'funded_validators', sum(validators)::text)
FROM pool_funding GROUP BY shard;
