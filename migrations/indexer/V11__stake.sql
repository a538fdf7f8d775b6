-- Slashes, delegation and rotation of the stake program.

-- Positions as their last change left them: a slash changes what is bonded and what is unbonding.
CREATE OR REPLACE VIEW position AS
SELECT f.subject              AS address,
       f.data ->> 'owner'     AS owner,
       f.data ->> 'role'      AS role,
       coalesce(last.data ->> 'bonded', last.data ->> 'amount') AS amount,
       coalesce(u.data ->> 'unbonding', '0') AS unbonding
FROM event f
CROSS JOIN LATERAL (
    SELECT data FROM event
    WHERE subject = f.subject AND kind IN ('Staked', 'Unbonding', 'Slashed') ORDER BY sequence DESC LIMIT 1
) last
LEFT JOIN LATERAL (
    SELECT data FROM event
    WHERE subject = f.subject AND kind IN ('Unbonding', 'Withdrawn', 'Slashed') ORDER BY sequence DESC LIMIT 1
) u ON true
WHERE f.kind = 'Staked' AND NOT EXISTS (
    SELECT 1 FROM event b WHERE b.subject = f.subject AND b.kind = 'Staked' AND b.sequence < f.sequence
);

-- Every slash, of a position or of what was delegated to its owner.
CREATE VIEW slash AS
SELECT subject                                       AS account,
       coalesce(data ->> 'owner', data ->> 'operator') AS owner,
       CASE WHEN kind = 'Slashed' THEN data ->> 'role' ELSE 'pool' END AS role,
       data ->> 'amount'   AS amount,
       data ->> 'reason'   AS reason,
       data ->> 'evidence' AS evidence,
       slot, signature, finalized,
       slot AS page_slot, id AS page_row
FROM entry
WHERE kind IN ('Slashed', 'PoolSlashed');

-- What the insurance vault has taken in by slashes and paid out.
CREATE VIEW insurance AS
SELECT coalesce(sum((data ->> 'amount')::numeric) FILTER (WHERE kind <> 'InsurancePaid'), 0)::text AS slashed,
       coalesce(sum((data ->> 'amount')::numeric) FILTER (WHERE kind = 'InsurancePaid'), 0)::text  AS paid
FROM event
WHERE kind IN ('Slashed', 'PoolSlashed', 'InsurancePaid');

-- Pools of operators that take delegations.
CREATE VIEW stake_pool AS
SELECT c.subject            AS address,
       c.data ->> 'operator' AS operator,
       (c.data ->> 'commission_bps')::int      AS commission_bps,
       (c.data ->> 'next_commission_bps')::int AS next_commission_bps,
       (c.data ->> 'commission_slot')::bigint  AS commission_slot,
       (SELECT coalesce(sum((data ->> 'arrived')::numeric), 0)::text FROM event
        WHERE subject = c.subject AND kind = 'Harvested')                      AS rewards,
       (SELECT count(DISTINCT data ->> 'owner') FROM event
        WHERE kind = 'Delegated' AND data ->> 'operator' = c.data ->> 'operator') AS delegators
FROM event c
WHERE c.kind = 'CommissionSet' AND NOT EXISTS (
    SELECT 1 FROM event l WHERE l.subject = c.subject AND l.kind = 'CommissionSet' AND l.sequence > c.sequence
);

-- What wallets have delegated, as their last change left it. What a share is worth, the pool's account says.
CREATE VIEW delegation AS
SELECT f.subject AS address, f.data ->> 'operator' AS operator, f.data ->> 'owner' AS owner,
       s.data ->> 'shares' AS shares,
       CASE WHEN u.kind = 'Undelegated' THEN u.data ->> 'unbonding_shares' ELSE '0' END AS unbonding_shares,
       (u.data ->> 'unbond_slot')::bigint AS unbond_slot,
       r.claimed
FROM event f
CROSS JOIN LATERAL (
    SELECT data FROM event WHERE subject = f.subject AND kind IN ('Delegated', 'Undelegated')
    ORDER BY sequence DESC LIMIT 1
) s
LEFT JOIN LATERAL (
    SELECT kind, data FROM event WHERE subject = f.subject AND kind IN ('Undelegated', 'DelegationWithdrawn')
    ORDER BY sequence DESC LIMIT 1
) u ON true
CROSS JOIN LATERAL (
    SELECT coalesce(sum((data ->> 'paid')::numeric), 0)::text AS claimed FROM event
    WHERE subject = f.subject AND kind = 'RewardsClaimed'
) r
WHERE f.kind = 'Delegated' AND NOT EXISTS (
    SELECT 1 FROM event b WHERE b.subject = f.subject AND b.kind = 'Delegated' AND b.sequence < f.sequence
);

-- Who the present committee has named as its successor.
CREATE VIEW successor AS
SELECT data ->> 'committee' AS committee, (data ->> 'epoch')::bigint AS epoch, data ->> 'roster' AS roster,
       (data ->> 'committee_epoch')::bigint AS named_by, slot, signature, finalized
FROM entry
WHERE kind = 'SuccessorNamed';

ALTER VIEW fact RENAME TO fact_before_delegation;
CREATE VIEW fact AS
SELECT account, fields FROM fact_before_delegation
UNION ALL
SELECT address, jsonb_build_object('next_commission_bps', next_commission_bps::text) FROM stake_pool
UNION ALL
SELECT address, jsonb_build_object('shares', shares, 'unbonding_shares', unbonding_shares) FROM delegation;
