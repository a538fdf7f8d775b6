-- Training fees' data shares and whatever else is paid into the pools beside fees; versions of models and receipts for
-- work; jobs that were taken from a silent operator; Datanets that were configured anew.

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
       coalesce(d.finalized, r.finalized, x.finalized, l.finalized, last.finalized, e.finalized) AS finalized,
       e.slot AS page_slot, e.id AS page_row,
       coalesce(r.data ->> 'data_share', '0')                      AS data_share,
       coalesce(d.data ->> 'amount', '0')                          AS data_paid
FROM entry e
LEFT JOIN LATERAL (
    SELECT * FROM entry WHERE subject = e.subject AND kind IN ('JobAssigned', 'JobReleased') ORDER BY sequence DESC LIMIT 1
) last ON true
LEFT JOIN entry a ON a.id = last.id AND a.kind = 'JobAssigned'
LEFT JOIN entry l ON l.subject = e.subject AND l.kind = 'LogPosted'
LEFT JOIN entry r ON r.subject = e.subject AND r.kind = 'ResultAttested'
LEFT JOIN entry d ON d.subject = e.subject AND d.kind = 'DataSharePaid'
LEFT JOIN entry x ON x.subject = e.subject AND x.kind = 'JobEnded'
WHERE e.kind = 'JobRequested';

-- Every version of a model: what each attested result made of it.
CREATE VIEW model_version AS
SELECT data ->> 'model'                AS model,
       (data ->> 'version')::bigint    AS version,
       subject                         AS job,
       data ->> 'adapter_hash'         AS adapter_hash,
       data ->> 'manifest_hash'        AS manifest_hash,
       slot, signature, finalized
FROM entry WHERE kind = 'ResultAttested';

-- The operators' receipts for their work, as the committee attested them.
CREATE VIEW compute_receipt AS
SELECT e.subject                    AS job,
       e.data ->> 'model'           AS model,
       share ->> 'operator'         AS operator,
       (share ->> 'units')::numeric AS units,
       share ->> 'amount'           AS amount,
       (e.data ->> 'committee_epoch')::bigint AS committee_epoch,
       e.slot, e.signature, e.finalized
FROM entry e CROSS JOIN LATERAL jsonb_array_elements(e.data -> 'compute') share
WHERE e.kind = 'ResultAttested';

CREATE OR REPLACE VIEW datanet AS
SELECT e.subject                                        AS address,
       coalesce(c.data ->> 'owner', e.data ->> 'owner') AS owner,
       (e.data ->> 'id')::numeric                       AS id,
       e.data ->> 'name'                                AS name,
       coalesce(k.data, e.data) ->> 'metadata_uri'      AS metadata_uri,
       coalesce(k.data, e.data) ->> 'metadata_hash'     AS metadata_hash,
       e.data ->> 'licence'                             AS licence,
       e.data ->> 'modality'                            AS modality,
       e.data ->> 'access'                              AS access,
       coalesce(k.data, e.data) ->> 'min_bond'          AS min_bond,
       coalesce((c.data ->> 'paused')::boolean, false)  AS paused,
       n.batches, n.accepted, n.rejected, n.contributions, n.contributors,
       -- Of an empty range: the hash of the range tag, a count of zero and the zero hash.
       coalesce(r.root, encode(sha256(decode('03' || repeat('00', 40), 'hex')), 'hex')) AS root,
       e.slot                                           AS created_slot,
       e.signature                                      AS created_signature,
       e.finalized,
       e.slot AS page_slot, e.id AS page_row,
       (coalesce(k.data, e.data) ->> 'panel_size')::int AS panel_size,
       (coalesce(k.data, e.data) ->> 'quorum')::int     AS quorum
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
LEFT JOIN LATERAL (
    SELECT data FROM event WHERE subject = e.subject AND kind = 'DatanetConfigured' ORDER BY sequence DESC LIMIT 1
) k ON true
WHERE e.kind = 'DatanetCreated';

-- Facts by the views above, on top of those of the other programs' views.
ALTER VIEW fact RENAME TO fact_before_funding;
CREATE VIEW fact AS
SELECT account, fields - ARRAY['funded_contributors', 'funded_validators'] AS fields FROM fact_before_funding
UNION ALL
SELECT address, jsonb_build_object('data_share', data_share, 'data_paid', data_paid) FROM job
UNION ALL
SELECT address, jsonb_build_object('min_bond', min_bond, 'metadata_hash', metadata_hash) FROM datanet
UNION ALL
SELECT address, jsonb_build_object('versions', (SELECT count(*) FROM model_version v WHERE v.model = model.address)::text)
FROM model
UNION ALL
SELECT shard, jsonb_build_object('funded_contributors', sum(contributors)::text, 'funded_validators', sum(validators)::text)
FROM pool_funding GROUP BY shard;
