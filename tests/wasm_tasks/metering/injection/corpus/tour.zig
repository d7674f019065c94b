var numbers: [512]u32 = undefined;
var reals: [64]f64 = undefined;

fn mix(state: *u64) u32 {
    state.* ^= state.* << 13;
    state.* ^= state.* >> 7;
    state.* ^= state.* << 17;
    return @truncate(state.*);
}

export fn run() void {
    var state: u64 = 88172645463325252;
    for (&numbers) |*each| each.* = mix(&state);
    // Shell sort, then a sum of square roots.
    var gap: usize = numbers.len / 2;
    while (gap > 0) : (gap /= 2) {
        var i = gap;
        while (i < numbers.len) : (i += 1) {
            const taken = numbers[i];
            var j = i;
            while (j >= gap and numbers[j - gap] > taken) : (j -= gap) numbers[j] = numbers[j - gap];
            numbers[j] = taken;
        }
    }
    for (&reals, 0..) |*each, i| each.* = @sqrt(@as(f64, @floatFromInt(numbers[i * 8])));
}
