// The standard library as programs use it: maps, strings, boxed closures, sorting.
use std::collections::BTreeMap;

static mut RESULT: [u8; 256] = [0; 256];

#[no_mangle]
pub extern "C" fn run() {
    let text = "the quick brown fox jumps over the lazy dog and the dog sleeps";
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in text.split(' ').cycle().take(400) {
        *counts.entry(word.to_string()).or_insert(0) += word.len();
    }
    let steps: Vec<Box<dyn Fn(f64) -> f64>> =
        vec![Box::new(|x| x * 1.5), Box::new(|x| x.sqrt()), Box::new(|x| x + 0.25)];
    let value = (0..300).fold(2.0, |x, i| steps[i % 3](x));
    let said = format!("{value:.6} {counts:?}");
    unsafe { RESULT[..said.len().min(256)].copy_from_slice(&said.as_bytes()[..said.len().min(256)]) };
}
