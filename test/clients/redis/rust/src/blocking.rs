//! One step of the matrix with redis-rs, its blocking connections. Usage: blocking STEP

mod steps;

use redis::{Client, Commands, Connection, ConnectionLike, RedisError, RedisResult, cmd};
use std::thread;
use steps::*;

type Pool = r2d2::Pool<Client>;

fn client() -> Fallible<Client> {
    Ok(Client::open(url()?)?)
}

/// There is no option for the name.
fn introduce(redis: &mut Connection) -> RedisResult<()> {
    cmd("CLIENT").arg("SETNAME").arg(var("NAME")).exec(redis)
}

fn named() -> Fallible<Connection> {
    let mut redis = client()?.get_connection()?;
    introduce(&mut redis)?;
    Ok(redis)
}

/// A pool names each connection that it makes.
#[derive(Debug)]
struct Introduced;

impl r2d2::CustomizeConnection<Connection, RedisError> for Introduced {
    fn on_acquire(&self, redis: &mut Connection) -> RedisResult<()> {
        introduce(redis)
    }
}

/// The types ask for key and value. Option<Vec<String>> would take any reply.
fn typed_pop(redis: &mut impl Commands, key: &str, seconds: f64) -> RedisResult<Option<Record>> {
    let reply: Option<(String, String)> = redis.blpop(key, seconds)?;
    Ok(pair(reply))
}

fn raw_pop(redis: &mut impl ConnectionLike, key: &str, seconds: f64) -> RedisResult<Option<Record>> {
    cmd("BLPOP").arg(key).arg(seconds).query(redis)
}

fn pop(redis: &mut Connection, key: &str, seconds: f64) -> RedisResult<Option<Record>> {
    if typed() { typed_pop(redis, key, seconds) } else { raw_pop(redis, key, seconds) }
}

/// Prints a record, and acknowledges one that says where it is from.
fn taken(redis: &mut Connection, record: &Record) -> Fallible<()> {
    got(record);
    match id(record) {
        Some(id) => expect("ack", redis.rpush("acks", id)?, 1),
        None => Ok(()),
    }
}

type Pop = fn(&mut Connection, &str, f64) -> RedisResult<Option<Record>>;

fn consume(pop: Pop) -> Fallible<()> {
    let mut redis = named()?;
    while let Some(record) = pop(&mut redis, &key(), 2.0)? {
        taken(&mut redis, &record)?;
    }
    Ok(())
}

fn connect() -> Fallible<()> {
    let mut redis = named()?;
    expect("PING", cmd("PING").query(&mut redis)?, "PONG".to_string())?;
    let name: String = cmd("CLIENT").arg("GETNAME").query(&mut redis)?;
    field("name", name);
    Ok(())
}

fn produce() -> Fallible<()> {
    let mut redis = client()?.get_connection()?;
    expect("alone", redis.rpush_exists(key(), "alone")?, 1)?;
    expect("waited", redis.rpush(key(), "waited")?, 1)?;
    expect("left", redis.lpush(key(), "left")?, 1)?;
    expect("pipelined", batch("p", false).query(&mut redis)?, vec![1; 100])?;
    expect("multi", batch("m", true).query(&mut redis)?, vec![1; 100])?;
    for (part, key, value) in singles() {
        expect(part, cmd("RPUSH").arg(key).arg(value).query(&mut redis)?, 1)?;
    }
    Ok(())
}

/// What a thread does: each call may be on another connection of the pool, and so the key says who consumes.
fn work(pool: &Pool, worker: usize) -> Fallible<()> {
    for j in 0..25 {
        expect("pool", pool.get()?.rpush(key(), format!("w{worker}-{j}"))?, 1)?;
    }
    while let Some(record) = pop(&mut *pool.get()?, &key_of(worker), 2.0)? {
        got(&record);
    }
    Ok(())
}

fn pool() -> Fallible<()> {
    let pool = Pool::new(client()?)?;
    let threads = (0..8).map(|worker| {
        let pool = pool.clone();
        thread::spawn(move || work(&pool, worker))
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().map_err(|_| "a thread has panicked")??;
    }
    Ok(())
}

/// A connection never connects again. A pool replaces it; with one connection, its name is never used twice.
fn restart() -> Fallible<()> {
    let pool = Pool::builder().max_size(1).connection_customizer(Box::new(Introduced)).build(client()?)?;
    expect("before", pool.get()?.rpush(key(), "before")?, 1)?;
    ready()?;
    let mut tries = 0;
    while let Err(e) = push_after(&pool) {
        if tries == ATTEMPTS {
            return Err(e);
        }
        tries += 1;
        thread::sleep(PAUSE);
    }
    field("tries", tries);
    let mut wanted = Wanted::new();
    while wanted.more() {
        match pop_and_take(&pool) {
            Ok(Some(record)) => wanted.take(&record),
            Ok(None) => {}
            Err(e) => {
                wanted.fail(e);
                thread::sleep(PAUSE);
            }
        }
    }
    Ok(())
}

fn push_after(pool: &Pool) -> Fallible<()> {
    expect("after", pool.get()?.rpush(key(), "after")?, 1)
}

fn pop_and_take(pool: &Pool) -> Fallible<Option<Record>> {
    let mut redis = pool.get()?;
    let record = pop(&mut redis, &key(), 2.0)?;
    if let Some(record) = &record {
        taken(&mut redis, record)?;
    }
    Ok(record)
}

fn main() -> Fallible<()> {
    match std::env::args().nth(1).unwrap_or_default().as_str() {
        "connect" => connect(),
        "produce" => produce(),
        "typed" => consume(typed_pop),
        "raw" => consume(raw_pop),
        "pool" => pool(),
        "patience" => {
            waited(pop(&mut named()?, &key(), 7.0));
            Ok(())
        }
        "restart" => restart(),
        step => Err(format!("there is no step {step}").into()),
    }
}
