-- What the API tells of delegations, prepaid balances, challenges, grants, votes and the insurance vault. Lists have one row
-- an account, by its first event. A row is final when every event is that it is made of.

CREATE INDEX event_first       ON event (kind, slot, id) WHERE sequence = 0;
CREATE INDEX grant_datanet     ON event ((data ->> 'datanet'), slot, id)  WHERE kind = 'GrantChanged' AND sequence = 0;
CREATE INDEX grant_grantee     ON event ((data ->> 'grantee'), slot, id)  WHERE kind = 'GrantChanged' AND sequence = 0;
CREATE INDEX event_challenge   ON event ((data ->> 'challenge'), kind)    WHERE (data ->> 'challenge') IS NOT NULL;
CREATE INDEX proposal_proposer ON event ((data ->> 'proposer'), slot, id) WHERE kind = 'ProposalCreated';
CREATE INDEX vote_by_proposal  ON event (subject, slot, id)               WHERE kind = 'VoteCast';
CREATE INDEX vote_by_voter     ON event ((data ->> 'voter'), slot, id)    WHERE kind = 'VoteCast';
CREATE INDEX vote_by_lock      ON event ((data ->> 'lock'), slot, id)     WHERE kind = 'VoteCast';
-- A proposal's events beside its votes, of which there may be many.
CREATE INDEX proposal_step ON event (subject, kind)
    WHERE kind IN ('InstructionProposed', 'VotingOpened', 'ProposalQueued', 'InstructionExecuted', 'ProposalEnded');

CREATE OR REPLACE FUNCTION counted(kind text, subject text, data jsonb) RETURNS TABLE (tally text, key text, amount numeric)
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
        WHEN 'Delegated' THEN RETURN QUERY
            SELECT 'pool_delegators', data ->> 'operator', 0::numeric WHERE data ->> 'sequence' = '0';
        WHEN 'Harvested' THEN RETURN QUERY VALUES ('pool_rewards', subject, (data ->> 'arrived')::numeric);
        WHEN 'RewardsClaimed' THEN RETURN QUERY VALUES ('delegation_claimed', subject, (data ->> 'paid')::numeric);
        WHEN 'Slashed' THEN RETURN QUERY VALUES ('insurance_slashed', '', (data ->> 'amount')::numeric);
        WHEN 'PoolSlashed' THEN RETURN QUERY VALUES
            ('insurance_slashed', '',      (data ->> 'amount')::numeric),
            ('pool_slashed',      subject, (data ->> 'amount')::numeric);
        WHEN 'InsurancePaid' THEN RETURN QUERY VALUES ('insurance_paid', '', (data ->> 'amount')::numeric);
        WHEN 'InstructionProposed' THEN RETURN QUERY VALUES ('proposal_instructions', subject, 0::numeric);
        WHEN 'InstructionExecuted' THEN RETURN QUERY VALUES ('proposal_executed', subject, 0::numeric);
        WHEN 'VoteCast' THEN RETURN QUERY VALUES
            ('proposal_' || (data ->> 'choice'), subject, (data ->> 'weight')::numeric);
        ELSE NULL;
    END CASE;
END $$;

INSERT INTO tally
SELECT c.tally, c.key, count(*), sum(c.amount), count(*) FILTER (WHERE NOT e.finalized)
FROM entry e CROSS JOIN LATERAL counted(e.kind, e.subject, e.data) c
WHERE e.kind IN ('Delegated', 'Harvested', 'RewardsClaimed', 'Slashed', 'PoolSlashed', 'InsurancePaid',
                 'InstructionProposed', 'InstructionExecuted', 'VoteCast')
  AND c.tally <> 'event' AND c.key IS NOT NULL
GROUP BY 1, 2;

-- Pools of operators that take delegations, as their last changes left them.
CREATE OR REPLACE VIEW stake_pool AS
SELECT f.subject                               AS address,
       f.data ->> 'operator'                   AS operator,
       (c.data ->> 'commission_bps')::int      AS commission_bps,
       (c.data ->> 'next_commission_bps')::int AS next_commission_bps,
       (c.data ->> 'commission_slot')::bigint  AS commission_slot,
       coalesce(r.amount, 0)::text             AS rewards,
       coalesce(d.events, 0)                   AS delegators,
       coalesce(h.data ->> 'owed', '0')        AS owed,
       coalesce(s.amount, 0)::text             AS slashed,
       f.slot                                  AS created_slot,
       f.finalized AND c.finalized AND coalesce(h.finalized, true)
           AND coalesce(r.provisional, 0) + coalesce(d.provisional, 0) + coalesce(s.provisional, 0) = 0 AS finalized,
       f.slot AS page_slot, f.id AS page_row
FROM entry f
CROSS JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = f.subject AND kind = 'CommissionSet' ORDER BY sequence DESC LIMIT 1
) c
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = f.subject AND kind = 'Harvested' ORDER BY sequence DESC LIMIT 1
) h ON true
LEFT JOIN tally r ON r.kind = 'pool_rewards'    AND r.key = f.subject
LEFT JOIN tally d ON d.kind = 'pool_delegators' AND d.key = f.data ->> 'operator'
LEFT JOIN tally s ON s.kind = 'pool_slashed'    AND s.key = f.subject
WHERE f.kind = 'CommissionSet' AND f.sequence = 0;

-- What wallets have delegated, as their last change left it. What a share is worth, the pool's account says.
CREATE OR REPLACE VIEW delegation AS
SELECT f.subject AS address, f.data ->> 'operator' AS operator, f.data ->> 'owner' AS owner,
       s.data ->> 'shares' AS shares,
       CASE WHEN u.kind = 'Undelegated' THEN u.data ->> 'unbonding_shares' ELSE '0' END AS unbonding_shares,
       (u.data ->> 'unbond_slot')::bigint AS unbond_slot,
       coalesce(c.amount, 0)::text AS claimed,
       f.slot AS created_slot,
       f.finalized AND s.finalized AND coalesce(u.finalized, true) AND coalesce(c.provisional, 0) = 0 AS finalized,
       f.slot AS page_slot, f.id AS page_row
FROM entry f
CROSS JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = f.subject AND kind IN ('Delegated', 'Undelegated') ORDER BY sequence DESC LIMIT 1
) s
LEFT JOIN LATERAL (
    SELECT kind, data, finalized FROM entry
    WHERE subject = f.subject AND kind IN ('Undelegated', 'DelegationWithdrawn') ORDER BY sequence DESC LIMIT 1
) u ON true
LEFT JOIN tally c ON c.kind = 'delegation_claimed' AND c.key = f.subject
WHERE f.kind = 'Delegated' AND f.sequence = 0;

-- What the insurance vault has taken in by slashes and paid out.
CREATE OR REPLACE VIEW insurance AS
SELECT coalesce(s.amount, 0)::text AS slashed,
       coalesce(p.amount, 0)::text AS paid,
       coalesce(s.provisional, 0) + coalesce(p.provisional, 0) = 0 AS finalized
FROM (VALUES (0)) one
LEFT JOIN tally s ON s.kind = 'insurance_slashed' AND s.key = ''
LEFT JOIN tally p ON p.kind = 'insurance_paid'    AND p.key = '';

CREATE VIEW insurance_payment AS
SELECT data ->> 'to' AS "to", data ->> 'amount' AS amount, slot, signature, finalized, slot AS page_slot, id AS page_row
FROM entry WHERE kind = 'InsurancePaid';

-- Prepaid balances as their last changes left them.
CREATE OR REPLACE VIEW prepaid AS
SELECT b.subject AS address,
       b.data ->> 'owner'                    AS owner,
       a.data ->> 'amount'                   AS amount,
       coalesce(d.data ->> 'debited', '0')   AS debited,
       -- A withdrawal takes all that was asked for.
       coalesce(w.data ->> 'withdrawing', '0') AS withdrawing,
       CASE WHEN w.data ->> 'withdrawing' <> '0' THEN (r.data ->> 'withdraw_slot')::bigint END AS withdraw_slot,
       b.slot                                AS created_slot,
       b.finalized AND a.finalized AND coalesce(d.finalized, true) AND coalesce(w.finalized, true)
           AND coalesce(r.finalized, true)   AS finalized,
       b.slot AS page_slot, b.id AS page_row
FROM entry b
CROSS JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = b.subject AND kind IN ('BalanceDeposited', 'BalanceDebited', 'BalanceWithdrawn')
    ORDER BY sequence DESC LIMIT 1
) a
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = b.subject AND kind = 'BalanceDebited' ORDER BY sequence DESC LIMIT 1
) d ON true
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = b.subject AND kind IN ('WithdrawalRequested', 'BalanceDebited', 'BalanceWithdrawn')
    ORDER BY sequence DESC LIMIT 1
) w ON true
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = b.subject AND kind = 'WithdrawalRequested' ORDER BY sequence DESC LIMIT 1
) r ON true
WHERE b.kind = 'BalanceDeposited' AND b.sequence = 0;

CREATE VIEW challenge AS
SELECT c.data ->> 'challenge'           AS address,
       (c.data ->> 'epoch')::bigint     AS epoch,
       c.data ->> 'challenger'          AS challenger,
       c.data ->> 'bond'                AS bond,
       c.data ->> 'evidence_hash'       AS evidence_hash,
       c.data ->> 'evidence_uri'        AS evidence_uri,
       (c.data ->> 'resolve_by')::bigint AS resolve_by,
       coalesce(r.data ->> 'outcome', 'open') AS status,
       r.data ->> 'recipient'           AS recipient,
       r.data ->> 'released'            AS released,
       c.slot                           AS challenged_slot,
       r.slot                           AS resolved_slot,
       c.signature,
       c.finalized AND coalesce(r.finalized, true) AS finalized,
       c.slot AS page_slot, c.id AS page_row
FROM entry c
LEFT JOIN LATERAL (
    SELECT data, slot, finalized FROM entry
    WHERE data ->> 'challenge' = c.data ->> 'challenge' AND kind = 'ChallengeResolved' LIMIT 1
) r ON true
WHERE c.kind = 'SettlementChallenged';

CREATE OR REPLACE VIEW access_grant AS
SELECT f.subject                AS address,
       l.data ->> 'status'      AS status,
       coalesce(u.events, 0)    AS uses,
       f.data ->> 'datanet'     AS datanet,
       f.data ->> 'grantee'     AS grantee,
       l.data ->> 'purpose'     AS purpose,
       l.data ->> 'expiry_slot' AS expiry_slot,
       f.slot                   AS requested_slot,
       l.slot                   AS changed_slot,
       f.finalized AND l.finalized AND coalesce(u.provisional, 0) = 0 AS finalized,
       f.slot AS page_slot, f.id AS page_row
FROM entry f
CROSS JOIN LATERAL (
    SELECT data, slot, finalized FROM entry
    WHERE subject = f.subject AND kind = 'GrantChanged' ORDER BY sequence DESC LIMIT 1
) l
LEFT JOIN tally u ON u.kind = 'grant_uses' AND u.key = f.subject
WHERE f.kind = 'GrantChanged' AND f.sequence = 0;

CREATE VIEW vote AS
SELECT subject AS proposal, data ->> 'lock' AS lock, data ->> 'voter' AS voter, data ->> 'choice' AS choice,
       data ->> 'weight' AS weight, slot, signature, finalized, slot AS page_slot, id AS page_row
FROM entry WHERE kind = 'VoteCast';

-- OPEN locked for votes, as the last changes left it.
CREATE VIEW vote_lock AS
SELECT f.subject             AS address,
       f.data ->> 'owner'    AS owner,
       g.data ->> 'delegate' AS delegate,
       CASE WHEN a.kind = 'VotesLocked' THEN a.data ->> 'amount' ELSE '0' END AS amount,
       (a.data ->> 'end_slot')::bigint AS end_slot,
       f.slot                AS created_slot,
       f.finalized AND a.finalized AND g.finalized AS finalized,
       f.slot AS page_slot, f.id AS page_row
FROM entry f
CROSS JOIN LATERAL (
    SELECT kind, data, finalized FROM entry
    WHERE subject = f.subject AND kind IN ('VotesLocked', 'VotesUnlocked') ORDER BY sequence DESC LIMIT 1
) a
CROSS JOIN LATERAL (
    SELECT data, finalized FROM entry
    WHERE subject = f.subject AND kind IN ('VotesLocked', 'VotesDelegated') ORDER BY sequence DESC LIMIT 1
) g
WHERE f.kind = 'VotesLocked' AND f.sequence = 0;

CREATE VIEW proposal AS
SELECT p.subject                              AS address,
       (p.data ->> 'number')::bigint          AS number,
       p.data ->> 'proposer'                  AS proposer,
       p.data ->> 'description_hash'          AS description_hash,
       p.data ->> 'description_uri'           AS description_uri,
       CASE WHEN x.data IS NOT NULL THEN x.data ->> 'state'
            WHEN d.finalized IS NOT NULL THEN 'executed'
            WHEN q.data IS NOT NULL THEN 'queued'
            WHEN v.data IS NOT NULL THEN 'voting'
            ELSE 'draft' END                  AS status,
       coalesce(i.events, 0)                  AS instructions,
       coalesce(e.events, 0)                  AS executed,
       (v.data ->> 'snapshot_slot')::bigint   AS snapshot_slot,
       v.data ->> 'snapshot_locked'           AS snapshot_locked,
       v.data ->> 'quorum'                    AS quorum,
       (v.data ->> 'voting_end_slot')::bigint AS voting_end_slot,
       (q.data ->> 'executable_slot')::bigint AS executable_slot,
       (q.data ->> 'expiry_slot')::bigint     AS expiry_slot,
       coalesce(pro.amount, 0)::text          AS votes_for,
       coalesce(con.amount, 0)::text          AS votes_against,
       coalesce(abs.amount, 0)::text          AS votes_abstain,
       coalesce(pro.events, 0) + coalesce(con.events, 0) + coalesce(abs.events, 0) AS votes,
       p.slot                                 AS created_slot,
       p.signature,
       p.finalized AND coalesce(v.finalized, true) AND coalesce(q.finalized, true) AND coalesce(d.finalized, true)
           AND coalesce(x.finalized, true)
           AND coalesce(i.provisional, 0) + coalesce(e.provisional, 0) + coalesce(pro.provisional, 0)
               + coalesce(con.provisional, 0) + coalesce(abs.provisional, 0) = 0 AS finalized,
       p.slot AS page_slot, p.id AS page_row
FROM entry p
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry WHERE subject = p.subject AND kind = 'VotingOpened' LIMIT 1
) v ON true
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry WHERE subject = p.subject AND kind = 'ProposalQueued' LIMIT 1
) q ON true
LEFT JOIN LATERAL (
    SELECT finalized FROM entry
    WHERE subject = p.subject AND kind = 'InstructionExecuted' AND (data ->> 'last')::boolean LIMIT 1
) d ON true
LEFT JOIN LATERAL (
    SELECT data, finalized FROM entry WHERE subject = p.subject AND kind = 'ProposalEnded' LIMIT 1
) x ON true
LEFT JOIN tally i   ON i.kind   = 'proposal_instructions' AND i.key   = p.subject
LEFT JOIN tally e   ON e.kind   = 'proposal_executed'     AND e.key   = p.subject
LEFT JOIN tally pro ON pro.kind = 'proposal_for'          AND pro.key = p.subject
LEFT JOIN tally con ON con.kind = 'proposal_against'      AND con.key = p.subject
LEFT JOIN tally abs ON abs.kind = 'proposal_abstain'      AND abs.key = p.subject
WHERE p.kind = 'ProposalCreated';

-- The instructions of proposals.
CREATE VIEW proposal_call AS
SELECT i.subject AS proposal, (i.data ->> 'index')::int AS index, i.data ->> 'program' AS program,
       i.data -> 'accounts' AS accounts, i.data ->> 'data' AS data,
       EXISTS (
           SELECT 1 FROM event e
           WHERE e.subject = i.subject AND e.kind = 'InstructionExecuted' AND e.data -> 'index' = i.data -> 'index'
       ) AS executed
FROM event i WHERE i.kind = 'InstructionProposed';
