// Strings, maps and arrays on AssemblyScript's own heap.
export function run(): void {
  const counts = new Map<string, i32>();
  const words = "one two three two three three".split(" ");
  for (let i = 0; i < 300; i++) {
    const word = words[i % words.length];
    counts.set(word, counts.has(word) ? counts.get(word) + i : i);
  }
  const keys = counts.keys();
  const numbers = new Array<f64>();
  for (let i = 0; i < 200; i++) numbers.push(Math.sqrt(<f64>(i * 7919 % 200)) + keys.length);
  numbers.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  store<f64>(8, numbers[0] + numbers[199]);
}
