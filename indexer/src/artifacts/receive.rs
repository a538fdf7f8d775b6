//! Takes the bytes of a request, and hashes them on the way.

use super::{limits::Limits, refusal::Refusal};
use bytes::Buf;
use futures::{Stream, StreamExt};
use openledger_protocol::Hash32;
use sha2::{Digest, Sha256};
use std::path::Path;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};
use warp::http::StatusCode;

/// What has come of an artifact, and is in a file.
#[derive(Clone, Default)]
pub struct Progress {
    hash: Sha256,
    length: u64,
}

impl Progress {
    /// Reads it from the file. Nothing has come if there is no file.
    pub async fn read(path: &Path) -> std::io::Result<Self> {
        let (mut read, mut chunk) = (Self::default(), vec![0; 1 << 16]);
        let mut file = match File::open(path).await {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(read),
            opened => opened?,
        };
        loop {
            match file.read(&mut chunk).await? {
                0 => return Ok(read),
                n => read.add(&chunk[..n]),
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// How many bytes have come.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// SHA-256 of what has come.
    pub fn hash(&self) -> Hash32 {
        self.hash.clone().finalize().into()
    }
}

/// A file that is being written.
pub struct Sink {
    file: File,
    progress: Progress,
    /// Whether a write failed: then nobody knows what is in the file.
    broken: bool,
}

impl Sink {
    /// Goes on at the end of the file at `path`, which holds `progress` and is made if it does not exist.
    pub async fn open(path: &Path, progress: Progress) -> std::io::Result<Self> {
        Ok(Self { file: File::options().append(true).create(true).open(path).await?, progress, broken: false })
    }

    /// What has come, unless a write failed.
    pub fn into_progress(self) -> Option<Progress> {
        (!self.broken).then_some(self.progress)
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let written = self.file.write_all(bytes).await;
        self.broken |= written.is_err();
        self.progress.add(bytes);
        written
    }

    /// Appends the `expected` bytes of a request. What came before a failure stays in the file. A body that is too long is
    /// refused, and of it nothing behind the expected bytes is kept. A body that comes too slowly is given up.
    pub async fn take<B: Buf, E: std::fmt::Display>(
        &mut self,
        body: impl Stream<Item = Result<B, E>>,
        expected: u64,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let (mut body, end) = (std::pin::pin!(body), self.progress.length + expected);
        let deadline = Instant::now() + limits.time(expected);
        let (mut since, mut before) = (Instant::now(), self.progress.length);
        let taken = async {
            while let Some(chunk) = timeout(limits.silence, body.next()).await.map_err(|_| slow())? {
                let mut chunk = chunk.map_err(|e| Refusal::bad(format!("the body was cut: {e}")))?;
                while chunk.has_remaining() {
                    let bytes = chunk.chunk();
                    if bytes.len() as u64 > end - self.progress.length {
                        return Err(Refusal::bad(format!("the body has more than {expected} bytes")));
                    }
                    self.write(bytes).await?;
                    let read = bytes.len();
                    chunk.advance(read);
                }
                if since.elapsed() >= limits.window {
                    if self.progress.length - before < limits.least() && self.progress.length < end {
                        return Err(slow());
                    }
                    (since, before) = (Instant::now(), self.progress.length);
                }
            }
            if self.progress.length < end {
                return Err(Refusal::bad(format!(
                    "the body ends {} bytes before {expected}",
                    end - self.progress.length
                )));
            }
            Ok(())
        };
        let result = timeout_at(deadline, taken).await;
        // A write may have been given up in its middle.
        self.broken |= result.is_err();
        let result = result.unwrap_or_else(|_| Err(slow()));
        let flushed = self.file.flush().await;
        self.broken |= flushed.is_err();
        flushed?;
        result
    }
}

fn slow() -> Refusal {
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body comes too slowly: try again, in parts if it is long")
}

/// Reads a request to its end and keeps nothing of it, so that the answer reaches a client that is still sending.
pub async fn drain<B: Buf, E>(body: impl Stream<Item = Result<B, E>>, most: u64, limits: &Limits) {
    let (mut body, mut left) = (std::pin::pin!(body), most);
    let rest = async {
        while let Ok(Some(Ok(chunk))) = timeout(limits.silence, body.next()).await {
            match left.checked_sub(chunk.remaining() as u64) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _ = timeout(limits.time(most), rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::time::Duration;

    #[tokio::test]
    async fn an_upload_that_becomes_slow_is_given_up_long_before_its_whole_time_is_over() {
        let window = Duration::from_millis(100);
        let limits = Limits { least_rate: 10_000, window, ..Limits::default() };
        // Quick at first, and then a byte at a time: on average it is quick enough for a long while.
        let quick = futures::stream::iter([Bytes::from(vec![0; 100_000])]);
        let slow = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Some((Bytes::from_static(b"a"), ()))
        });
        let folder = tempfile::tempdir().unwrap();
        let mut sink = Sink::open(&folder.path().join("file"), Progress::default()).await.unwrap();
        let taken = sink.take(quick.chain(slow).map(Ok::<_, String>), 10_000_000, &limits);
        let taken = timeout(Duration::from_secs(10), taken).await.expect("it is given up");
        assert_eq!(taken.unwrap_err().status, StatusCode::REQUEST_TIMEOUT);
    }
}
