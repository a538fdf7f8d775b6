//! Serves HTTP with bounds on what a stranger can hold: connections at a time, of all and of one address, and the time that a
//! request's head may take and that an answer may wait to be read.

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::{
    collections::HashMap,
    future::Future,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_io_timeout::TimeoutStream;
use warp::{filters::BoxedFilter, reply::Reply};

/// What a server allows.
struct Bounds {
    /// Connections at a time. Others wait until one of these ends.
    most: usize,
    /// Connections of one address at a time. Those from this machine are not counted: a proxy may bring everybody's.
    of_one: usize,
    /// How long an answer may wait until its reader takes some of it.
    read_within: Duration,
}

const BOUNDS: Bounds = Bounds { most: 1024, of_one: 128, read_within: Duration::from_secs(30) };

/// How long the head of a request may take. A connection on which nothing is asked for so long is closed too.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// How long the server waits when it cannot accept, for lack of files for example.
const AGAIN: Duration = Duration::from_millis(200);

/// The connections of each address.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection of an address. Dropping it ends it.
struct Counted {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// Counts one more connection. `None` if the address has as many as it may have.
    fn enter(&self, address: IpAddr, most: usize) -> Option<Counted> {
        // Whoever has one address of IPv6 has 2^64.
        let address = match address.to_canonical() {
            IpAddr::V6(six) if !six.is_loopback() => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
            other => other,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(address).or_default();
        if *count >= most && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Counted { addresses: self.clone(), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.address);
            }
        }
    }
}

/// Answers what comes in on `listener` by `filter` until `stop` resolves, and then what was begun.
pub async fn serve<R: Reply + 'static>(
    filter: BoxedFilter<(R,)>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    serve_within(BOUNDS, filter, listener, stop).await;
}

async fn serve_within<R: Reply + 'static>(
    bounds: Bounds,
    filter: BoxedFilter<(R,)>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let (places, open) = (Arc::new(Semaphore::new(bounds.most)), GracefulShutdown::new());
    let addresses = Addresses::default();
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
        let (stream, counted) = match accepted {
            Ok((stream, from)) => match addresses.enter(from.ip(), bounds.of_one) {
                Some(counted) => (stream, counted),
                // It is closed.
                None => continue,
            },
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(warp::service(filter.clone()));
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(bounds.read_within));
        let connection = server.serve_connection(TokioIo::new(Box::pin(stream)), service).into_owned();
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection failed");
            }
            drop((place, counted));
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

    #[test]
    fn an_address_has_so_many_connections_and_this_machine_any_number() {
        let addresses = Addresses::default();
        let [one, other, here]: [IpAddr; 3] =
            ["192.0.2.1", "192.0.2.2", "::ffff:127.0.0.1"].map(|a| a.parse().unwrap());
        let held: Vec<_> = (0..2).map(|_| addresses.enter(one, 2).unwrap()).collect();
        assert!(addresses.enter(one, 2).is_none());
        assert!(addresses.enter(other, 2).is_some());
        let [six, near]: [IpAddr; 2] = ["2001:db8::1", "2001:db8::2"].map(|a| a.parse().unwrap());
        let _one = addresses.enter(six, 1).unwrap();
        assert!(addresses.enter(near, 1).is_none());
        drop(_one);
        let local: Vec<_> = (0..5).map(|_| addresses.enter(here, 2).unwrap()).collect();
        drop((held, local));
        assert!(addresses.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn connections_beyond_the_bound_wait_and_are_answered_when_one_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let filter = warp::any().map(|| "here").boxed();
        let bounds = Bounds { most: 1, ..BOUNDS };
        let server = tokio::spawn(serve_within(bounds, filter, listener, std::future::pending()));
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

    #[tokio::test]
    async fn whoever_asks_for_much_and_reads_nothing_loses_its_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let filter = warp::any().map(|| vec![b'x'; 64 << 20]).boxed();
        let bounds = Bounds { most: 1, read_within: Duration::from_millis(300), ..BOUNDS };
        let server = tokio::spawn(serve_within(bounds, filter, listener, std::future::pending()));
        let ask = async || {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
            stream
        };
        let unread = ask().await;
        let (mut other, mut answer) = (ask().await, Vec::new());
        let read = tokio::time::timeout(Duration::from_secs(30), other.read_to_end(&mut answer)).await;
        read.expect("the first has lost its place").unwrap();
        assert!(answer.len() > 64 << 20);
        drop(unread);
        server.abort();
    }
}
