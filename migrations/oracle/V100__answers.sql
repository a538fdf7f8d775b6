-- Requests that this operator has quoted, the payments shown for them, and the answers given.
CREATE TABLE answers (
    request     bytea PRIMARY KEY,
    spec        bytea NOT NULL,
    amount      numeric(20) NOT NULL,
    -- signature of the payment's transaction: pays for one request only
    payment     text UNIQUE,
    answer      jsonb,
    -- whether the artifact store has the answer
    published   boolean NOT NULL DEFAULT false,
    quoted_at   timestamptz NOT NULL DEFAULT now(),
    answered_at timestamptz
);

CREATE INDEX answers_unpublished ON answers (request) WHERE answer IS NOT NULL AND NOT published;
