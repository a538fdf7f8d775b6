//! A bucket of an S3-compatible service as a store.

use super::{connector::Connector, error::StoreError, location::Location};
use object_store::{ObjectStore, RetryConfig, aws::AmazonS3Builder, prefix::PrefixStore};
use std::{sync::Arc, time::Duration};

/// How long the client goes on trying when the service fails.
const TRIED_FOR: Duration = Duration::from_secs(30);
/// Variables of the environment that say how to sign. One of them must be set.
const KEYS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
];

/// Opens `bucket` with `prefix` before every name. Address, region and keys come from `environment`: pairs of names and
/// values, as the Amazon tools read them. Nothing is sent yet.
pub fn open(
    bucket: &str,
    prefix: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let location = Location::Bucket { bucket: bucket.into(), prefix: prefix.into() };
    let fail = |reason: String| StoreError::Open { path: location.to_string(), reason };
    let retry = RetryConfig { retry_timeout: TRIED_FOR, ..Default::default() };
    let mut builder = AmazonS3Builder::new().with_retry(retry).with_http_connector(Connector);
    let mut can_sign = false;
    for (name, value) in environment {
        can_sign |= KEYS.contains(&name.as_str()) && !value.is_empty();
        let Some(setting) = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse().ok()).flatten() else {
            continue;
        };
        builder = builder.with_config(setting, value);
    }
    if !can_sign {
        return Err(fail(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_REGION where it matters, and \
                         AWS_ENDPOINT_URL unless the service is Amazon's"
                .into(),
        ));
    }
    let store = builder.with_bucket_name(bucket).build().map_err(|e| fail(e.to_string()))?;
    Ok(match prefix {
        "" => Arc::new(store),
        prefix => Arc::new(PrefixStore::new(store, prefix)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(set: &[(&str, &str)]) -> Vec<(String, String)> {
        set.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_bucket_without_keys_is_refused_by_the_names_of_what_is_missing() {
        let error = open("b", "", environment(&[("HOME", "/")])).unwrap_err().to_string();
        assert!(error.contains("s3://b") && error.contains("AWS_SECRET_ACCESS_KEY"), "{error}");
        let half = open("b", "p", environment(&[("AWS_ACCESS_KEY_ID", "k")])).unwrap_err().to_string();
        assert!(half.contains("s3://b/p") && half.to_lowercase().contains("secret"), "{half}");
        open("b", "p", environment(&[("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")])).unwrap();
    }
}
