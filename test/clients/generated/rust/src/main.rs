//! The client that openapi-generator made of the door's document: url topic.

use serde_json::{Value, json};
use sluice::apis::configuration::Configuration;
use sluice::apis::{Error, consumers_api, groups_api, metadata_api, produce_api, v3_api};
use sluice::models::instance_settings::Format;
use sluice::models::{Acks, Commit, GivenHeader, InstanceSettings, JsonRecord, JsonRecords, RecordHeader, Settled, Spot, Wish};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let given: Vec<String> = std::env::args().collect();
    let door = Configuration { base_path: given[1].clone(), ..Configuration::new() };
    refuse(&door).await?;
    produce(&door, &given[2]).await?;
    consume(&door, "rust-v2", &given[2]).await?;
    take(&door, "rust-v1", &given[2]).await?;
    println!("rust: ok");
    Ok(())
}

async fn refuse(door: &Configuration) -> Outcome {
    match metadata_api::topic(door, "nope").await {
        Err(Error::ResponseError(refused)) => {
            assert_eq!(refused.status.as_u16(), 404);
            assert!(refused.content.contains("40401"), "{}", refused.content);
        }
        other => panic!("there is a topic nope: {other:?}"),
    }
    let clusters = v3_api::v3_clusters(door).await?;
    assert_eq!((clusters.data.len(), clusters.metadata.next), (1, None));
    Ok(())
}

async fn produce(door: &Configuration, topic: &str) -> Outcome {
    let trace = GivenHeader { value: Some("YWJj".into()), ..GivenHeader::new("trace".into()) };
    let records = vec![
        JsonRecord { key: Some(Some(json!("c-17"))), value: Some(Some(json!({"sku": 9}))), headers: Some(vec![trace]), ..JsonRecord::new() },
        JsonRecord { value: Some(Some(json!("two"))), partition: Some(0), ..JsonRecord::new() },
        JsonRecord { value: Some(Some(json!(3))), partition: Some(9), ..JsonRecord::new() },
    ];
    let produced = produce_api::produce(door, topic, JsonRecords::new(records), None).await?;
    let got: Vec<_> = produced.offsets.iter().map(|r| (r.offset, r.error_code)).collect();
    assert_eq!(got, [(Some(0), None), (Some(1), None), (None, Some(50002))]);
    Ok(())
}

async fn consume(door: &Configuration, group: &str, topic: &str) -> Outcome {
    let settings = InstanceSettings {
        name: Some("w1".into()),
        format: Some(Format::Json),
        auto_offset_reset: Some("earliest".into()),
        auto_commit_enable: Some(false),
        ..InstanceSettings::new()
    };
    let w1 = consumers_api::create_instance(door, group, Some(settings)).await?.instance_id;
    consumers_api::subscribe(door, group, &w1, Wish { topics: Some(vec![topic.into()]), ..Wish::new() }).await?;
    let mut records = vec![];
    while records.len() < 2 {
        records.extend(consumers_api::instance_records(door, group, &w1, Some(10_000), None).await?);
    }
    same(records.iter().map(|r| (r.key.as_ref(), r.value.as_ref())).collect(), records[0].headers.as_ref());
    let last = Spot { offset: Some(records[1].offset), ..Spot::new(0, topic.into()) };
    let commit = Commit { offsets: Some(vec![last]), ..Commit::new() };
    consumers_api::commit_offsets(door, group, &w1, None, Some(commit)).await?;
    consumers_api::delete_instance(door, group, &w1).await?;
    Ok(())
}

async fn take(door: &Configuration, group: &str, topic: &str) -> Outcome {
    let mut records = vec![];
    while records.len() < 2 {
        let some = groups_api::messages(door, group, topic, None, None, None, None, None, Some("10s"), None, None, None).await?;
        records.extend(some);
    }
    same(records.iter().map(|r| (r.key.as_ref(), r.value.as_ref())).collect(), records[0].headers.as_ref());
    let leases = records.iter().map(|r| Settled::new(r.lease.clone().expect("a lease"))).collect();
    let settled = groups_api::acks(door, group, Acks { ack: Some(leases), ..Acks::new() }).await?;
    assert_eq!(settled.accepted, 2);
    Ok(())
}

/// Panics unless these are the records that were produced.
fn same(got: Vec<(Option<&Value>, Option<&Value>)>, headers: Option<&Vec<RecordHeader>>) {
    let (key, first, second) = (json!("c-17"), json!({"sku": 9}), json!("two"));
    let none = got[1].0.filter(|key| !key.is_null());
    assert_eq!((got[0], none, got[1].1), ((Some(&key), Some(&first)), None, Some(&second)));
    assert_eq!(headers.expect("headers")[0].value.as_deref(), Some("YWJj"));
}
