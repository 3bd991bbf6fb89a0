//! The addresses that a webhook may go to: those of the public internet (IANA's special-purpose registries, RFC 6890), unless
//! others are allowed. Names are resolved here, once for each connection, and only to permitted addresses, so a name that resolves
//! differently a moment later gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A receiver that is not on the public internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PrivateAddress(pub(super) Vec<IpAddr>);

impl std::fmt::Display for PrivateAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addresses: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        let addresses = addresses.join(", ");
        write!(f, "the receiver's address {addresses} is not a public one")
    }
}

impl std::error::Error for PrivateAddress {}

/// Resolves names through the system, and drops addresses that are not permitted.
pub(super) struct CheckedResolver {
    pub(super) allow_private: bool,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let all: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let is_allowed = |address: &SocketAddr| allow_private || is_public(address.ip());
            let allowed: Vec<_> = all.iter().copied().filter(is_allowed).collect();
            if allowed.is_empty() && !all.is_empty() {
                let refused = all.iter().map(SocketAddr::ip).collect();
                return Err(PrivateAddress(refused).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Returns whether an address is on the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |network: [u8; 4], bits: u32| {
        let mask = u32::MAX << (32 - bits);
        u32::from(address) & mask == u32::from(Ipv4Addr::from(network)) & mask
    };
    let special = [
        within([0, 0, 0, 0], 8),       // this network
        within([10, 0, 0, 0], 8),      // private
        within([100, 64, 0, 0], 10),   // carriers' own
        within([127, 0, 0, 0], 8),     // loopback
        within([169, 254, 0, 0], 16),  // link-local, where clouds keep their secrets
        within([172, 16, 0, 0], 12),   // private
        within([192, 0, 0, 0], 24),    // protocol assignments
        within([192, 0, 2, 0], 24),    // documentation
        within([192, 88, 99, 0], 24),  // 6to4 relays
        within([192, 168, 0, 0], 16),  // private
        within([198, 18, 0, 0], 15),   // benchmarks
        within([198, 51, 100, 0], 24), // documentation
        within([203, 0, 113, 0], 24),  // documentation
        within([224, 0, 0, 0], 4),     // multicast
        within([240, 0, 0, 0], 4),     // reserved, broadcast
    ];
    !special.contains(&true)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // An address that is finally reached over IPv4 is judged as that.
    if let Some(address) = address.to_ipv4_mapped() {
        return is_public_v4(address);
    }
    let [first, second, third, fourth, fifth, sixth, seventh, eighth] = address.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (first, second) {
        // 64:ff9b::/96, translation to IPv4
        (0x64, 0xff9b) if [third, fourth, fifth, sixth] == [0; 4] => {
            is_public_v4(embedded(seventh, eighth))
        }
        // 2002::/16, 6to4
        (0x2002, high) => is_public_v4(embedded(high, third)),
        // 2001::/23, protocol assignments, among them Teredo
        (0x2001, second) if second < 0x200 => false,
        // 2001:db8::/32 and 3fff::/20, documentation
        (0x2001, 0xdb8) => false,
        (0x3fff, second) if second < 0x1000 => false,
        // Nothing outside 2000::/3 is allocated.
        (first, _) => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2001:4860:4860::8888",
        ];
        let others = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.1.1",
            "::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:c0a8:101::",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        let wrong = |list: &[&str], expected: bool| -> Vec<String> {
            let parsed = list
                .iter()
                .map(|text| text.parse::<IpAddr>().expect("an address"));
            let wrong = parsed.filter(|address| is_public(*address) != expected);
            wrong.map(|address| address.to_string()).collect()
        };
        assert_eq!(wrong(&public, true), [""; 0], "public");
        assert_eq!(wrong(&others, false), [""; 0], "not public");
    }

    #[tokio::test]
    async fn names_of_this_machine_resolve_only_when_allowed() {
        let resolve = async |allow_private| {
            let name = "localhost".parse().expect("a name");
            let resolver = CheckedResolver { allow_private };
            resolver.resolve(name).await.map(Iterator::count)
        };
        assert!(resolve(true).await.is_ok_and(|count| count > 0));
        let refused = resolve(false).await.expect_err("a refusal");
        assert!(refused.is::<PrivateAddress>(), "{refused}");
    }
}
