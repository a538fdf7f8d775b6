//! Counters for Prometheus.

use prometheus::{Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// All metrics of the indexer. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// Transactions stored.
    pub transactions: IntCounter,
    /// Events stored.
    pub events: IntCounter,
    /// Confirmed transactions that the cluster dropped.
    pub rollbacks: IntCounter,
    /// 1 while the subscription is established, otherwise 0.
    pub subscribed: IntGauge,
    /// Newest finalised slot seen.
    pub finalized_slot: IntGauge,
    /// Gaps in event numbers.
    pub gaps: IntGauge,
    /// Transactions and events that could not be read or stored.
    pub quarantined: IntGauge,
    /// Transactions below the newest finalised slot that could not be confirmed in the last round.
    pub unconfirmed: IntGauge,
    /// Differences between chain and index that lasted for more than one round of comparison.
    pub differences: IntGauge,
    /// API answers by status code.
    pub answers: IntCounterVec,
    /// Seconds that API answers took.
    pub answer_seconds: Histogram,
    /// The artifact service's.
    pub artifacts: ArtifactMetrics,
}

/// What the artifact service counts. Clones share it.
#[derive(Clone)]
pub struct ArtifactMetrics {
    /// Requests by method and by the status code of the answer.
    pub requests: IntCounterVec,
    /// Bytes of artifacts that came.
    pub received: IntCounter,
    /// Bytes of artifacts that went.
    pub sent: IntCounter,
    /// Uploads that a quota refused.
    pub over_quota: IntCounter,
    /// Rounds of the sweep that ended well.
    pub sweeps: IntCounter,
    /// Artifacts that the sweep removed.
    pub swept: IntCounter,
}

impl Metrics {
    /// Makes metrics with a registry of their own, so that several indexers can run in one process, as in tests.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("openledger_indexer".into()), None)?;
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let metric = IntCounter::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let answer_seconds = Histogram::with_opts(HistogramOpts::new("api_answer_seconds", "Duration of API answers"))?;
        registry.register(Box::new(answer_seconds.clone()))?;
        Ok(Self {
            transactions: counter("transactions_total", "Transactions stored")?,
            events: counter("events_total", "Events stored")?,
            rollbacks: counter("rollbacks_total", "Confirmed transactions that the cluster dropped")?,
            subscribed: gauge("subscribed", "1 while the subscription stands")?,
            finalized_slot: gauge("finalized_slot", "Newest finalised slot seen")?,
            gaps: gauge("gaps", "Holes in event numbers")?,
            quarantined: gauge("quarantined", "Transactions and events that could not be read or stored")?,
            unconfirmed: gauge("unconfirmed", "Transactions that could not be confirmed in the last round")?,
            differences: gauge("differences", "Differences between chain and index that outlived a round")?,
            answers: counters("api_answers_total", "API answers by status code", &["status"])?,
            answer_seconds,
            artifacts: ArtifactMetrics {
                requests: counters(
                    "artifact_requests_total",
                    "Requests to the artifact service by method and status code",
                    &["method", "status"],
                )?,
                received: counter("artifact_received_bytes_total", "Bytes of artifacts that came")?,
                sent: counter("artifact_sent_bytes_total", "Bytes of artifacts that went")?,
                over_quota: counter("artifact_over_quota_total", "Uploads that a quota refused")?,
                sweeps: counter("artifact_sweeps_total", "Rounds of the sweep that ended well")?,
                swept: counter("artifact_swept_total", "Artifacts that the sweep removed")?,
            },
            registry,
        })
    }

    /// Returns the metrics in the text format of Prometheus.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn metrics_are_written_in_prometheus_form() {
        let metrics = Metrics::new().expect("fresh registry");
        metrics.events.inc_by(3);
        let text = metrics.text().expect("encodes");
        assert!(text.contains("# TYPE openledger_indexer_events_total counter"), "{text}");
        assert!(text.contains("openledger_indexer_events_total 3"), "{text}");
    }
}
