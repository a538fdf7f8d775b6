//! Tests of the API over a small history: answers in the SDK's types, proofs that hold offline, and refusals that say
//! what is wrong.

mod support;

use openledger_indexer::{
    db::Database,
    ingest::{confirm, ingest},
};
use openledger_interface::pda;
use openledger_sdk::{amount::Amount, api::types::Funding};
use serde_json::Value;
use std::collections::BTreeSet;
use support::{Server, api::Api, key, world};

#[tokio::test]
async fn d1_every_accepted_contribution_has_a_proof_that_holds_offline() {
    let world = world();
    let api = Api::start(&world).await;
    let datanet = api.client.datanet(&world.datanet).await.expect("answers").expect("is there");
    assert_eq!(datanet.root, hex::encode(world.root));
    for (number, manifest) in world.manifests.iter().enumerate() {
        for (place, leaf) in manifest.leaf_hashes().iter().enumerate() {
            let found = api.client.contribution(leaf).await.expect("answers").expect("is there");
            assert_eq!(found.contribution.place, place as u64);
            // Metadata comes from the manifest, so it is only there if the store has the manifest. The third batch
            // was rejected, so nobody is shown what is in it.
            let title = found.contribution.detail.as_ref().map(|d| d.title.clone());
            assert_eq!(title.is_some(), number == 0);
            match found.proof {
                Some(proof) => {
                    assert_eq!(proof.leaf, *leaf);
                    proof.verify_against(&world.datanet, &world.root).expect("holds");
                    assert_eq!(proof.preimage.is_some(), number == 0);
                }
                None => assert_eq!((number, found.contribution.status.as_str()), (2, "rejected")),
            }
        }
    }
}

#[tokio::test]
async fn a_permissioned_datanet_shows_no_details_of_its_documents() {
    let world = world();
    let api = Api::start(&world).await;
    let closes = "UPDATE event SET data = data || '{\"access\": \"permissioned\"}' WHERE kind = 'DatanetCreated'";
    api.source.db.execute(closes, &[]).await.expect("closed");
    for leaf in world.manifests[0].leaf_hashes() {
        let found = api.client.contribution(&leaf).await.expect("answers").expect("is there");
        assert_eq!(found.contribution.detail, None);
        let proof = found.proof.expect("its batch is accepted");
        proof.verify_against(&world.datanet, &world.root).expect("holds");
        assert!(proof.preimage.is_none());
    }
}

#[tokio::test]
async fn lists_and_details_tell_what_happened() {
    let world = world();
    let api = Api::start(&world).await;
    let datanets = api.client.datanets().await.expect("answers");
    let d = &datanets[0];
    assert_eq!((d.id, d.batches, d.accepted, d.rejected), (Amount(u64::MAX), 3, 2, 1));
    assert_eq!((d.contributions, d.contributors), (8, 2));
    let batch = api.client.batch(&pda::batch(&world.datanet, 0)).await.expect("answers").expect("is there");
    assert_eq!((batch.status.as_str(), batch.quality, batch.reviews.len()), ("accepted", Some(9000), 1));
    assert_eq!(batch.reviews[0].approve, Some(true));
    let rejected = api.client.batch(&pda::batch(&world.datanet, 2)).await.expect("answers").expect("is there");
    assert_eq!((rejected.status.as_str(), rejected.place), ("rejected", None));

    let model = api.client.model(&world.model).await.expect("answers").expect("is there");
    assert_eq!(
        (model.status.as_str(), model.price_in, model.answers, model.fees),
        ("ready", Amount(12), 3, Amount(3000))
    );
    assert_eq!(model.snapshots[0].batches, 2);
    let job = api.client.job(&world.job).await.expect("answers").expect("is there");
    assert_eq!(
        (job.status.as_str(), job.paid, job.refunded, job.seed),
        ("attested", Amount(6000), Amount(1000), Amount(u64::MAX))
    );
    assert_eq!(job.compute[0].amount, Amount(6000));
    // Of the committee that attested, and of the log that it attested: not of those before the release.
    assert_eq!((job.committee_epoch, job.deadline_slot, job.segments), (Some(2), Some(900), Some(12)));
    assert_eq!(job.log_root, Some(hex::encode(support::hash(4))));
    // Its request stays where it was, and it has waited anew since the release. The operator took back what was kept.
    assert!(job.requested_slot < job.waiting_slot && job.waiting_slot < job.ended_slot.expect("has ended"));
    assert_eq!((job.taking_slot, job.former.as_ref()), (880, job.operator.as_ref()));
    assert_eq!(api.client.jobs().await.expect("answers").len(), 1, "two logs do not make two jobs");
    assert_eq!((job.data_share, job.data_paid), (Amount(2000), Amount(2000)));
    let funding = api.client.funding().await.expect("answers");
    let said = |f: &Funding| (f.job.clone(), f.model.clone(), f.pool.clone(), f.amount, f.epoch);
    let (of, pool) = (Some(world.job.to_string()), "contributors".to_string());
    assert_eq!(said(&funding[1]), (of, Some(world.model.to_string()), pool.clone(), Amount(2000), 1));
    // A payment that names a job without the job's signature does not count as the job's payment.
    assert_eq!(said(&funding[0]), (None, None, pool, Amount(1), 1));
    assert_eq!(funding[0].subject, world.job.to_string());

    let receipts = api.client.receipts().await.expect("answers");
    assert!(receipts.len() == 3 && receipts[0].slot > receipts[2].slot);
    let (first, last) = (receipts[2].slot, receipts[0].slot);
    let since = api.client.receipts_between(first, u64::MAX).await.expect("answers");
    assert!(since.iter().all(|r| r.slot > first) && since.len() < 3, "a settled slot is not counted again");
    assert_eq!(api.client.receipts_between(first, last).await.expect("answers"), since, "the cutoff is counted");
    assert!(api.client.receipts_between(last, u64::MAX).await.expect("answers").is_empty());
    let receipt = api.client.receipt(&world.request).await.expect("answers").expect("is there");
    assert_eq!((receipt.amount, receipt.parts.contributors, receipt.answer), (Amount(1000), Amount(400), None));
    // Whoever stores something that is no answer does not hide the payment.
    let answers = api.store.path().join("answers");
    std::fs::create_dir(&answers).expect("made");
    std::fs::write(answers.join(format!("{}.json", hex::encode(world.request))), "{}").expect("written");
    let receipt = api.client.receipt(&world.request).await.expect("answers").expect("is there");
    assert_eq!((receipt.amount, receipt.answer), (Amount(1000), None));

    let operators = api.client.operators().await.expect("answers");
    assert_eq!(operators.len(), 1);
    assert_eq!((operators[0].endpoint.as_str(), operators[0].staked), ("http://b:2", Amount(550)));
    assert_eq!((operators[0].capabilities.join(" ").as_str(), operators[0].earned), ("train attribute", Amount(6750)));
    let committees = api.client.committees().await.expect("answers");
    assert_eq!(
        (committees[0].status.as_str(), committees[0].members.clone()),
        ("active", vec![world.operator.to_string()])
    );

    let status = api.client.status().await.expect("answers");
    assert_eq!(status.gaps, Vec::<String>::new());
    assert_eq!(status.events as usize, world.history.iter().map(|t| t.events.len()).sum::<usize>());
}

#[tokio::test]
async fn claims_prove_against_the_active_root() {
    let world = world();
    let api = Api::start(&world).await;
    for (wallet, pool, lifetime, claimed) in [
        (world.contributors[0], "contributors", 700, 700),
        (world.contributors[1], "contributors", 500, 0),
        (world.validator, "validators", 150, 0),
    ] {
        let claims = api.client.claims(&wallet).await.expect("answers");
        assert_eq!(claims.pools.len(), 1);
        let claim = &claims.pools[0];
        assert_eq!((claim.pool.as_str(), claim.lifetime, claim.claimed), (pool, Amount(lifetime), Amount(claimed)));
        assert_eq!(claim.claimable, Amount(lifetime - claimed));
        let tree = &world.trees[usize::from(pool == "validators")];
        let proof: Vec<[u8; 32]> =
            claim.proof.iter().map(|h| openledger_sdk::text::parse_hash(h).expect("hash")).collect();
        let leaf = openledger_protocol::rewards::leaf(&wallet.to_bytes(), lifetime);
        let root = openledger_protocol::rewards::root_from_proof(tree.count(), claim.index, &leaf, &proof);
        assert_eq!(root, Some(tree.root()));
    }
    assert!(api.client.claims(&key(200)).await.expect("answers").pools.is_empty());
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let world = world();
    let api = Api::start(&world).await;
    let stranger = key(201);
    for (path, status, words) in [
        ("/v1/datanets/xyz".to_owned(), 422, "\"xyz\" is not a Base58 address"),
        (format!("/v1/datanets/{stranger}"), 404, "there is no Datanet"),
        (format!("/v1/datanets/{stranger}/contributions"), 404, "there is no Datanet"),
        ("/v1/contributions/12".to_owned(), 422, "64 hex digits"),
        (format!("/v1/contributions/{}", "0".repeat(64)), 404, "there is no contribution"),
        ("/v1/settlements/one".to_owned(), 422, "epoch `one`"),
        ("/v1/settlements/9".to_owned(), 404, "there is no settlement"),
        ("/v1/models?limit=0".to_owned(), 422, "limit `0`"),
        ("/v1/models?cursor=x".to_owned(), 422, "cursor `x`"),
        ("/v1/models?ovner=x".to_owned(), 422, "`ovner` is no parameter"),
        ("/v1/nothing".to_owned(), 404, "/openapi.json"),
        (format!("/v1/grants/{stranger}"), 404, "there is no grant"),
        (format!("/v1/proposals/{stranger}"), 404, "there is no proposal"),
        (format!("/v1/delegations/{stranger}"), 404, "there is no delegation"),
        ("/v1/events?after=-1".to_owned(), 422, "after `-1`"),
        // The node behind this API does not answer, and a balance needs one.
        (format!("/v1/wallets/{stranger}"), 503, "Solana node"),
    ] {
        let (found, body) = api.get(&path).await;
        let error = body["error"].as_str().unwrap_or_default();
        assert!(found == status && error.contains(words), "{path}: {found} {error}");
    }
    for (path, field) in [
        ("/v1/models/xyz", "address"),
        ("/v1/models?owner=xyz", "owner"),
        ("/v1/models?status=raedy", "status"),
        ("/v1/models?limit=1&limit=2", "limit"),
        ("/v1/receipts/77", "request"),
        ("/v1/receipts?after_slot=x", "after_slot"),
        ("/v1/events?name=Payed", "name"),
        ("/v1/events/stream?program=bank", "program"),
        ("/v1/events?program=datanet&name=Paid", "program"),
        ("/v1/events/stream?program=datanet&name=Paid", "program"),
        ("/v1/datanets/11111111111111111111111111111111/contributions?batch=b", "batch"),
        ("/v1/claims/0", "wallet"),
        ("/v1/funding?pool=swimming", "pool"),
        ("/v1/models?finalized=false", "finalized"),
        ("/v1/models?cursor=%2B1-2", "cursor"),
        ("/v1/events?cursor=1-2", "cursor"),
        ("/v1/delegations?owner=me", "owner"),
        ("/v1/pools/x", "address"),
        ("/v1/balances?owner=1", "owner"),
        ("/v1/grants?status=given", "status"),
        ("/v1/grants?status=granted&status=granted", "status"),
        ("/v1/challenges?status=won", "status"),
        ("/v1/slashes?role=judge", "role"),
        ("/v1/insurance?owner=x", "owner"),
        ("/v1/insurance/payments?after_slot=-1", "after_slot"),
        ("/v1/proposals?status=asleep", "status"),
        ("/v1/proposals/x", "address"),
        ("/v1/votes?choice=perhaps", "choice"),
        ("/v1/locks?limit=501", "limit"),
    ] {
        let (found, body) = api.get(path).await;
        // What does not exist is told after what is wrong.
        let expected = if path.contains("/contributions") { (404, &Value::Null) } else { (422, &body["field"]) };
        assert_eq!((found, &body["field"]), expected, "{path}: {body}");
        assert!(found == 404 || body["field"] == field, "{path}: {body}");
    }
    let response = reqwest::Client::new().post(format!("{}/v1/status", api.base)).send().await.expect("answers");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"GET, HEAD, OPTIONS".parse().unwrap())
    );
    let options = reqwest::Client::new().request(reqwest::Method::OPTIONS, format!("{}/v1/status", api.base));
    let response = options.send().await.expect("answers");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (204, &"GET, HEAD, OPTIONS".parse().unwrap())
    );
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again_and_the_rest_is_small() {
    let world = world();
    let api = Api::start(&world).await;
    let url = format!("{}/v1/events?limit=500", api.base);
    // It shows what comes over the wire.
    let client = reqwest::Client::builder().no_gzip().build().expect("a client");
    let plain = client.get(&url).send().await.expect("answers");
    let (tag, length) = (plain.headers()["etag"].clone(), plain.headers()["content-length"].clone());
    let body = plain.bytes().await.expect("a body");
    let head = client.head(&url).send().await.expect("answers");
    assert_eq!((head.status().as_u16(), &head.headers()["etag"]), (200, &tag));
    assert_eq!(head.headers()["content-length"], length);
    assert!(head.bytes().await.expect("reads").is_empty());
    let again = client.get(&url).header("if-none-match", tag.clone()).send().await.expect("answers");
    assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag));
    assert!(again.bytes().await.expect("reads").is_empty());
    let small = client.get(&url).header("accept-encoding", "gzip").send().await.expect("answers");
    assert_eq!((&small.headers()["content-encoding"], &small.headers()["etag"]), (&"gzip".parse().unwrap(), &tag));
    let small = small.bytes().await.expect("a body");
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&small[..]), &mut unpacked).expect("gzip");
    assert!(unpacked == body && small.len() * 2 < body.len(), "{} of {}", small.len(), body.len());
}

#[tokio::test]
async fn every_answer_says_whether_it_is_final() {
    let world = world();
    let api = Api::start(&world).await;
    let leaf = hex::encode(world.manifests[0].leaf_hashes()[0]);
    let paths = [
        "/v1/datanets".to_owned(),
        format!("/v1/datanets/{}", world.datanet),
        format!("/v1/datanets/{}/contributions", world.datanet),
        format!("/v1/contributions/{leaf}"),
        "/v1/batches".to_owned(),
        "/v1/models".to_owned(),
        "/v1/jobs".to_owned(),
        "/v1/receipts".to_owned(),
        "/v1/funding".to_owned(),
        "/v1/settlements".to_owned(),
        format!("/v1/claims/{}", world.contributors[0]),
        "/v1/operators".to_owned(),
        "/v1/committees".to_owned(),
        "/v1/events".to_owned(),
    ];
    let said = async |finalized: bool| {
        for path in &paths {
            let (_, body) = api.get(path).await;
            let rows = body["items"].as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
            assert!(!rows.is_empty() && rows.iter().all(|row| row["finalized"] == finalized), "{path}: {body}");
        }
    };
    said(false).await;
    let signatures: Vec<&str> = world.history.iter().map(|t| t.signature.as_str()).collect();
    let slots: Vec<i64> = world.history.iter().map(|t| t.slot as i64).collect();
    // Sums are final only with all that they are of.
    let paid = world.history.iter().position(|t| t.events[0].name() == "Paid").expect("in the history");
    let but_one =
        |list: &[i64]| list.iter().enumerate().filter(|(n, _)| *n != paid).map(|(_, s)| *s).collect::<Vec<_>>();
    let names: Vec<&str> = signatures.iter().enumerate().filter(|(n, _)| *n != paid).map(|(_, s)| *s).collect();
    confirm(&api.source.db, &names, &but_one(&slots)).await.expect("writes");
    let (_, models) = api.get("/v1/models").await;
    assert_eq!(models["items"][0]["finalized"], false);
    confirm(&api.source.db, &signatures, &slots).await.expect("writes");
    said(true).await;
}

#[tokio::test]
async fn browsers_of_any_origin_may_ask() {
    let api = Api::start(&world()).await;
    let request = reqwest::Client::new().get(format!("{}/v1/status", api.base)).header("origin", "http://studio.local");
    let response = request.send().await.expect("answers");
    assert_eq!(response.headers()["access-control-allow-origin"], "http://studio.local");
    let exposed = response.headers()["access-control-expose-headers"].to_str().expect("text").to_lowercase();
    for header in ["etag", "allow", "retry-after"] {
        assert!(exposed.contains(header), "{exposed}");
    }
    let asked = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, format!("{}/v1/status", api.base))
        .header("origin", "http://studio.local")
        .header("access-control-request-method", "HEAD")
        .header("access-control-request-headers", "if-none-match");
    let allowed = asked.send().await.expect("answers");
    assert!(allowed.status().is_success() && allowed.headers().contains_key("access-control-allow-methods"));
}

#[tokio::test]
async fn pages_join_without_repetition_or_hole() {
    let world = world();
    let api = Api::start(&world).await;
    let path = format!("/v1/datanets/{}/contributions?limit=3", world.datanet);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, page) = api.get(&format!("{path}{cursor}")).await;
        seen.extend(page["items"].as_array().expect("items").iter().map(|i| i["leaf"].to_string()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 10);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 10);
}

#[tokio::test]
async fn a_range_of_slots_holds_its_last_slot_and_not_its_first_on_every_page() {
    let world = world();
    let api = Api::start(&world).await;
    let slots = async |range: &str| -> Vec<u64> {
        let (mut slots, mut cursor) = (Vec::new(), String::new());
        loop {
            let (_, page) = api.get(&format!("/v1/receipts?limit=1{range}{cursor}")).await;
            slots.extend(page["items"].as_array().expect("items").iter().map(|i| i["slot"].as_u64().expect("a slot")));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return slots,
            }
        }
    };
    let all = slots("").await;
    assert_eq!(all.len(), 3);
    let [newest, middle, oldest] = all[..] else { panic!("three payments") };
    assert_eq!(slots(&format!("&until_slot={middle}")).await, [middle, oldest]);
    assert_eq!(slots(&format!("&until_slot={}", oldest - 1)).await, [0; 0]);
    assert_eq!(slots(&format!("&after_slot={oldest}&until_slot={middle}")).await, [middle]);
    assert_eq!(slots(&format!("&after_slot={middle}")).await, [newest]);
}

#[tokio::test]
async fn the_live_feed_brings_new_events_once_and_goes_on_after_the_last_id() {
    use futures::StreamExt;
    let mut world = world();
    let last = world.history.pop().expect("not empty");
    let api = Api::start(&world).await;
    let url = format!("{}/v1/events/stream", api.base);
    let newest = reqwest::get(format!("{}/v1/events?limit=500", api.base)).await.expect("answers");
    let newest: Value = newest.json().await.expect("json");
    let before = newest["items"].as_array().and_then(|i| i.get(i.len() - 2)).expect("two events")["id"].to_string();
    let (_, status) = api.get("/v1/status").await;
    let before = format!("{}:{before}:0", status["feed"].as_str().expect("a name"));
    let response = reqwest::Client::new().get(&url).header("last-event-id", before).send().await.expect("answers");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.bytes_stream();
    let (mut text, mut sent) = (String::new(), false);
    while text.matches("data:").count() < 2 {
        let part = tokio::time::timeout(std::time::Duration::from_secs(20), stream.next()).await.expect("in time");
        text += &String::from_utf8_lossy(&part.expect("goes on").expect("reads"));
        if !sent && text.contains("data:") {
            ingest(&api.source.db, &last).await.expect("ingests");
            api.source.news.send_replace(());
            sent = true;
        }
    }
    assert_eq!(text.matches("event:SettlementActivated").count(), 1, "{text}");
    assert_eq!(text.matches("event:Claimed").count(), 1, "{text}");
    let metrics = reqwest::get(format!("{}/metrics", api.base)).await.expect("answers").text().await.expect("text");
    assert!(metrics.contains("openledger_indexer_api_answers_total{status=\"200\"}"), "{metrics}");
}

#[tokio::test]
async fn a_frozen_database_is_told_within_two_seconds_and_does_not_stop_the_ingest() {
    let mut world = world();
    let last = world.history.pop().expect("not empty");
    let api = Api::start(&world).await;
    assert_eq!(api.get("/v1/models").await.0, 200);
    api.way.freeze(true);
    let asked = (0..40).map(|_| api.get("/v1/models"));
    let begun = std::time::Instant::now();
    for (status, body) in futures::future::join_all(asked).await {
        let error = body["error"].as_str().unwrap_or_default().to_owned();
        assert!(status == 503 && error.contains("the database does not answer"), "{status} {error}");
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
    // Those who wait have taken no connection from the ingest.
    ingest(&api.source.db, &last).await.expect("ingests");
    api.way.freeze(false);
    assert_eq!(api.get("/v1/models").await.0, 200);
}

#[tokio::test]
async fn a_reader_cannot_write_nor_keep_a_statement_running() {
    let server = Server::start();
    let url = server.url("reader");
    let owner = Database::open(&url).await.expect("opens");
    owner.execute("CREATE ROLE looker LOGIN", &[]).await.expect("a role");
    let looker = url.replace("postgres@", "looker@");
    owner.admit(&looker).await.expect("granted");
    for url in [&url, &looker] {
        let reader = Database::reader(url).expect("a URL");
        assert_eq!(reader.query("SELECT 1 FROM model", &[]).await.expect("reads").len(), 0);
        let error = reader.execute("DELETE FROM transaction", &[]).await.expect_err("refused").to_string();
        assert!(error.contains("read-only") || error.contains("permission denied"), "{error}");
        let begun = std::time::Instant::now();
        reader.query("SELECT pg_sleep(9)", &[]).await.expect_err("too slow");
        assert!(begun.elapsed() < std::time::Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_told_within_two_seconds() {
    let api = Api::start(&world()).await;
    for (path, status) in [("/v1/status".to_owned(), 200), (format!("/v1/wallets/{}", key(201)), 503)] {
        let begun = std::time::Instant::now();
        assert_eq!(api.get(&path).await.0, status, "{path}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{path}: {:?}", begun.elapsed());
    }
}
