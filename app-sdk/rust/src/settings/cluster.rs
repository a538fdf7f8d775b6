//! Addresses of clusters as the Solana CLI names them, and its config file.

use std::path::{Path, PathBuf};

/// The address of a node from its address or a moniker.
pub fn address(name: &str) -> String {
    let known = match name {
        "m" | "mainnet-beta" => "https://api.mainnet-beta.solana.com",
        "t" | "testnet" => "https://api.testnet.solana.com",
        "d" | "devnet" => "https://api.devnet.solana.com",
        "l" | "localhost" => "http://127.0.0.1:8899",
        other => other,
    };
    known.to_owned()
}

/// The WebSocket address of the node at `address`: the next port, if a port is named.
pub fn websocket(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some(("https", rest)) => ("wss", rest),
        Some((_, rest)) => ("ws", rest),
        None => ("ws", address),
    };
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let host = match host.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse::<u16>().ok()?))) {
        Some((name, port)) => format!("{name}:{}", port.saturating_add(1)),
        None => host.to_owned(),
    };
    if path.is_empty() { format!("{scheme}://{host}") } else { format!("{scheme}://{host}/{path}") }
}

/// Whether the node at `address` is on this machine.
pub fn is_local(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What the Solana CLI's config says of interest here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SolanaConfig {
    /// Address of a node.
    pub json_rpc_url: Option<String>,
    /// Its WebSocket address, if it does not follow from the other.
    pub websocket_url: Option<String>,
    /// Key file of the wallet.
    pub keypair_path: Option<PathBuf>,
}

/// Reads the Solana CLI's config of whoever has this home folder. It is empty if there is none.
pub fn read_config(home: &Path) -> SolanaConfig {
    std::fs::read_to_string(home.join(".config/solana/cli/config.yml"))
        .map_or_else(|_| SolanaConfig::default(), |t| parse(&t))
}

/// Reads the top-level texts of the file. The Solana CLI writes each on a line of its own, in quotes where it must.
fn parse(text: &str) -> SolanaConfig {
    let value = |name: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let mut values = lines.map(|v| v.trim().trim_matches(['\'', '"']).to_owned());
        values.next().filter(|v| !v.is_empty())
    };
    SolanaConfig {
        json_rpc_url: value("json_rpc_url"),
        websocket_url: value("websocket_url"),
        keypair_path: value("keypair_path").map(PathBuf::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_local_by_its_address_alone() {
        for here in ["http://127.0.0.1:8899", "http://localhost:1", "http://[::1]:8899/x", "127.0.3.4", "localhost"] {
            assert!(is_local(here), "{here}");
        }
        for away in ["https://api.devnet.solana.com", "http://127.0.0.1.example", "http://localhost.example/127.0.0.1"]
        {
            assert!(!is_local(away), "{away}");
        }
    }

    #[test]
    fn monikers_are_those_of_the_solana_cli() {
        assert_eq!(address("d"), address("devnet"));
        assert_eq!(address("l"), "http://127.0.0.1:8899");
        assert_eq!(address("https://node.example"), "https://node.example");
    }

    #[test]
    fn the_websocket_is_at_the_next_port() {
        assert_eq!(websocket("http://127.0.0.1:8899"), "ws://127.0.0.1:8900");
        assert_eq!(websocket("https://node.example"), "wss://node.example");
        assert_eq!(websocket("https://node.example:1/key"), "wss://node.example:2/key");
    }

    #[test]
    fn the_solana_clis_config_is_read_as_it_writes_it() {
        let text = "---\njson_rpc_url: https://api.devnet.solana.com\nwebsocket_url: ''\n\
                    keypair_path: \"/home/me/id.json\"\naddress_labels:\n  '111': System Program\ncommitment: confirmed\n";
        let expected = SolanaConfig {
            json_rpc_url: Some("https://api.devnet.solana.com".into()),
            websocket_url: None,
            keypair_path: Some("/home/me/id.json".into()),
        };
        assert_eq!(parse(text), expected);
        assert_eq!(parse(""), SolanaConfig::default());
    }
}
