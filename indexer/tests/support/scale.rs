//! A long history, every request that the API answers about it, and how the database goes about them.

use openledger_indexer::db::Database;
use openledger_postgres::Postgres;
use serde_json::Value;
use solana_pubkey::Pubkey;
use std::{fs, path::PathBuf};

/// Fills the ledger's tables with `$N` payments, a tenth as many contributions, and a thousandth as many models, and their
/// sums at once. The last `$OPEN` transactions are not final.
const FILL: &str = "
    -- Base 58 has no zero.
    CREATE FUNCTION address(kind text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
        $$ SELECT CASE kind || n WHEN 'M7' THEN '$MODEL' WHEN 'D1' THEN '$DATANET' WHEN 'U7' THEN '$PAYER'
                  WHEN 'W3' THEN '$OPERATOR' WHEN 'C3' THEN '$CONTRIBUTOR' ELSE kind || lpad(translate(n::text, '0', 'z'), 43, 'x') END $$;
    CREATE FUNCTION name(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
        $$ SELECT encode(sha256(n::text::bytea), 'hex') $$;
    ALTER TABLE event DISABLE TRIGGER USER;
    INSERT INTO chain (genesis) VALUES ('$GENESIS');
    INSERT INTO transaction (signature, slot, place, failed, finalized)
    SELECT name(n), n, 0, false, n <= 2 * $N - $OPEN FROM generate_series(1, 2 * $N) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 0, 'datanet', 'DatanetCreated', address('D', n), 0, jsonb_build_object(
        'owner', address('O', n), 'id', n::text, 'name', 'A Datanet', 'metadata_uri', 'x',
        'metadata_hash', repeat('0', 64), 'licence', 'MIT', 'modality', 'text', 'access', 'open', 'min_bond', '5',
        'panel_size', 3, 'quorum', 1), n FROM generate_series(1, $N / 10000 + 1) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 1, 'model', 'ModelRegistered', address('M', n), 0, jsonb_build_object(
        'owner', address('O', n % 300), 'id', n::text, 'name', 'A model', 'base_hash', repeat('0', 64), 'parent', null,
        'price_in', '10', 'price_out', '20'), n FROM generate_series(1, $N / 1000) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 2, 'model', 'JobRequested', address('J', n), 0, jsonb_build_object(
        'model', address('M', n), 'number', '0', 'requester', address('O', n % 300), 'config_hash', repeat('0', 64),
        'seed', '7', 'snapshots', '[]'::jsonb, 'budget', '9', 'taking_slot', '9'), n
    FROM generate_series(1, $N / 1000) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 3, 'stake', 'OperatorRegistered', address('P', n), 0, jsonb_build_object(
        'owner', address('W', n), 'identity', address('I', n), 'endpoint', 'http://x', 'capabilities', 7), n
    FROM generate_series(1, 20) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 4, 'datanet', 'BatchOpened', address('D', 1), 2 * n - 1, jsonb_build_object(
        'batch', address('B', n), 'index', n::text, 'contributor', address('C', n % 500), 'bond', '5'), n
    FROM generate_series(1, $N / 50) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 5, 'datanet', 'BatchSubmitted', address('B', n), 0, jsonb_build_object(
        'root', repeat('1', 64), 'count', '5', 'manifest', repeat('2', 64), 'commit_until', '5', 'reveal_until', '6'), n
    FROM generate_series(1, $N / 50) n;
    INSERT INTO leaf SELECT address('B', n), p, sha256((n * 5 + p)::text::bytea), name(n)
    FROM generate_series(1, $N / 50) n, generate_series(0, 4) p;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 6, 'datanet', 'BatchAccepted', address('D', 1), 2 * n, jsonb_build_object(
        'batch', address('B', n), 'index', n::text, 'place', n::text, 'contributor', address('C', n % 500),
        'root', repeat('1', 64), 'count', '5', 'quality', 9000, 'datanet_root', repeat('3', 64)), n
    FROM generate_series(1, $N / 50) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 7 + v, 'datanet', CASE WHEN v % 2 = 0 THEN 'VerdictCommitted' ELSE 'VerdictRevealed' END,
        address('B', n), 1 + v, jsonb_build_object('validator', address('V', v / 2), 'approve', true, 'quality', 9000), n
    FROM generate_series(1, $N / 50) n, generate_series(0, 5) v;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name($N + n), 0, 'payout', 'Paid', address('S', n % 16), n / 16, jsonb_build_object(
        'request', name(n), 'payer', address('U', n % 5000), 'model',
        address('M', CASE WHEN n % 3 = 0 THEN 7 ELSE 1 + n % ($N / 1000) END), 'operator', address('W', 1 + n % 20),
        'amount', '1000', 'treasury', '100', 'model_owner', '200', 'upstream', '0', 'compute', '250',
        'validators', '50', 'contributors', '400', 'epoch', '1'), $N + n FROM generate_series(0, $N - 1) n;
    INSERT INTO subject SELECT subject, min(program), count(*), sum(sequence) FROM event GROUP BY subject;
    INSERT INTO tally
    SELECT c.tally, c.key, count(*), sum(c.amount), count(*) FILTER (WHERE NOT e.finalized)
    FROM entry e CROSS JOIN LATERAL counted(e.kind, e.subject, e.data) c WHERE c.key IS NOT NULL GROUP BY 1, 2;
    INSERT INTO batch_place
    SELECT p.* FROM event o CROSS JOIN LATERAL batch_places(o.data ->> 'batch') p WHERE o.kind = 'BatchOpened';
    ALTER TABLE event ENABLE TRIGGER USER;
    ANALYZE;
";

/// Tables that grow with the history.
const HISTORY: [&str; 3] = ["event", "transaction", "leaf"];

/// The role that explains its statements in the server's log.
const EXPLAINER: &str = "explainer";

/// Most values of an enumeration that are asked for.
const VALUES: usize = 8;

/// Accounts of the history.
pub struct History {
    payments: usize,
    open: usize,
    model: String,
    datanet: String,
    payer: String,
    operator: String,
    contributor: String,
}

impl History {
    /// A history with `payments` payments, the last `open` of which are not final.
    pub fn of(payments: usize, open: usize) -> Self {
        let key = |n: u8| Pubkey::new_from_array([n; 32]).to_string();
        let [model, datanet, payer, operator, contributor] = [1, 2, 3, 4, 5].map(key);
        Self { payments, open, model, datanet, payer, operator, contributor }
    }

    /// Puts it into an empty index of the cluster with this genesis hash.
    pub async fn fill(&self, db: &Database, genesis: &str) {
        let fill = FILL
            .replace("$N", &self.payments.to_string())
            .replace("$OPEN", &self.open.to_string())
            .replace("$GENESIS", genesis)
            .replace("$MODEL", &self.model)
            .replace("$DATANET", &self.datanet)
            .replace("$PAYER", &self.payer)
            .replace("$OPERATOR", &self.operator)
            .replace("$CONTRIBUTOR", &self.contributor);
        db.run(&fill).await.expect("fills");
    }

    /// Every request that the API's `document` knows: each path, and each of its parameters by itself. The feed that never
    /// ends is left out.
    pub fn requests(&self, document: &Value) -> Vec<String> {
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            if path.ends_with("/stream") || !path.starts_with("/v1/") {
                continue;
            }
            let path = self.path(path);
            all.push(path.clone());
            for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                if parameter["in"] == "query" && name != "cursor" {
                    all.extend(self.values(document, parameter).iter().map(|value| format!("{path}?{name}={value}")));
                }
            }
        }
        all
    }

    /// The path with an account of the history in each open place.
    fn path(&self, path: &str) -> String {
        let parts: Vec<&str> = path.split('/').collect();
        let fill = |(n, part): (usize, &&str)| match part.strip_prefix('{') {
            None => (*part).to_owned(),
            Some("leaf}" | "request}") => hex::encode(openledger_protocol::hash::sha256(&[b"77"])),
            Some("epoch}") => "1".into(),
            Some("wallet}") => self.contributor.clone(),
            Some(_) if parts[n - 1] == "models" => self.model.clone(),
            Some(_) => self.datanet.clone(),
        };
        parts.iter().enumerate().map(fill).collect::<Vec<_>>().join("/")
    }

    /// Values of a query parameter: all words that it takes, or one that the history has.
    fn values(&self, document: &Value, parameter: &Value) -> Vec<String> {
        let mut schema = &parameter["schema"];
        if let Some(reference) = schema["$ref"].as_str() {
            schema = document.pointer(&reference[1..]).expect("a schema");
        }
        if let Some(words) = schema["enum"].as_array() {
            return words.iter().filter_map(Value::as_str).take(VALUES).map(str::to_owned).collect();
        }
        vec![match parameter["name"].as_str().expect("a name") {
            "limit" => "500".into(),
            "epoch" => "1".into(),
            "after" => (self.payments / 2).to_string(),
            "after_slot" | "until_slot" => (self.payments + self.payments / 2).to_string(),
            "payer" => self.payer.clone(),
            "operator" => self.operator.clone(),
            "contributor" => self.contributor.clone(),
            "datanet" | "subject" => self.datanet.clone(),
            _ => self.model.clone(),
        }]
    }
}

/// Makes a role whose every statement is explained in the server's log, and returns the URL by which it reads `url`.
/// With `index_only` the server reads a table row by row only if no index leads to what is asked for.
pub async fn explainer(db: &Database, url: &str, index_only: bool) -> String {
    let mut sql = format!(
        "CREATE ROLE {EXPLAINER} LOGIN; ALTER ROLE {EXPLAINER} SET session_preload_libraries = 'auto_explain';
         ALTER ROLE {EXPLAINER} SET auto_explain.log_min_duration = 0;
         ALTER ROLE {EXPLAINER} SET auto_explain.log_nested_statements = on;"
    );
    if index_only {
        sql += &format!("ALTER ROLE {EXPLAINER} SET enable_seqscan = off;");
    }
    db.run(&sql).await.expect("a role");
    let url = url.replace("postgres@", &format!("{EXPLAINER}@"));
    db.admit(&url).await.expect("granted");
    url
}

/// The plans that the server has logged.
pub struct Plans {
    log: PathBuf,
    seen: usize,
}

impl Plans {
    pub fn of(server: &Postgres) -> Self {
        let mut plans = Self { log: server.data_dir().join("server.log"), seen: 0 };
        plans.unread();
        plans
    }

    /// What was logged since the last call.
    fn unread(&mut self) -> String {
        let text = fs::read(&self.log).expect("the server writes a log");
        let new = String::from_utf8_lossy(&text[self.seen..]).into_owned();
        self.seen = text.len();
        new
    }

    /// How many statements were explained since the last call, and those steps of their plans that read a table of the
    /// history row by row.
    pub fn scans(&mut self) -> (usize, Vec<String>) {
        let new = self.unread();
        let is_scan = |line: &&str| {
            let table =
                line.split_once("Seq Scan on ").map(|(_, rest)| rest.split([' ', '(']).next().unwrap_or_default());
            table.is_some_and(|table| HISTORY.contains(&table))
        };
        let scans = new.lines().filter(is_scan).map(|line| line.trim().to_owned()).collect();
        (new.matches("Query Text:").count(), scans)
    }
}
