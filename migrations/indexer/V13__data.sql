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

-- What the index says about accounts, under the names by which the reconciliation reads the chain.
CREATE OR REPLACE VIEW fact AS
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
SELECT address, jsonb_build_object('status', status, 'budget', budget, 'paid', paid, 'data_share', data_share,
                                   'data_paid', data_paid, 'refunded', refunded) FROM job
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
SELECT shard, jsonb_build_object('funded_contributors', sum(contributors)::text, 'funded_validators', sum(validators)::text)
FROM pool_funding GROUP BY shard
UNION ALL
SELECT data ->> 'shard', jsonb_build_object('claimed_' || (data ->> 'pool'), sum((data ->> 'paid')::numeric)::text)
FROM event WHERE kind = 'Claimed' GROUP BY data ->> 'shard', data ->> 'pool'
UNION ALL
SELECT subject, jsonb_build_object('claimed_' || (data ->> 'pool'), sum((data ->> 'paid')::numeric)::text)
FROM event WHERE kind = 'Claimed' GROUP BY subject, data ->> 'pool';
