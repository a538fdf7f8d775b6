//! One member of five that splits the others: two agreements, and two payloads.

use openledger_protocol::attest::Message;
use openledger_quorum::{
    Error,
    envelope::Kind,
    observe::{self, About, CloseRequest, EndorseAnswer, Published, Reveal, RevealRequest, closing_digest},
};

use crate::{
    fleet::{Fleet, message},
    observing::{about, commitment_to, endorsed, honest_commitments, key, reveal_of, round, sealed_by, set_of, told},
    signing::{bind, sign, verifies},
};

const LIAR: u16 = 5;

/// The liar has two agreements closed: one without its own values by the first and the second member, and one with them by
/// the third and the fourth. Nobody but these has either.
async fn two_agreements(fleet: &Fleet) -> [[u8; 32]; 2] {
    let honest = [1, 2, 3, 4];
    let lie = reveal_of(LIAR, &[0, 0, 0]);
    let commitments = [&honest_commitments(fleet, LIAR, &honest).await[..], &[commitment_to(&lie)]].concat();
    let sealed = sealed_by(fleet, set_of(&commitments), &[LIAR], &honest).await;
    let mut reveals = Vec::new();
    for place in honest {
        let request = RevealRequest { about: about(), sealed: sealed.clone() };
        reveals.push(told::<Reveal>(fleet, (LIAR, place), Kind::ObserveReveal, &request).await);
    }
    let publish = async |reveals: Vec<Reveal>, places: [u16; 2]| {
        let mut closings = vec![endorsed(LIAR, &closing_digest(&key(), &sealed.set, &reveals))];
        for place in places {
            let request = CloseRequest { about: about(), sealed: sealed.clone(), reveals: reveals.clone() };
            match told(fleet, (LIAR, place), Kind::ObserveClose, &request).await {
                EndorseAnswer::Endorsed(closing) => closings.push(closing),
                other => panic!("{place}: {other:?}"),
            }
        }
        let About { subject, sequence } = about();
        let published = Published { subject, sequence, sealed: sealed.clone(), reveals, closings };
        let mut root = String::new();
        for place in places {
            root = told(fleet, (LIAR, place), Kind::ObserveResult, &published).await;
        }
        hex::decode(root).unwrap().try_into().unwrap()
    };
    let with = publish([&reveals[..], &[lie]].concat(), [3, 4]).await;
    [publish(reveals, [1, 2]).await, with]
}

#[tokio::test]
async fn members_split_over_two_agreements_sign_one_as_soon_as_the_first_expiry_is_final() {
    let (fleet, group_key) = Fleet::with_key(3, 5).await;
    for place in 1..=4 {
        *fleet.mind(place).agreed_in.lock().unwrap() = Some(round());
    }
    fleet.finalize(1);
    let [one, two] = two_agreements(&fleet).await;
    assert_ne!(one, two);
    let expiring = |payload: &[u8], expiry_slot| Message { expiry_slot, ..message(3, payload) };
    bind(&fleet, "one", expiring(&one, 1_000), &one, [1, 2]).await;
    bind(&fleet, "two", expiring(&two, 1_000), &two, [3, 4]).await;

    *fleet.mind(LIAR).objection.lock().unwrap() = Some("it signs for nobody".into());

    // The first proposes what it has agreed on. At first the others are bound to something else. Then they do not know it.
    let proposed = expiring(&one, 2_000);
    let fails = async || match sign(&fleet, 1, proposed, &one).await.unwrap() {
        Err(Error::TooFew { faults, .. }) => faults.into_iter().map(|f| f.what).collect::<String>(),
        other => panic!("{other:?}"),
    };
    assert!(fails().await.contains("has signed payload"));
    fleet.finalize(1_001);
    assert!(fails().await.contains("no agreement with this root"));
    let publish = fleet
        .run(1, move |own| async move { observe::publish(&own, 7, &round().subject, 3, &round().context, &one).await });
    publish.await.unwrap().unwrap();
    verifies(&group_key, &proposed, &sign(&fleet, 1, proposed, &one).await.unwrap().unwrap());
}
