//! A command: the input is standard input, the output is what goes to standard output.

use std::io::{self, Read};

fn main() -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    println!("{} {} {}", lines, words, text.len());
    Ok(())
}
