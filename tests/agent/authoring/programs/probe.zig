//! Asks for everything that a host may give a program, and says what it got, a line each.
const std = @import("std");
const wasi = std.os.wasi;

var text: [4096]u8 = undefined;
var length: usize = 0;

pub fn main() void {
    arguments();
    environment();
    var bytes: usize = 0;
    var sum: usize = 0;
    var buffer: [4096]u8 = undefined;
    while (true) {
        var into = [_]wasi.iovec_t{.{ .base = &buffer, .len = buffer.len }};
        var got: usize = 0;
        if (wasi.fd_read(0, &into, into.len, &got) != .SUCCESS or got == 0) break;
        for (buffer[0..got]) |each| sum += each;
        bytes += got;
    }
    say("input {d} {d}\n", .{ bytes, sum });
    var now: u64 = 0;
    _ = wasi.clock_time_get(.REALTIME, 1, &now);
    const seconds = std.time.epoch.EpochSeconds{ .secs = now / std.time.ns_per_s };
    say("year {d}\n", .{seconds.getEpochDay().calculateYearDay().year});
    pause();
    var random: [8]u8 = undefined;
    _ = wasi.random_get(&random, random.len);
    say("random {x}\n", .{std.mem.readInt(u64, &random, .big)});
    var opened: wasi.fd_t = undefined;
    const path = "/etc/passwd";
    const refused = wasi.path_open(3, .{}, path, path.len, .{}, .{}, .{}, .{}, &opened) != .SUCCESS;
    say("file {s}\n", .{if (refused) "refused" else "opened"});
    var stat: wasi.fdstat_t = undefined;
    _ = wasi.fd_fdstat_get(1, &stat);
    say("terminal {s}\n", .{if (stat.fs_filetype == .CHARACTER_DEVICE) "yes" else "no"});
    write(2, "told on the side\n");
    write(1, text[0..length]);
    if (bytes == 0) wasi.proc_exit(3);
}

fn arguments() void {
    var count: usize = 0;
    var size: usize = 0;
    _ = wasi.args_sizes_get(&count, &size);
    var addresses: [8][*:0]u8 = undefined;
    var data: [1024]u8 = undefined;
    _ = wasi.args_get(&addresses, &data);
    say("arguments", .{});
    for (addresses[0..count]) |each| say(" [{s}]", .{each});
    say("\n", .{});
}

fn environment() void {
    var count: usize = 0;
    var size: usize = 0;
    _ = wasi.environ_sizes_get(&count, &size);
    var addresses: [8][*:0]u8 = undefined;
    var data: [1024]u8 = undefined;
    _ = wasi.environ_get(&addresses, &data);
    say("environment", .{});
    // They come ascending by name, and are asked for in the other order.
    var at = count;
    while (at > 0) {
        at -= 1;
        const whole = std.mem.span(addresses[at]);
        say(" [{s}]", .{whole[std.mem.indexOfScalar(u8, whole, '=').? + 1 ..]});
    }
    say("\n", .{});
}

fn pause() void {
    var before: u64 = 0;
    var after: u64 = 0;
    _ = wasi.clock_time_get(.MONOTONIC, 1, &before);
    const subscription = wasi.subscription_t{ .userdata = 0, .u = .{ .tag = .CLOCK, .u = .{ .clock = .{
        .id = .MONOTONIC,
        .timeout = 2 * std.time.ns_per_s,
        .precision = 0,
        .flags = 0,
    } } } };
    var event: wasi.event_t = undefined;
    var count: usize = 0;
    _ = wasi.poll_oneoff(@ptrCast(&subscription), @ptrCast(&event), 1, &count);
    _ = wasi.clock_time_get(.MONOTONIC, 1, &after);
    say("slept {d}\n", .{(after - before) / std.time.ns_per_s});
}

fn say(comptime format: []const u8, values: anytype) void {
    length += (std.fmt.bufPrint(text[length..], format, values) catch unreachable).len;
}

fn write(descriptor: wasi.fd_t, part: []const u8) void {
    const from = [_]wasi.ciovec_t{.{ .base = part.ptr, .len = part.len }};
    var written: usize = 0;
    if (wasi.fd_write(descriptor, &from, from.len, &written) != .SUCCESS) wasi.proc_exit(1);
}
