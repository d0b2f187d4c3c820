//! The upstreams as queries are dealt over them, and the board on which the leader tells the other workers.
//!
//! Always holds: who is dealt a query is up and its Ethernet address is known; those of a family take turns.

use std::sync::Arc;

use arrayvec::ArrayVec;
use repute_model::{Address, Endpoint, Upstream};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use crate::SeqLock;

/// An upstream that queries may go to, and where frames for it go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its place in the policy's list.
    pub place: u8,
    /// Its address and port.
    pub upstream: Upstream,
    /// The Ethernet address of its next hop.
    pub mac: [u8; 6],
}

/// Who may be asked.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    members: ArrayVec<Member, { Endpoint::UPSTREAMS_MAX }>,
    turn: usize,
}

impl Pool {
    /// Whether anybody of a family may be asked.
    pub fn reaches(&self, v4: bool) -> bool {
        self.members.iter().any(|member| member.upstream.address.is_v4() == v4)
    }

    /// Whose turn it is among those of a family.
    pub fn choose(&mut self, v4: bool) -> Option<Member> {
        let len = self.members.len();
        for _ in 0..len {
            self.turn = if self.turn + 1 < len { self.turn + 1 } else { 0 };
            let member = self.members[self.turn];
            if member.upstream.address.is_v4() == v4 {
                return Some(member);
            }
        }
        None
    }

    /// Who may be asked from now on.
    pub fn replace(&mut self, members: impl Iterator<Item = Member>) {
        self.members = members.take(Endpoint::UPSTREAMS_MAX).collect();
    }

    /// Whether it is they.
    pub fn is(&self, members: impl Iterator<Item = Member>) -> bool {
        self.members.iter().copied().eq(members)
    }
}

/// A pool as plain words.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Posted {
    count: u64,
    members: [PostedMember; Endpoint::UPSTREAMS_MAX],
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct PostedMember {
    address: [u64; 2],
    port: u16,
    place: u16,
    unused: u32,
    mac: [u8; 6],
    unused_too: u16,
}

const WORDS: usize = size_of::<Posted>() / 8;

/// Where the leader posts its pool.
#[derive(Debug, Default)]
pub struct PoolBoard(SeqLock<WORDS>);

impl PoolBoard {
    /// One that nothing was posted on, for all workers.
    pub fn shared() -> Arc<Self> {
        Arc::default()
    }

    /// A number that changes with every post.
    pub fn edition(&self) -> u64 {
        self.0.sequence()
    }

    /// Posts a pool. Only the leader may.
    pub fn post(&self, pool: &Pool) {
        let mut posted = Posted::new_zeroed();
        posted.count = pool.members.len() as u64;
        for (to, member) in posted.members.iter_mut().zip(&pool.members) {
            let Member { place, upstream, mac } = *member;
            let bits = upstream.address.0;
            to.address = [(bits >> 64) as u64, bits as u64];
            (to.port, to.place, to.mac) = (upstream.port, place.into(), mac);
        }
        let words: &[u64; WORDS] = zerocopy::transmute_ref!(&posted);
        self.0.write(words);
    }

    /// Takes over what was posted; false while somebody posts.
    pub fn read(&self, pool: &mut Pool) -> bool {
        let mut posted = Posted::new_zeroed();
        let words: &mut [u64; WORDS] = zerocopy::transmute_mut!(&mut posted);
        if !self.0.try_read(words) {
            return false;
        }
        let member = |from: &PostedMember| {
            let [high, low] = from.address;
            let address = Address(u128::from(high) << 64 | u128::from(low));
            let upstream = Upstream { address, port: from.port };
            Member { place: from.place as u8, upstream, mac: from.mac }
        };
        pool.replace(posted.members.iter().take(posted.count as usize).map(member));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(place: u8, v6: bool) -> Member {
        let address = if v6 { Address(0x2001 << 112 | 53) } else { Address::v4(53) };
        Member { place, upstream: Upstream { address, port: 53 + u16::from(place) }, mac: [place; 6] }
    }

    #[test]
    fn those_of_a_family_take_turns() {
        let mut pool = Pool::default();
        assert!(pool.choose(true).is_none() && !pool.reaches(true));
        pool.replace([member(0, false), member(1, true), member(2, false)].into_iter());
        let mut turns =
            |v4| -> Vec<_> { (0..4).filter_map(|_| pool.choose(v4)).map(|member| member.place).collect() };
        assert_eq!((turns(true), turns(false)), (vec![2, 0, 2, 0], vec![1, 1, 1, 1]));
        assert!(pool.reaches(true) && pool.reaches(false));
    }

    #[test]
    fn what_is_posted_is_read() {
        let (board, mut pool, mut other) = (PoolBoard::shared(), Pool::default(), Pool::default());
        let members = || [member(3, false), member(1, true)].into_iter();
        pool.replace(members());
        let before = board.edition();
        board.post(&pool);
        assert_ne!(board.edition(), before);
        assert!(board.read(&mut other) && other.is(members()));
        assert!(!other.is(members().rev()));
    }
}
