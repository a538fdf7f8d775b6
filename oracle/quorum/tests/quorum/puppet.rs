//! A member without a node: a test writes its answers. It holds its identity key, so everything that it says is well
//! signed.

use std::sync::{Arc, Mutex};

use openledger_quorum::{
    answer::Answer,
    envelope::{Envelope, Kind},
};
use tokio::task::JoinHandle;
use warp::{Filter, http::StatusCode};

use crate::fleet::{Fleet, bind, received, told};

/// What a puppet answers. It shows signs of life by itself.
pub type Script = Arc<dyn Fn(&Envelope) -> Answer + Send + Sync>;

/// A member whose answers follow a script, until it is dropped.
pub struct Puppet {
    server: JoinHandle<()>,
    /// The requests that it got, beats left out.
    pub heard: Arc<Mutex<Vec<Envelope>>>,
}

impl Puppet {
    /// Puts a puppet in the place of a member that is not started.
    pub async fn start(
        fleet: &Fleet,
        place: u16,
        script: impl Fn(&Envelope) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (script, heard): (Script, _) = (Arc::new(script), Arc::new(Mutex::new(Vec::new())));
        let listener =
            bind(fleet.committee.members[usize::from(place) - 1].endpoint.trim_start_matches("http://")).await;
        let seen = heard.clone();
        let serve = received().map(move |request: Envelope| {
            let answer = match request.kind {
                Kind::Beat => Answer::Ready("alive".into()),
                _ => {
                    seen.lock().unwrap().push(request.clone());
                    script(&request)
                }
            };
            told(place, &request, &answer, StatusCode::OK)
        });
        Self { server: tokio::spawn(warp::serve(serve).incoming(listener).run()), heard }
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.server.abort();
    }
}
