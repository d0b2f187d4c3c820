//! A walk over the segments of one packet.
//!
//! Called by `Mbuf::chunks`, for the few packets that are longer than one buffer.

use std::marker::PhantomData;

use dpdk_sys::{mbuf as raw, rte_mbuf};

use crate::Mbuf;
use crate::mbuf::first_byte;

/// The bytes of a packet's segments, in order.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    next: *const rte_mbuf,
    _packet: PhantomData<&'a Mbuf>,
}

impl<'a> Segments<'a> {
    pub(crate) fn new(packet: &'a Mbuf) -> Self {
        Self { next: packet.as_ptr(), _packet: PhantomData }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.next.is_null() {
            return None;
        }
        let segment = self.next;
        // SAFETY: the packet is borrowed for 'a, and its chain of valid mbufs ends with null.
        unsafe {
            self.next = raw::next(segment);
            Some(std::slice::from_raw_parts(first_byte(segment), usize::from(raw::data_len(segment))))
        }
    }
}
