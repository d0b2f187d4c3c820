//! Why a packet was not plainly forwarded: a closed list, each with its own counter.

use crate::malformed_dns;

malformed_dns! { named {
    /// Why a packet got another verdict than a plain forward. Every such packet has exactly one.
    Reason;

    // Malformed: the bytes are not what their headers say.
    /// The frame has no bytes.
    EmptyFrame = "empty-frame",
    /// The frame ends inside the Ethernet or LLC header.
    ShortEthernet = "short-ethernet",
    /// More VLAN tags than the parser follows.
    VlanDepth = "vlan-depth",
    /// The packet ends inside the ARP header or its addresses.
    ShortArp = "short-arp",
    /// A raw IP packet whose version is neither 4 nor 6.
    RawVersion = "raw-version",
    /// The frame ends inside the IPv4 header.
    ShortIpv4 = "short-ipv4",
    /// An IPv4 EtherType with another version in the header.
    Ipv4Version = "ipv4-version",
    /// An IPv4 header length below 20 bytes.
    Ipv4HeaderLength = "ipv4-header-length",
    /// An IPv4 total length shorter than its header or longer than the frame.
    Ipv4TotalLength = "ipv4-total-length",
    /// The frame ends inside the IPv6 header.
    ShortIpv6 = "short-ipv6",
    /// An IPv6 EtherType with another version in the header.
    Ipv6Version = "ipv6-version",
    /// An IPv6 payload length longer than the frame.
    Ipv6PayloadLength = "ipv6-payload-length",
    /// An IPv6 extension header that is cut short.
    Ipv6Extension = "ipv6-extension",
    /// More IPv6 extension headers than the parser follows.
    Ipv6ExtensionDepth = "ipv6-extension-depth",
    /// An IPv6 packet from or to an IPv4-mapped address (RFC 4291 forbids it on the wire).
    MappedAddress = "mapped-address",
    /// A fragment that would end beyond 65 535 bytes.
    FragmentOverflow = "fragment-overflow",
    /// A fragment before the last whose length is no multiple of 8 bytes (RFC 791, RFC 8200).
    FragmentLength = "fragment-length",
    /// A first fragment too small for its transport header (RFC 1858, RFC 8200).
    TinyFragment = "tiny-fragment",
    /// The packet ends inside the TCP header.
    ShortTcp = "short-tcp",
    /// A TCP data offset below 5 words or beyond the segment.
    TcpDataOffset = "tcp-data-offset",
    /// A TCP option with an impossible length.
    TcpOption = "tcp-option",
    /// The packet ends inside the UDP header.
    ShortUdp = "short-udp",
    /// A UDP length below 8 or beyond the packet.
    UdpLength = "udp-length",
    /// The packet ends inside the ICMP or ICMPv6 header.
    ShortIcmp = "short-icmp",

    // Treatments.
    /// The band's treatment drops everything of this source.
    Standing = "standing",
    /// Above the packets per second of the band's meter.
    MeterPackets = "meter-packets",
    /// Above the bytes per second of the band's meter.
    MeterBytes = "meter-bytes",
    /// The band's treatment refuses new connections.
    BlockNew = "block-new",
    /// A segment of an established connection that the band's treatment ends: both ends get a reset.
    ConnectionReset = "connection-reset",
    /// A deny list names this source.
    Listed = "listed",
    /// Held back to keep the rate of the band's queue.
    Shaped = "shaped",
    /// A new connection that waits for its turn.
    ConnectionQueued = "connection-queued",
    /// Would have to wait longer than the queue's horizon.
    QueueHorizon = "queue-horizon",
    /// The source holds as many packets as one source may.
    QueueSource = "queue-source",
    /// The worker holds as many packets as it may.
    QueueFull = "queue-full",
    /// More new connections wait than may.
    ConnectionQueueFull = "connection-queue-full",

    // Strangers to a destination in flood.
    /// A stranger's first SYN to a destination in flood: withheld, its retransmission passes.
    SynRetry = "syn-retry",
    /// A stranger's SYN to a destination in flood, answered by the box with a cookie.
    SynCookie = "syn-cookie",
    /// A stranger returned the box's cookie: it has proved itself, and is sent to connect again by a reset.
    CookieReturned = "cookie-returned",
    /// A stranger's question to a destination in flood: withheld until it is repeated, and above what strangers get.
    CrowdRequest = "crowd-request",
    /// A segment of a connection that a destination in flood does not know: withheld until it is repeated.
    CrowdSegment = "crowd-segment",
    /// An answer to a destination in flood that nobody there asked for.
    CrowdAnswer = "crowd-answer",
    /// A fragment to a destination in flood whose first one did not pass.
    CrowdFragment = "crowd-fragment",

    // Queries to a protected DNS server.
    /// A query whose requester has to prove that it receives what is sent to it: answered with a fresh cookie.
    DnsCookie = "dns-cookie",
    /// The same for a requester that knows no cookies: told to ask by TCP.
    DnsTruncated = "dns-truncated",
    /// The same for a requester that has answered neither: given the address of the walled garden.
    DnsGarden = "dns-garden",
    /// A query of somebody who fails to prove that he receives what is sent to him.
    DnsUnproven = "dns-unproven",
    /// A query of somebody whose queries are blocked, dropped.
    DnsBlocked = "dns-blocked",
    /// The same, answered: the server refuses.
    DnsRefused = "dns-refused",
    /// The same, answered: there is no such name.
    DnsNxdomain = "dns-nxdomain",
    /// The same, answered with the address of the sinkhole.
    DnsSinkhole = "dns-sinkhole",
    /// A query that the box answered from its cache.
    DnsCached = "dns-cached",
    /// A query for a name not known to exist, of a domain under attack by such names, beyond what is let through.
    DnsSubdomain = "dns-subdomain",
    /// A query for what its network asks for too often without having proved that it receives the answers.
    DnsRate = "dns-rate",
    /// A query in fragments, which no honest query needs.
    DnsFragment = "dns-fragment",

    /// A query that no upstream is up for: answered that the server failed.
    DnsServfail = "dns-servfail",

    // What response policy zones say of queries and answers.
    /// A policy zone says that the name does not exist: answered so, by TCP the connection is ended.
    RpzNxdomain = "rpz-nxdomain",
    /// A policy zone says that the name has no such data: the same.
    RpzNodata = "rpz-nodata",
    /// A policy zone says that there is no answer: dropped.
    RpzDrop = "rpz-drop",
    /// A policy zone wants this asked by TCP: told so.
    RpzTcpOnly = "rpz-tcp-only",
    /// A policy zone has data of its own: answered with it, by TCP the connection is ended.
    RpzLocal = "rpz-local",

    // An address of the box's own.
    /// About the Ethernet address of a neighbour (ARP, neighbour discovery): answered, or taken in as an answer.
    Neighbour = "neighbour",
    /// An echo request for an address of the box, answered.
    Echo = "echo",
    /// An upstream's answer to a check of whether it is up, taken in.
    HealthCheck = "health-check",
    /// For somebody else: a box with an address of its own passes nothing on.
    EndpointForeign = "endpoint-foreign",
    /// For an address of the box at which nothing like it is served.
    EndpointClosed = "endpoint-closed",
    /// For an address of the box, but in fragments, with IP options or a VLAN tag, or scattered: it cannot go on from there.
    EndpointShape = "endpoint-shape",
    /// From an upstream, or in its name, that nobody has asked for, or not any more.
    EndpointUnasked = "endpoint-unasked",
    /// A segment of a TCP connection with the box that it does not know.
    EndpointConnection = "endpoint-connection",
    /// No upstream is up that it could go on to.
    EndpointUpstream = "endpoint-upstream",

    // The box itself.
    /// The headers lie in more than the first segment of a scattered packet.
    Scattered = "scattered",
    /// The always-forward class is above its cap.
    ControlCap = "control-cap",
    /// The worker that owns this source does not keep up: its hand-over ring was full.
    HandOverFull = "hand-over-full",
    /// The port has no peer to forward to.
    NoPeer = "no-peer",

    // Malformed DNS messages to a protected server.
} }

impl Reason {
    /// Whether the packet's own headers are at fault.
    pub const fn is_malformed(self) -> bool {
        (self as u8) < Self::Standing as u8
    }

    /// Whether the packet was more than a queue of its source takes.
    pub const fn is_overrun(self) -> bool {
        matches!(self, Self::QueueHorizon | Self::QueueSource | Self::QueueFull)
    }

    /// Whether a packet that is to go on has nobody to go on to, so that not even shadow mode sends it.
    pub const fn is_nowhere(self) -> bool {
        matches!(self, Self::EndpointShape | Self::EndpointConnection | Self::EndpointUpstream)
    }

    /// Whether the DNS message in it is at fault.
    pub const fn is_malformed_dns(self) -> bool {
        self as u8 > Self::NoPeer as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_indices_dense() {
        for (i, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), i);
            assert!(Reason::ALL[..i].iter().all(|r| r.name() != reason.name()));
            assert!(reason.help().ends_with(['.', ')']), "{}", reason.help());
        }
        assert!(Reason::ShortIcmp.is_malformed());
        assert!(!Reason::Standing.is_malformed() && !Reason::NoPeer.is_malformed_dns());
        assert!(Reason::ShortHeader.is_malformed_dns() && !Reason::DnsCookie.is_malformed_dns());
    }
}
