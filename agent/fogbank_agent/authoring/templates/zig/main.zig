//! A command: the input is standard input, the output is what goes to standard output.
const std = @import("std");
const wasi = std.os.wasi;

pub fn main() void {
    var lines: u64 = 0;
    var words: u64 = 0;
    var bytes: u64 = 0;
    var inside = false;
    var buffer: [4096]u8 = undefined;
    while (true) {
        const part = read(&buffer);
        if (part.len == 0) break;
        for (part) |byte| {
            const space = std.ascii.isWhitespace(byte);
            lines += @intFromBool(byte == '\n');
            words += @intFromBool(!inside and !space);
            inside = !space;
        }
        bytes += part.len;
    }
    var text: [80]u8 = undefined;
    write(std.fmt.bufPrint(&text, "{d} {d} {d}\n", .{ lines, words, bytes }) catch unreachable);
}

fn read(buffer: []u8) []u8 {
    var into = [_]wasi.iovec_t{.{ .base = buffer.ptr, .len = buffer.len }};
    var length: usize = 0;
    if (wasi.fd_read(0, &into, into.len, &length) != .SUCCESS) return buffer[0..0];
    return buffer[0..length];
}

fn write(text: []const u8) void {
    const from = [_]wasi.ciovec_t{.{ .base = text.ptr, .len = text.len }};
    var length: usize = 0;
    if (wasi.fd_write(1, &from, from.len, &length) != .SUCCESS) wasi.proc_exit(1);
}
