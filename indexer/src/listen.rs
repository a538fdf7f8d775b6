//! Serves HTTP with bounds on what a stranger can hold: connections at a time, and the time that a request's head may take.

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use warp::{filters::BoxedFilter, reply::Reply};

/// Connections of one server at a time. Others wait until one of these ends.
const MOST: usize = 1024;
/// How long the head of a request may take. A connection on which nothing is asked for so long is closed too.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// How long the server waits when it cannot accept, for lack of files for example.
const AGAIN: Duration = Duration::from_millis(200);

/// Answers what comes in on `listener` by `filter` until `stop` resolves, and then what was begun.
pub async fn serve<R: Reply + 'static>(
    filter: BoxedFilter<(R,)>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    serve_at_most(MOST, filter, listener, stop).await;
}

async fn serve_at_most<R: Reply + 'static>(
    most: usize,
    filter: BoxedFilter<(R,)>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let (places, open) = (Arc::new(Semaphore::new(most)), GracefulShutdown::new());
    let mut server = Builder::new(TokioExecutor::new()).http1_only();
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(warp::service(filter.clone()));
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection failed");
            }
            drop(place);
        });
    }
    drop(listener);
    open.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };
    use warp::Filter;

    #[tokio::test]
    async fn connections_beyond_the_bound_wait_and_are_answered_when_one_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let filter = warp::any().map(|| "here").boxed();
        let server = tokio::spawn(serve_at_most(1, filter, listener, std::future::pending()));
        let idle = TcpStream::connect(address).await.unwrap();
        let mut other = TcpStream::connect(address).await.unwrap();
        other.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        let soon = Duration::from_millis(300);
        tokio::time::timeout(soon, other.read_to_string(&mut answer)).await.expect_err("the idle one holds the place");
        drop(idle);
        let began = Instant::now();
        other.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("here") && began.elapsed() < HEAD_WITHIN, "{answer}");
        server.abort();
    }
}
