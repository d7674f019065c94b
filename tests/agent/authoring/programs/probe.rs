//! Asks for everything that a host may give a program, and says what it got, a line each.
use std::collections::hash_map::RandomState;
use std::collections::HashMap;
use std::env;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{stdin, Read};
use std::process::exit;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() {
    print!("arguments");
    for each in env::args() {
        print!(" [{each}]");
    }
    let named = |name| env::var(name).unwrap();
    println!("\nenvironment [{}] [{}]", named("PLACE"), named("EMPTY"));
    let mut input = Vec::new();
    stdin().read_to_end(&mut input).unwrap();
    // By way of a map whose order follows from random bytes.
    let mut found: HashMap<u8, u64> = HashMap::new();
    for each in &input {
        *found.entry(*each).or_default() += 1;
    }
    let sum: u64 = found.iter().map(|(each, times)| u64::from(*each) * times).sum();
    println!("input {} {}", input.len(), sum);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    // The mean year is longer than most: a day more, so that a new year's morning is in it.
    println!("year {}", 1970 + (now.as_secs() + 86_400) / 31_556_952);
    let began = Instant::now();
    sleep(Duration::from_secs(2));
    println!("slept {}", began.elapsed().as_secs());
    println!("random {:016x}", RandomState::new().build_hasher().finish());
    let file = File::open("/etc/passwd");
    println!("file {}", if file.is_err() { "refused" } else { "opened" });
    // Older compilers have no way to ask.
    println!("terminal no");
    eprintln!("told on the side");
    exit(if input.is_empty() { 3 } else { 0 });
}
