//! Frame Streams: how records are carried (farsightsec/fstrm, `fstrm/control.h`).
//!
//! A frame is its length, 32 bits in network order, and its bytes. Length 0 announces a control frame: its own length, a type,
//! fields. Sender and receiver agree in READY, ACCEPT, START; STOP, FINISH end it.

use tokio::io::{AsyncRead, AsyncReadExt};

/// What the frames are: records of dnstap.
pub const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";

/// Bytes of the longest control frame (`FSTRM_CONTROL_FRAME_LENGTH_MAX`).
const CONTROL_MAX: usize = 512;
/// The one field there is: a content type.
const FIELD_CONTENT_TYPE: u32 = 1;

/// What a control frame says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Control {
    Accept = 1,
    Start = 2,
    Stop = 3,
    Ready = 4,
    Finish = 5,
}

/// Why a receiver is left.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The connection ended.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It speaks something else.
    #[error("the receiver does not speak Frame Streams in both directions")]
    Foreign,
    /// It wants other records.
    #[error("the receiver takes no records of the type protobuf:dnstap.Dnstap")]
    Unwanted,
}

/// A control frame; all but STOP and FINISH name the content type.
pub fn control(what: Control) -> Vec<u8> {
    let mut payload = (what as u32).to_be_bytes().to_vec();
    if !matches!(what, Control::Stop | Control::Finish) {
        payload.extend(FIELD_CONTENT_TYPE.to_be_bytes());
        payload.extend((CONTENT_TYPE.len() as u32).to_be_bytes());
        payload.extend(CONTENT_TYPE);
    }
    let mut frame = 0_u32.to_be_bytes().to_vec();
    frame.extend((payload.len() as u32).to_be_bytes());
    frame.extend(payload);
    frame
}

/// Appends a record as a frame.
pub fn data(record: &[u8], to: &mut Vec<u8>) {
    to.extend((record.len() as u32).to_be_bytes());
    to.extend(record);
}

/// Reads a control frame that has to be `wanted`, and ours where it names content types.
pub async fn expect(wanted: Control, from: &mut (impl AsyncRead + Unpin)) -> Result<(), FrameError> {
    if from.read_u32().await? != 0 {
        return Err(FrameError::Foreign);
    }
    let len = from.read_u32().await? as usize;
    if len > CONTROL_MAX {
        return Err(FrameError::Foreign);
    }
    let mut payload = vec![0; len];
    from.read_exact(&mut payload).await?;
    let (what, fields) = payload.split_first_chunk::<4>().ok_or(FrameError::Foreign)?;
    if u32::from_be_bytes(*what) != wanted as u32 {
        return Err(FrameError::Foreign);
    }
    takes_ours(fields)
}

/// Whether the fields name our content type, or none at all.
fn takes_ours(mut fields: &[u8]) -> Result<(), FrameError> {
    let mut named = false;
    while let Some((kind, rest)) = fields.split_first_chunk::<4>() {
        let (len, rest) = rest.split_first_chunk::<4>().ok_or(FrameError::Foreign)?;
        let value = rest.split_at_checked(u32::from_be_bytes(*len) as usize);
        let (value, rest) = value.ok_or(FrameError::Foreign)?;
        if u32::from_be_bytes(*kind) == FIELD_CONTENT_TYPE {
            if value == CONTENT_TYPE {
                return Ok(());
            }
            named = true;
        }
        fields = rest;
    }
    match (fields.is_empty(), named) {
        (true, false) => Ok(()),
        (true, true) => Err(FrameError::Unwanted),
        (false, _) => Err(FrameError::Foreign),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    async fn read(wanted: Control, mut bytes: &[u8]) -> Result<(), FrameError> {
        expect(wanted, &mut bytes).await
    }

    #[tokio::test]
    async fn control_frames_are_those_of_fstrm() {
        let ready = control(Control::Ready);
        let expected = b"\0\0\0\0\0\0\0\x22\0\0\0\x04\0\0\0\x01\0\0\0\x16protobuf:dnstap.Dnstap";
        assert_eq!(ready, expected);
        assert_eq!(control(Control::Stop), b"\0\0\0\0\0\0\0\x04\0\0\0\x03");
        for what in [Control::Accept, Control::Start, Control::Stop, Control::Ready, Control::Finish] {
            assert!(read(what, &control(what)).await.is_ok(), "{what:?}");
        }
        assert!(matches!(read(Control::Accept, &ready).await, Err(FrameError::Foreign)));
        assert!(matches!(read(Control::Ready, &ready[..20]).await, Err(FrameError::Io(_))));
    }

    #[tokio::test]
    async fn who_wants_something_else_is_told_apart_from_who_speaks_something_else() {
        let accept = |fields: &[u8]| {
            let mut frame = vec![0, 0, 0, 0];
            frame.extend((4 + fields.len() as u32).to_be_bytes());
            frame.extend([0, 0, 0, 1]);
            frame.extend(fields);
            frame
        };
        let other = b"\0\0\0\x01\0\0\0\x01x";
        let ours = &control(Control::Accept)[12..];
        assert!(matches!(read(Control::Accept, &accept(other)).await, Err(FrameError::Unwanted)));
        assert!(read(Control::Accept, &accept(&[&other[..], ours].concat())).await.is_ok(), "one of several");
        assert!(read(Control::Accept, &accept(b"")).await.is_ok(), "whatever");
        for foreign in
            [&b"HTTP/1.1 400 Bad Request\r\n"[..], &accept(b"\0\0\0\x01\0\0\0\x09x"), &accept(b"\0")]
        {
            assert!(matches!(read(Control::Accept, foreign).await, Err(FrameError::Foreign)), "{foreign:?}");
        }
        let long = [&[0, 0, 0, 0, 0, 0, 2, 1][..], &[0; 600]].concat();
        assert!(matches!(read(Control::Accept, &long).await, Err(FrameError::Foreign)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(0xf5), ..ProptestConfig::default() })]

        #[test]
        fn nothing_that_a_receiver_says_is_more_than_an_error(bytes in prop::collection::vec(0u8..8, 0..64)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read(Control::Accept, &bytes));
        }
    }
}
