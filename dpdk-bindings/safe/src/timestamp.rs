//! The dynamic mbuf field in which drivers leave the time of arrival.
//!
//! Registered once at EAL's start; read per packet by `Mbuf`. This crate never asks a port for the timestamp offload,
//! so the one driver that fills the field is `net_pcap`, in microseconds of the capture's clock.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dpdk_sys::rte_mbuf_dyn_rx_timestamp_register;

use crate::Errno;

/// Written once before any mbuf exists, so relaxed reads see them.
static OFFSET: AtomicUsize = AtomicUsize::new(0);
static FLAG: AtomicU64 = AtomicU64::new(0);

/// Reserves the field, or finds it when a driver has done so.
pub(crate) fn register() -> Result<(), Errno> {
    let (mut offset, mut flag) = (0, 0);
    // SAFETY: EAL runs; both pointers are to locals.
    Errno::check_last(unsafe { rte_mbuf_dyn_rx_timestamp_register(&mut offset, &mut flag) })?;
    OFFSET.store(usize::try_from(offset).unwrap_or(0), Ordering::Relaxed);
    FLAG.store(flag, Ordering::Relaxed);
    Ok(())
}

/// The `ol_flags` bit that says "filled"; 0 (so: never) before EAL has started.
#[inline(always)]
pub(crate) fn flag() -> u64 {
    FLAG.load(Ordering::Relaxed)
}

/// Offset of the eight bytes in the mbuf.
#[inline(always)]
pub(crate) fn offset() -> usize {
    OFFSET.load(Ordering::Relaxed)
}
