-- A settlement can be challenged and rejected, and its epoch posted again; OPEN can be paid ahead.

-- Every posting with what became of it. Only one settlement waits at a time, so that an event behind a posting and
-- before the next one is about it.
CREATE VIEW posting AS
WITH posted AS (
    SELECT id, signature, slot, finalized, subject, sequence, data,
           lead(sequence) OVER (PARTITION BY subject ORDER BY sequence) AS next
    FROM entry WHERE kind = 'SettlementPosted'
)
SELECT p.id, p.signature, p.slot, p.subject, p.sequence, p.data,
       (p.data ->> 'epoch')::bigint AS epoch,
       -- First of all rejected: a posting that is not indexed yet may own the events behind.
       CASE WHEN f.rejected                    THEN 'rejected'
            WHEN f.activated                   THEN 'active'
            WHEN f.challenged > f.resolved     THEN 'challenged'
            ELSE 'posted' END AS status,
       coalesce(f.active_after, (p.data ->> 'active_after')::bigint) AS active_after,
       p.finalized AND f.finalized AS finalized
FROM posted p
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(data ->> 'outcome' = 'upheld'), false)    AS rejected,
           coalesce(bool_or(kind = 'SettlementActivated'), false)     AS activated,
           count(*) FILTER (WHERE kind = 'SettlementChallenged')      AS challenged,
           count(*) FILTER (WHERE kind = 'ChallengeResolved')         AS resolved,
           max((data ->> 'active_after')::bigint)
               FILTER (WHERE kind = 'ChallengeResolved' AND data ->> 'outcome' <> 'upheld') AS active_after,
           coalesce(bool_and(finalized), true)                        AS finalized
    FROM entry
    WHERE subject = p.subject AND sequence > p.sequence AND (p.next IS NULL OR sequence < p.next)
      AND kind IN ('SettlementActivated', 'SettlementChallenged', 'ChallengeResolved')
) f;

-- An epoch's settlement is the last that was posted for it.
CREATE OR REPLACE VIEW settlement AS
SELECT DISTINCT ON (epoch)
       epoch,
       status,
       (data -> 'pools' -> 0) || jsonb_build_object('funded', data -> 'funded' -> 0) AS contributors,
       (data -> 'pools' -> 1) || jsonb_build_object('funded', data -> 'funded' -> 1) AS validators,
       data ->> 'observations_root'         AS observations_root,
       data ->> 'report_hash'               AS report_hash,
       (data ->> 'cutoff_slot')::bigint     AS cutoff_slot,
       active_after,
       (data ->> 'committee_epoch')::bigint AS committee_epoch,
       slot                                 AS posted_slot,
       signature,
       finalized,
       epoch AS page_slot, id AS page_row
FROM posting
ORDER BY epoch, sequence DESC;

-- Prepaid balances as their last changes left them.
CREATE VIEW prepaid AS
SELECT b.subject AS address,
       b.data ->> 'owner' AS owner,
       (SELECT data ->> 'amount' FROM event
        WHERE subject = b.subject AND kind IN ('BalanceDeposited', 'BalanceDebited', 'BalanceWithdrawn')
        ORDER BY sequence DESC LIMIT 1) AS amount,
       coalesce((SELECT data ->> 'debited' FROM event WHERE subject = b.subject AND kind = 'BalanceDebited'
                 ORDER BY sequence DESC LIMIT 1), '0') AS debited,
       -- A withdrawal takes all that was asked for.
       coalesce((SELECT data ->> 'withdrawing' FROM event
                 WHERE subject = b.subject AND kind IN ('WithdrawalRequested', 'BalanceDebited', 'BalanceWithdrawn')
                 ORDER BY sequence DESC LIMIT 1), '0') AS withdrawing
FROM (
    SELECT DISTINCT ON (subject) subject, data FROM event WHERE kind = 'BalanceDeposited' ORDER BY subject, sequence
) b;

-- Facts by the views above; a rejected settlement is posted no longer.
ALTER VIEW fact RENAME TO fact_before_challenges;
CREATE VIEW fact AS
SELECT account, fields - ARRAY['posted_contributors', 'posted_validators'] AS fields FROM fact_before_challenges
UNION ALL
SELECT subject, jsonb_build_object(
    'posted_epoch', coalesce(max(epoch) FILTER (WHERE status <> 'rejected'), 0)::text,
    'posted_contributors', coalesce((array_agg(data -> 'pools' -> 0 ->> 'lifetime_total' ORDER BY sequence DESC)
                                     FILTER (WHERE status <> 'rejected'))[1], '0'),
    'posted_validators', coalesce((array_agg(data -> 'pools' -> 1 ->> 'lifetime_total' ORDER BY sequence DESC)
                                   FILTER (WHERE status <> 'rejected'))[1], '0'))
FROM posting GROUP BY subject
UNION ALL
SELECT address, jsonb_build_object('amount', amount, 'debited', debited, 'withdrawing', withdrawing) FROM prepaid;
