//! Service `Mitigations`.

use std::time::SystemTime;

use repute_proto::v1;
use repute_proto::v1::mitigations_server::Mitigations as Service;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tonic::{Request, Response, Status};

use super::convert::{event, limit};
use super::{Api, Sink, Streamed, send};
use crate::{Hub, LimitCursor, LimitEvent};

/// Rows of a message at most.
const ROWS_MAX: u64 = 256;

#[tonic::async_trait]
impl Service for Api {
    type ListStream = Streamed<v1::ListMitigationsResponse>;

    async fn list(
        &self,
        request: Request<v1::ListMitigationsRequest>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let v1::ListMitigationsRequest { active, past, max_rows } = request.into_inner();
        let both = active == past;
        let mut parts = Vec::new();
        if active || both {
            parts.push(LimitCursor::Active(None));
        }
        if past || both {
            parts.push(LimitCursor::Past(u64::MAX));
        }
        let left = if max_rows == 0 { u64::MAX } else { max_rows };
        let hub = self.hub.clone();
        Ok(Response::new(self.stream(move |sink| list(hub, sink, parts, left))))
    }

    type WatchStream = Streamed<v1::MitigationEvent>;

    async fn watch(
        &self,
        _: Request<v1::WatchMitigationsRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let events = self.hub.subscribe_mitigations();
        Ok(Response::new(self.stream(move |sink| watch(events, sink))))
    }
}

async fn list(
    hub: Hub,
    sink: Sink<v1::ListMitigationsResponse>,
    parts: Vec<LimitCursor>,
    mut left: u64,
) -> Result<(), Status> {
    for part in parts {
        let mut at = Some(part).filter(|_| left > 0);
        while let Some(cursor) = at {
            let (limits, next) = hub.mitigations(cursor, left.min(ROWS_MAX) as usize).await?;
            left = left.saturating_sub(limits.len() as u64);
            at = next.filter(|_| left > 0);
            if !limits.is_empty() {
                let now = SystemTime::now();
                let rows = limits.iter().map(|row| limit(row, now)).collect();
                send(&sink, v1::ListMitigationsResponse { rows }).await?;
            }
        }
    }
    Ok(())
}

async fn watch(mut events: Receiver<LimitEvent>, sink: Sink<v1::MitigationEvent>) -> Result<(), Status> {
    loop {
        let received = tokio::select! {
            () = sink.closed() => return Ok(()),
            received = events.recv() => received,
        };
        match received {
            Ok(told) => send(&sink, event(&told)).await?,
            Err(RecvError::Lagged(missed)) => {
                let change = v1::MitigationChange::Missed.into();
                send(&sink, v1::MitigationEvent { change, mitigation: None, missed }).await?;
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}
