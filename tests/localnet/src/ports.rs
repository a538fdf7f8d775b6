//! Chooses and checks the two ports before the node starts, so that a taken port gives a clear error.

use std::{io, net::TcpListener};

use crate::error::LocalnetError;

/// The ports of one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub rpc: u16,
    pub ws: u16,
}

impl Ports {
    /// Takes the ports of the settings, or free ones, and checks that both can be listened on.
    pub fn choose(rpc_port: u16, ws_port: u16) -> Result<Self, LocalnetError> {
        if rpc_port != 0 && rpc_port == ws_port {
            return Err(LocalnetError::SamePort(rpc_port));
        }
        // Both ports are held until the end, so that two free ports are never the same.
        let (rpc, _rpc_held) = listen(rpc_port, "JSON-RPC", "--rpc-port")?;
        let (ws, _ws_held) = listen(ws_port, "WebSocket", "--ws-port")?;
        Ok(Self { rpc, ws })
    }
}

fn listen(port: u16, server: &'static str, flag: &'static str) -> Result<(u16, TcpListener), LocalnetError> {
    let bind = || -> io::Result<_> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        Ok((listener.local_addr()?.port(), listener))
    };
    bind().map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => LocalnetError::PortTaken { port, server, flag },
        _ => LocalnetError::Port { port, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let ports = Ports::choose(0, 0).unwrap();
        assert_ne!(ports.rpc, ports.ws);
    }

    #[test]
    fn a_taken_port_is_named_with_the_flag_that_changes_it() {
        let squatter = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = squatter.local_addr().unwrap().port();
        let error = Ports::choose(0, port).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&port.to_string()) && text.contains("--ws-port"), "{text}");
    }

    #[test]
    fn one_port_for_both_servers_is_refused() {
        assert!(matches!(Ports::choose(18899, 18899), Err(LocalnetError::SamePort(18899))));
    }
}
