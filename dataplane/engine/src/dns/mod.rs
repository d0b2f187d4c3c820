//! DNS: what becomes of the queries to a protected server, and of the answers that come back.
//!
//! Rooms of the interceptor, owned by a worker and called by its stage `worker/dns.rs` where the policy has a DNS
//! profile; without one nothing here exists. Always holds: everything is made at boot, nothing here allocates afterwards;
//! time comes as a tick, randomness as a seed.
