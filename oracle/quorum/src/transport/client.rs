//! Asks other members, with time limits, retries with back-off, and checked answers.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    answer::Answer,
    envelope::{Envelope, Kind},
    error::{Code, Error, Refusal, Result},
    membership::{Committee, Member},
    participant::Participant,
    settings::Settings,
};

/// Longest answer in bytes. The bound keeps a member from filling another's memory.
const MAX_ANSWER: usize = 128 << 20;

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

async fn post(http: &reqwest::Client, endpoint: &str, request: &Envelope) -> Result<Envelope, String> {
    let url = format!("{}/quorum/v1/{}", endpoint.trim_end_matches('/'), request.kind.as_str());
    let mut response = http.post(url).json(request).send().await.map_err(|e| e.to_string())?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| e.to_string())? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err("the answer is too long".into());
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|_| {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        format!("unsigned answer, status {status}: {text}")
    })
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
    /// After silence, an unsigned answer or the refusal "not available now", the member is asked again, with growing
    /// pauses.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        participant: &Participant,
        body: &impl Serialize,
    ) -> Result<T, Refusal> {
        let request = Envelope::request(
            &participant.identity,
            self.committee,
            (participant.wallet(), self.to.wallet),
            self.kind,
            self.session,
            body,
        );
        let settings = &participant.settings;
        let mut pause = settings.retry_min;
        loop {
            match self.once(participant, &request).await {
                Ok(Answer::Ready(value)) => {
                    return serde_json::from_value(value).map_err(|e| {
                        Refusal::new(Code::BadRequest, format!("sent an answer that cannot be read: {e}"))
                    });
                }
                // The member held the request as long as it could, so a short pause is enough.
                Ok(Answer::Pending) => pause = settings.retry_min,
                Ok(Answer::Refused(refusal)) if refusal.code != Code::Unavailable => return Err(refusal),
                Ok(Answer::Refused(refusal)) => {
                    tracing::debug!(member = self.to.name(), kind = self.kind.as_str(), %refusal, "not now");
                    pause = (pause * 2).min(settings.retry_max);
                }
                Err(reason) => {
                    tracing::debug!(member = self.to.name(), kind = self.kind.as_str(), reason, "no answer");
                    pause = (pause * 2).min(settings.retry_max);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends one request and returns one verified answer. A request to oneself is a function call.
    async fn once(&self, participant: &Participant, request: &Envelope) -> Result<Answer, String> {
        if self.to.wallet == participant.wallet() {
            return Ok(participant.answer(self.committee, request).await);
        }
        let answer = post(&participant.http, &self.to.endpoint, request).await?;
        answer.verify_reply(self.committee, request).map_err(|e| e.to_string())?;
        answer.read().map_err(|e| e.to_string())
    }
}
