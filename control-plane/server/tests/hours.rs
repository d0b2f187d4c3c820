//! The hours of the week between clock, store and workers. Time is tokio's, paused, and the wall goes with it.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{Plan, serve};
use repute_model::Hour;
use repute_proto::v1;
use repute_proto::v1::services_client::ServicesClient;
use repute_server::{ApplyRequest, HourView, Hub, Keeper};
use repute_store::{Limits, ServiceWeek, Store, WeekHour};
use tokio::time::{Instant, sleep};

const CONFIG: &str = "[services.shop]\nprefixes = [\"10.0.1.0/24\"]\n[services.web]\nprefixes = [\"10.0.2.0/24\"]\n\
                      [profiles.egress]\n";
/// Ten seconds before Monday 15:00 UTC.
const BEGIN: u64 = 1_790_002_790;

thread_local! {
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
}

fn wall() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(BEGIN) + BEGUN.get().unwrap().elapsed()
}

/// A service that was seen in so many weeks, with other rates at each hour.
fn week(service: &str, weeks: u8) -> ServiceWeek {
    let hour = |hour: u16| WeekHour { packets_per_s: 300.0, bytes_per_s: 1e6 + f32::from(hour), weeks };
    ServiceWeek { service: service.to_owned(), hours: (0..Hour::COUNT as u16).map(hour).collect() }
}

async fn hour(hub: &Hub, service: &str) -> Option<HourView> {
    let services = hub.status().await.unwrap().services;
    services.into_iter().find(|view| view.name == service).unwrap().hour
}

#[tokio::test(start_paused = true)]
async fn an_hour_begins_with_what_is_kept_of_it() {
    BEGUN.set(Some(Instant::now()));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Limits::default(), wall()).unwrap().store;
    store.put_weeks(&[week("gone", 9), week("shop", 9), week("web", 2)]).unwrap();
    let rig = Plan { config: CONFIG.to_owned(), ..Plan::default() }.start();
    let _keeper = Keeper::start(&rig.hub, store.clone(), Duration::from_secs(30), wall);
    rig.hub.follow_hours(wall);
    sleep(Duration::from_secs(6)).await;
    let [shop, web] = [hour(&rig.hub, "shop").await.unwrap(), hour(&rig.hub, "web").await.unwrap()];
    assert_eq!((shop.hour.to_string(), shop.weeks, shop.is_known), ("Mon 14:00".to_owned(), 9, true));
    assert_eq!(shop.usual.bytes_per_s, 1e6 + 14.0);
    assert_eq!((web.weeks, web.is_known), (2, false), "two weeks are too few");
    assert_eq!(hour(&rig.hub, "").await, None, "whatever belongs to no service");

    sleep(Duration::from_secs(10)).await;
    let shop = hour(&rig.hub, "shop").await.unwrap();
    assert_eq!((shop.hour.to_string(), shop.usual.bytes_per_s), ("Mon 15:00".to_owned(), 1e6 + 15.0));
    let kept = || store.weeks().unwrap().into_iter().map(|week| week.service).collect::<Vec<_>>();
    while kept().len() > 2 {
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(kept(), ["shop", "web"], "a service that there is no more is forgotten");
    assert_eq!(store.weeks().unwrap()[0], week("shop", 9), "what was hardly watched teaches nothing");

    let (channel, _end) = serve(&rig.hub, folder.path()).await;
    let mut client = ServicesClient::new(channel);
    let asked = v1::ListServicesRequest { service: "shop".to_owned() };
    let listed = client.list(asked).await.unwrap().into_inner().services;
    let [shop] = listed.as_slice() else { panic!("one was asked for: {listed:?}") };
    assert_eq!(shop.hour.as_ref().unwrap().hour, "Mon 15:00");
    assert_eq!((shop.week.len(), shop.week[27].hour.as_str(), shop.week[27].known), (168, "Tue 03:00", true));
    let all = client.list(v1::ListServicesRequest::default()).await.unwrap().into_inner().services;
    assert!(all.len() == 3 && all.iter().all(|service| service.week.is_empty()));

    // Where hours do not count, none is told.
    let text = format!("{CONFIG}hours = {{ mode = \"off\" }}\n");
    let request = ApplyRequest { text, name: "test".to_owned(), ..ApplyRequest::default() };
    rig.hub.apply(request).await.unwrap();
    sleep(Duration::from_secs(6)).await;
    assert_eq!(hour(&rig.hub, "shop").await, None);
}
