//! A way to the database that can freeze: it keeps its connections open and lets nothing through.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The way to a server on 127.0.0.1.
pub struct Way {
    port: u16,
    frozen: watch::Sender<bool>,
}

impl Way {
    /// Opens a way to the server of `url`.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (frozen, state) = watch::channel(false);
        let server = format!("127.0.0.1:{}", port_of(url));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, mut state) = (server.clone(), state.clone());
                tokio::spawn(async move {
                    let _ = state.wait_for(|frozen| !frozen).await;
                    let Ok(mut server) = TcpStream::connect(server).await else { return };
                    loop {
                        // Dropping the copy loses nothing here: it waits for the next statement when it is dropped.
                        tokio::select! {
                            _ = copy_bidirectional(&mut client, &mut server) => return,
                            _ = state.wait_for(|frozen| *frozen) => {}
                        }
                        let _ = state.wait_for(|frozen| !frozen).await;
                    }
                });
            }
        });
        Self { port, frozen }
    }

    /// The database of `url` over this way.
    pub fn url(&self, url: &str) -> String {
        url.replace(&format!(":{}/", port_of(url)), &format!(":{}/", self.port))
    }

    /// Freezes the way, or thaws it.
    pub fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }
}

fn port_of(url: &str) -> &str {
    url.rsplit_once(':').and_then(|(_, rest)| rest.split_once('/')).expect("a URL with a port").0
}
