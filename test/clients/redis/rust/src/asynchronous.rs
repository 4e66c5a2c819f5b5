//! One step of the matrix with redis-rs, its asynchronous connection manager. Usage: asynchronous STEP

mod steps;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, Client, RedisResult, cmd};
use steps::*;
use tokio::time::sleep;

fn client() -> Fallible<Client> {
    Ok(Client::open(url()?)?)
}

/// A response time-out would end a BLPOP that waits for longer.
fn without_timeout() -> ConnectionManagerConfig {
    let config = ConnectionManagerConfig::new();
    #[cfg(feature = "response-timeout")]
    let config = config.set_response_timeout(None);
    config
}

/// There is no option for the name. When the manager connects again, it does not send the name.
async fn named(config: ConnectionManagerConfig) -> Fallible<ConnectionManager> {
    let mut redis = client()?.get_connection_manager_with_config(config).await?;
    let _: () = cmd("CLIENT").arg("SETNAME").arg(var("NAME")).query_async(&mut redis).await?;
    Ok(redis)
}

/// The types ask for key and value. Option<Vec<String>> would take any reply.
async fn typed_pop(redis: &mut ConnectionManager, key: &str, seconds: f64) -> RedisResult<Option<Record>> {
    let reply: Option<(String, String)> = redis.blpop(key, seconds).await?;
    Ok(pair(reply))
}

async fn raw_pop(redis: &mut ConnectionManager, key: &str, seconds: f64) -> RedisResult<Option<Record>> {
    cmd("BLPOP").arg(key).arg(seconds).query_async(redis).await
}

async fn pop(redis: &mut ConnectionManager, typed: bool, key: &str, seconds: f64) -> RedisResult<Option<Record>> {
    if typed { typed_pop(redis, key, seconds).await } else { raw_pop(redis, key, seconds).await }
}

/// Prints a record, and acknowledges one that says where it is from.
async fn taken(redis: &mut ConnectionManager, record: &Record) -> Fallible<()> {
    got(record);
    match id(record) {
        Some(id) => expect("ack", redis.rpush("acks", id).await?, 1),
        None => Ok(()),
    }
}

async fn consume(typed: bool) -> Fallible<()> {
    let mut redis = named(without_timeout()).await?;
    while let Some(record) = pop(&mut redis, typed, &key(), 2.0).await? {
        taken(&mut redis, &record).await?;
    }
    Ok(())
}

async fn connect() -> Fallible<()> {
    let mut redis = named(ConnectionManagerConfig::new()).await?;
    expect("PING", cmd("PING").query_async(&mut redis).await?, "PONG".to_string())?;
    let name: String = cmd("CLIENT").arg("GETNAME").query_async(&mut redis).await?;
    field("name", name);
    Ok(())
}

async fn produce() -> Fallible<()> {
    let mut redis = client()?.get_connection_manager().await?;
    expect("alone", redis.rpush_exists(key(), "alone").await?, 1)?;
    expect("waited", redis.rpush(key(), "waited").await?, 1)?;
    expect("left", redis.lpush(key(), "left").await?, 1)?;
    expect("pipelined", batch("p", false).query_async(&mut redis).await?, vec![1; 100])?;
    expect("multi", batch("m", true).query_async(&mut redis).await?, vec![1; 100])?;
    for (part, key, value) in singles() {
        expect(part, cmd("RPUSH").arg(key).arg(value).query_async(&mut redis).await?, 1)?;
    }
    Ok(())
}

/// What a task does. All tasks produce over one connection. A BLPOP blocks its connection, and so each task has one for that.
async fn work(client: Client, mut shared: ConnectionManager, worker: usize) -> Fallible<()> {
    for j in 0..25 {
        expect("pool", shared.rpush(key(), format!("w{worker}-{j}")).await?, 1)?;
    }
    let mut own = client.get_connection_manager_with_config(without_timeout()).await?;
    while let Some(record) = pop(&mut own, typed(), &key_of(worker), 2.0).await? {
        got(&record);
    }
    Ok(())
}

async fn pool() -> Fallible<()> {
    let client = client()?;
    let shared = client.get_connection_manager().await?;
    let tasks = (0..8).map(|worker| tokio::spawn(work(client.clone(), shared.clone(), worker)));
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    Ok(())
}

async fn patience() -> Fallible<()> {
    let mut redis = named(ConnectionManagerConfig::new()).await?;
    waited(pop(&mut redis, typed(), &key(), 7.0).await);
    Ok(())
}

async fn restart() -> Fallible<()> {
    let mut redis = named(without_timeout()).await?;
    expect("before", redis.rpush(key(), "before").await?, 1)?;
    ready()?;
    let mut tries = 0;
    while let Err(e) = redis.rpush::<_, _, i64>(key(), "after").await {
        if tries == ATTEMPTS {
            return Err(e.into());
        }
        tries += 1;
        sleep(PAUSE).await;
    }
    field("tries", tries);
    let mut wanted = Wanted::new();
    while wanted.more() {
        match pop(&mut redis, typed(), &key(), 2.0).await {
            Ok(Some(record)) => {
                taken(&mut redis, &record).await?;
                wanted.take(&record);
            }
            Ok(None) => {}
            Err(e) => {
                wanted.fail(e);
                sleep(PAUSE).await;
            }
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Fallible<()> {
    match std::env::args().nth(1).unwrap_or_default().as_str() {
        "connect" => connect().await,
        "produce" => produce().await,
        "typed" => consume(true).await,
        "raw" => consume(false).await,
        "pool" => pool().await,
        "patience" => patience().await,
        "restart" => restart().await,
        step => Err(format!("there is no step {step}").into()),
    }
}
