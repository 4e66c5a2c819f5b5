//! What the programs share: their environment, the lines that they print, and what they push.

use std::env;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::time::Duration;

pub type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The elements of a reply to BLPOP.
pub type Record = Vec<String>;

pub const ATTEMPTS: usize = 50;
pub const PAUSE: Duration = Duration::from_millis(200);

pub fn var(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

pub fn key() -> String {
    var("KEY")
}

pub fn typed() -> bool {
    var("TYPED") == "1"
}

/// A URL quotes the password.
pub fn url() -> Fallible<url::Url> {
    let mut url = url::Url::parse(&format!("redis://{}:{}/?protocol=resp{}", var("HOST"), var("PORT"), var("PROTOCOL")))?;
    url.set_password(Some(&var("PASSWORD"))).map_err(|()| "the URL takes no password")?;
    Ok(url)
}

/// A key that says who consumes, where connections have no name of their own.
pub fn key_of(worker: usize) -> String {
    format!(r#"{}:{{"sluice.group":"{}","sluice.name":"w{worker}","sluice.ack":"auto"}}"#, key(), var("GROUP"))
}

/// The single records of the step produce, each with its part.
pub fn singles() -> Vec<(&'static str, String, Vec<u8>)> {
    vec![
        ("large", key(), vec![b'k'; 900_000]),
        ("binary", key(), (0..=255).collect()),
        ("empty", key(), vec![]),
        ("utf8", key() + ":ключ", b"utf8".to_vec()),
    ]
}

/// A hundred pushes in one go, and in MULTI/EXEC when they are atomic.
pub fn batch(prefix: &str, atomic: bool) -> redis::Pipeline {
    let mut pipe = redis::pipe();
    if atomic {
        pipe.atomic();
    }
    for i in 0..100 {
        pipe.rpush_exists(key(), format!("{prefix}-{i}"));
    }
    pipe
}

pub fn expect<T: PartialEq + Debug>(part: &str, got: T, wanted: T) -> Fallible<()> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{part}: got {got:?}, want {wanted:?}").into())
}

/// Prints one line.
pub fn field(kind: &str, value: impl Display) {
    println!("{kind}\t{value}");
}

pub fn got(record: &Record) {
    field("got", record.join("\t"));
}

pub fn pair(reply: Option<(String, String)>) -> Option<Record> {
    reply.map(|(key, value)| vec![key, value])
}

/// What acknowledges a record that says where it is from.
pub fn id(record: &Record) -> Option<String> {
    (record.len() == 8).then(|| format!("{}:{}:{}", record[1], record[3], record[5]))
}

/// Prints what a BLPOP gave that nothing can answer.
pub fn waited<E: Display>(reply: Result<Option<Record>, E>) {
    match reply {
        Ok(None) => println!("nil"),
        Ok(Some(record)) => got(&record),
        Err(e) => field("error", e),
    }
}

/// The records that the step restart still wants, and how often a BLPOP failed.
pub struct Wanted {
    missing: Vec<&'static str>,
    failed: usize,
}

impl Wanted {
    pub fn new() -> Self {
        Self { missing: vec!["before", "after"], failed: 0 }
    }

    pub fn more(&self) -> bool {
        !self.missing.is_empty() && self.failed < ATTEMPTS
    }

    pub fn take(&mut self, record: &Record) {
        self.missing.retain(|value| Some(*value) != record.last().map(String::as_str));
    }

    pub fn fail(&mut self, e: impl Display) {
        if self.failed == 0 {
            field("error", e);
        }
        self.failed += 1;
    }
}

/// Waits until the server has been restarted.
pub fn ready() -> Fallible<()> {
    println!("ready");
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}
