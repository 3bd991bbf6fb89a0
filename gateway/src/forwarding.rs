//! The address of a client behind proxies. What a request says about itself is believed only as far as it was written by a proxy that is
//! trusted: entries are read from the last one, which the nearest proxy wrote, and the first that is no trusted proxy is the client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;
use ipnet::IpNet;

use crate::credentials::{FORWARDED_FOR, ForwardedAddresses};

/// How addresses are forwarded, and by whom. Without names of proxies whoever connects is one, and alone.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    how: ForwardedAddresses,
    trusted: Arc<[IpNet]>,
    /// Whether trusted proxies begin a connection with its address.
    begins: bool,
}

impl Forwarding {
    /// Trusted proxies forward addresses, whether or not it was said how.
    pub(crate) fn new(how: ForwardedAddresses, trusted: &[IpNet]) -> Self {
        let how = match how {
            ForwardedAddresses::No if !trusted.is_empty() => ForwardedAddresses::XForwardedFor,
            how => how,
        };
        Self {
            how,
            trusted: trusted.into(),
            begins: false,
        }
    }

    /// Has trusted proxies begin each connection with the address of its client.
    pub(crate) fn beginning(self) -> Self {
        Self {
            begins: true,
            ..self
        }
    }

    /// Returns whether a connection from there begins so.
    pub(crate) fn begins_with_address(&self, peer: IpAddr) -> bool {
        self.begins && self.is_trusted(peer)
    }

    pub(crate) fn is_direct(&self) -> bool {
        self.how == ForwardedAddresses::No
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Returns the address behind a request that came over a connection from `peer`. In place of an entry that cannot be parsed, the address
    /// of the proxy that wrote it is returned.
    pub(crate) fn address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let found = match self.how {
            ForwardedAddresses::No => peer,
            ForwardedAddresses::XForwardedFor => self.walk(peer, headers, FORWARDED_FOR, address),
            ForwardedAddresses::Forwarded => {
                self.walk(peer, headers, FORWARDED.as_str(), forwarded_for)
            }
        };
        found.to_canonical()
    }

    fn walk(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
        name: &str,
        read: fn(&str) -> Option<IpAddr>,
    ) -> IpAddr {
        let mut entries = entries(headers, name).map(read);
        if self.trusted.is_empty() {
            return entries.next().flatten().unwrap_or(peer);
        }
        let mut nearest = peer;
        while self.is_trusted(nearest) {
            match entries.next() {
                Some(Some(address)) => nearest = address,
                Some(None) | None => break,
            }
        }
        nearest
    }
}

/// Returns the entries of a list that may span several headers, the last one first, without empty ones.
fn entries<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().rev();
    let entries = values.flat_map(|value| value.to_str().unwrap_or("unreadable").rsplit(','));
    entries.map(str::trim).filter(|entry| !entry.is_empty())
}

/// Returns the `for` of one element of `Forwarded`, such as `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(value.trim().trim_matches('"'))
}

/// Parses an address as proxies write it: alone, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let alone = text.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    alone.or_else(with_port).or_else(in_brackets)
}

/// Parses a network, or one address, on the command line.
///
/// # Errors
/// When it is neither.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse::<IpNet>().ok();
    let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let expected = || format!("{text:?} is no network: expected such as 10.0.0.0/8 or 192.0.2.7");
    network.or_else(one).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use ForwardedAddresses::{Forwarded, No, XForwardedFor};
    use axum::http::HeaderValue;

    use super::*;

    const PEER: [u8; 4] = [127, 0, 0, 1];

    fn address_of(how: ForwardedAddresses, name: &'static str, values: &[&'static str]) -> String {
        found(&Forwarding::new(how, &[]), name, values)
    }

    fn found(forwarding: &Forwarding, name: &'static str, values: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        forwarding.address(&headers, PEER.into()).to_string()
    }

    #[test]
    fn a_proxy_is_believed_only_when_told_to() {
        let chain = ["198.51.100.7, 203.0.113.9"];
        assert_eq!(address_of(No, FORWARDED_FOR, &chain), "127.0.0.1");
        assert_eq!(address_of(Forwarded, FORWARDED_FOR, &chain), "127.0.0.1");
        let nearest = address_of(XForwardedFor, FORWARDED_FOR, &chain);
        assert_eq!(nearest, "203.0.113.9", "the nearest proxy's word");
        assert_eq!("true".parse(), Ok(XForwardedFor));
        assert_eq!("False".parse(), Ok(No));
        assert_eq!("forwarded".parse(), Ok(Forwarded));
        assert!("maybe".parse::<ForwardedAddresses>().is_err());
    }

    #[test]
    fn entries_are_believed_as_far_as_proxies_are_trusted() {
        let networks = |list: &str| -> Vec<IpNet> {
            let networks = list.split_whitespace().map(network);
            networks.collect::<Result<_, _>>().expect("networks")
        };
        let table: [(&str, &[&'static str], &str); 9] = [
            ("127.0.0.1", &["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
            (
                "127.0.0.1 203.0.113.0/24",
                &["198.51.100.7, 203.0.113.9"],
                "198.51.100.7",
            ),
            (
                "127.0.0.0/8 203.0.113.0/24",
                &["10.0.0.1, 198.51.100.7", "203.0.113.9"],
                "198.51.100.7",
            ),
            // Who connects is no proxy that is trusted, so nothing that it says is believed.
            (
                "203.0.113.0/24",
                &["198.51.100.7, 203.0.113.9"],
                "127.0.0.1",
            ),
            ("127.0.0.1 ::1", &[], "127.0.0.1"),
            ("127.0.0.1", &["unknown"], "127.0.0.1"),
            // The entry before one that cannot be read is not looked at.
            (
                "127.0.0.1 203.0.113.9",
                &["198.51.100.7, unknown, 203.0.113.9"],
                "203.0.113.9",
            ),
            // All are trusted: the farthest is the client.
            (
                "127.0.0.1 203.0.113.0/24",
                &["203.0.113.8, 203.0.113.9"],
                "203.0.113.8",
            ),
            (
                "127.0.0.1 2001:db8::/32",
                &["192.0.2.1, ::ffff:198.51.100.1, [2001:db8::7]:80"],
                "198.51.100.1",
            ),
        ];
        for (trusted, values, expected) in table {
            let forwarding = Forwarding::new(No, &networks(trusted));
            assert_eq!(
                found(&forwarding, FORWARDED_FOR, values),
                expected,
                "{trusted}: {values:?}"
            );
        }
        let forwarding = Forwarding::new(Forwarded, &networks("127.0.0.1 203.0.113.9"));
        let values = ["for=198.51.100.7;proto=https, for=203.0.113.9"];
        assert_eq!(found(&forwarding, "forwarded", &values), "198.51.100.7");
        for wrong in ["10.0.0.0/33", "proxy.example.org", ""] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        let table: [(&[&'static str], &str); 12] = [
            (&["198.51.100.1"], "198.51.100.1"),
            (&["198.51.100.1:4711"], "198.51.100.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["::ffff:198.51.100.1"], "198.51.100.1"),
            (&["[::ffff:198.51.100.1]:80"], "198.51.100.1"),
            (&["203.0.113.9, 198.51.100.1 "], "198.51.100.1"),
            (&["203.0.113.9", "198.51.100.1:1, ,"], "198.51.100.1"),
            // An entry that is no address is not skipped: the entry before it is the client's own claim.
            (&["203.0.113.9, unknown"], "127.0.0.1"),
            (&["203.0.113.9, [::1"], "127.0.0.1"),
            (&[], "127.0.0.1"),
        ];
        for (values, expected) in table {
            let found = address_of(ForwardedAddresses::XForwardedFor, FORWARDED_FOR, values);
            assert_eq!(found, expected, "{values:?}");
        }
        let table: [(&[&'static str], &str); 7] = [
            (&["for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60"),
            (&["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (&["for=192.0.2.43, for=198.51.100.17"], "198.51.100.17"),
            (
                &["for=192.0.2.43", "proto=https;for=\"198.51.100.17:80\""],
                "198.51.100.17",
            ),
            (&["for=192.0.2.43, for=_hidden"], "127.0.0.1"),
            (&["for=192.0.2.43, for=unknown"], "127.0.0.1"),
            (&["for=192.0.2.43, proto=https"], "127.0.0.1"),
        ];
        for (values, expected) in table {
            let found = address_of(ForwardedAddresses::Forwarded, "forwarded", values);
            assert_eq!(found, expected, "{values:?}");
        }
    }
}
