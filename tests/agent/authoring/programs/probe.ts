// Asks for everything that a host may give a program, and says what it got, a line each.
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, size: usize): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(table: usize, data: usize): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "environ_sizes_get")
declare function environ_sizes_get(count: usize, size: usize): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "environ_get")
declare function environ_get(table: usize, data: usize): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "clock_time_get")
declare function clock_time_get(clock: i32, precision: i64, time: usize): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "poll_oneoff")
declare function poll_oneoff(subscriptions: usize, events: usize, count: i32, stored: usize): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "random_get")
declare function random_get(buffer: usize, length: i32): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "path_open")
declare function path_open(
  directory: i32, look: i32, path: usize, length: i32, how: i32, rights: i64, inherited: i64,
  flags: i32, opened: usize,
): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "fd_fdstat_get")
declare function fd_fdstat_get(descriptor: i32, stat: usize): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(descriptor: i32, vectors: usize, count: i32, written: usize): i32;
// @ts-ignore: the compiler's own decorator
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;

const place = heap.alloc(4096);

export function alloc(size: i32): usize {
  return heap.alloc(size);
}

export function run(input: usize, size: i32): u64 {
  let said = "arguments";
  args_sizes_get(place, place + 4);
  const count = load<u32>(place);
  args_get(place, place + 1024);
  for (let at: u32 = 0; at < count; at++) {
    said += ` [${String.UTF8.decodeUnsafe(load<u32>(place + at * 4), 1024, true)}]`;
  }
  environ_sizes_get(place, place + 4);
  let left = load<u32>(place);
  environ_get(place, place + 1024);
  said += "\nenvironment";
  // They come ascending by name, and are asked for in the other order.
  while (left-- > 0) {
    const whole = String.UTF8.decodeUnsafe(load<u32>(place + left * 4), 1024, true);
    said += ` [${whole.substring(whole.indexOf("=") + 1)}]`;
  }
  // By way of a map.
  const found = new Map<u8, u64>();
  for (let at = 0; at < size; at++) {
    const each = load<u8>(input + at);
    found.set(each, (found.has(each) ? found.get(each) : 0) + 1);
  }
  const keys = found.keys();
  let sum: u64 = 0;
  for (let at = 0; at < keys.length; at++) sum += <u64>keys[at] * found.get(keys[at]);
  said += `\ninput ${size} ${sum}`;
  clock_time_get(0, 1, place);
  said += `\nyear ${new Date(<i64>(load<u64>(place) / 1_000_000)).getUTCFullYear()}`;
  clock_time_get(1, 1, place);
  const before = load<u64>(place);
  memory.fill(place, 0, 48);
  store<u32>(place + 16, 1);
  store<u64>(place + 24, 2_000_000_000);
  poll_oneoff(place, place + 64, 1, place + 128);
  clock_time_get(1, 1, place);
  said += `\nslept ${(load<u64>(place) - before) / 1_000_000_000}`;
  random_get(place, 8);
  said += "\nrandom ";
  for (let at = 0; at < 8; at++) said += load<u8>(place + at).toString(16).padStart(2, "0");
  const path = String.UTF8.encode("/etc/passwd");
  const fault = path_open(3, 0, changetype<usize>(path), path.byteLength, 0, 0, 0, 0, place);
  said += `\nfile ${fault == 0 ? "opened" : "refused"}`;
  fd_fdstat_get(1, place);
  said += `\nterminal ${load<u8>(place) == 2 ? "yes" : "no"}\n`;
  const aside = String.UTF8.encode("told on the side\n");
  store<u32>(place, <u32>changetype<usize>(aside));
  store<u32>(place + 4, aside.byteLength);
  fd_write(2, place, 1, place + 8);
  if (size == 0) proc_exit(3);
  const text = String.UTF8.encode(said);
  return ((<u64>changetype<usize>(text)) << 32) | (<u64>text.byteLength);
}
