//! Asks other members, with time limits, retries with back-off, and checked answers.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::limits;
use crate::{
    answer::Answer,
    envelope::{Envelope, Header, Kind},
    error::{Code, Error, Refusal, Result},
    membership::{Committee, Member},
    participant::Participant,
    settings::Settings,
};

/// HTTP connections to other members.
pub(crate) fn connections(settings: &Settings) -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(settings.request_timeout)
        .connect_timeout(settings.request_timeout.min(Duration::from_secs(5)))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|e| Error::Setup(format!("HTTP client: {e}")))
}

async fn post(http: &reqwest::Client, endpoint: &str, request: &Envelope, limit: u64) -> Result<Envelope, String> {
    let url = format!("{}/quorum/v1/{}", endpoint.trim_end_matches('/'), request.kind.as_str());
    let header = serde_json::to_string(&request.header).map_err(|e| e.to_string())?;
    let request = http.post(url).header(Header::NAME, header).body(request.body.clone());
    let mut response = request.send().await.map_err(|e| e.to_string())?;
    let status = response.status();
    let header = response.headers().get(Header::NAME).and_then(|h| h.to_str().ok()).map(serde_json::from_str::<Header>);
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| e.to_string())? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err("the answer is too long".into());
        }
        bytes.extend_from_slice(&chunk);
    }
    match header {
        Some(Ok(header)) => header.open(bytes).map_err(|e| e.to_string()),
        _ => {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
            Err(format!("unsigned answer, status {status}: {text}"))
        }
    }
}

/// One question to one member.
pub(crate) struct Question<'a> {
    pub committee: &'a Committee,
    pub to: &'a Member,
    pub kind: Kind,
    pub session: &'a str,
}

impl Question<'_> {
    /// Asks until there is a signed result or a signed refusal, however long that takes. Drop the future to give up.
    ///
    /// After silence, an unsigned answer or a refusal for now (not available, too many requests), the member is asked
    /// again, with growing pauses. Each time is a request of its own, with a new number.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        participant: &Participant,
        body: &impl Serialize,
    ) -> Result<T, Refusal> {
        let settings = &participant.settings;
        let mut pause = settings.retry_min;
        loop {
            match self.once(participant, body).await {
                Ok(Answer::Ready(value)) => {
                    return serde_json::from_value(value).map_err(|e| {
                        Refusal::new(Code::BadRequest, format!("sent an answer that cannot be read: {e}"))
                    });
                }
                // The member held the request as long as it could, so a short pause is enough.
                Ok(Answer::Pending) => pause = settings.retry_min,
                Ok(Answer::Refused(refusal)) => match refusal.code {
                    Code::TooManyRequests => pause = settings.retry_max,
                    Code::Unavailable => pause = (pause * 2).min(settings.retry_max),
                    _ => return Err(refusal),
                },
                Err(reason) => {
                    tracing::debug!(member = self.to.name(), kind = self.kind.as_str(), reason, "no answer");
                    pause = (pause * 2).min(settings.retry_max);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks until there is any signed answer, a refusal for now too, however long that takes. Drop the future to give up.
    pub async fn answered(&self, participant: &Participant, body: &impl Serialize) {
        let settings = &participant.settings;
        let mut pause = settings.retry_min;
        while self.once(participant, body).await.is_err() {
            pause = (pause * 2).min(settings.retry_max);
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends one request and returns one verified answer. A request to oneself is a function call.
    async fn once(&self, participant: &Participant, body: &impl Serialize) -> Result<Answer, String> {
        let request = Envelope::request(
            &participant.identity,
            self.committee,
            (participant.wallet(), self.to.wallet),
            self.kind,
            self.session,
            body,
        );
        if self.to.wallet == participant.wallet() {
            return Ok(participant.answer(self.committee, &request).await);
        }
        let limit = limits::answer(self.kind, self.committee.size());
        let answer = post(&participant.http, &self.to.endpoint, &request, limit).await?;
        answer.verify_reply(self.committee, &request).map_err(|e| e.to_string())?;
        answer.read().map_err(|e| e.to_string())
    }
}
