-- Integers, floats, conversions, formats: what the virtual machine and the C library do with numbers.
print(_VERSION, math.maxinteger, math.mininteger, math.mininteger // -1, math.mininteger % -1)
print(7 // 2, -7 // 2, 7 // -2, 7 % -3, -7 % 3, 7.5 // 2, -7.5 % 2, 1 / 0, -1 / 0, 0 / 0 ~= 0 / 0)
print(3 | 5, 3 & 5, 3 ~ 5, ~0, 1 << 63, 1 << 64, -1 >> 60, 2 ^ 53, 10 // 0.0)
print(math.tointeger(3.0), math.tointeger(3.5), 2 ^ 63 == math.maxinteger + 1.0, math.ult(1, -1), 1e15, 1e16, 2 ^ 53)
print(tostring(1e100), 0x10p-2, 0xffffffffffffffff, 1e-320, 123456.789e3, string.format("%.17g %a %5.1f|%-5d|%05d", 0.1, 1.0, 2.25, 42, 42))
print(tonumber("0x1p4"), tonumber("  12  "), tonumber("1e"), tonumber("z", 36), tonumber("7fff", 16), "10" + 5, "3" * "4")
for _, x in ipairs {0, 0.5, 1, -2.25, 1e10} do
    print(x, math.floor(x), math.ceil(x), math.sin(x), math.cos(x), math.exp(-x * x / 1e19), math.sqrt(math.abs(x)), math.fmod(x, 0.7))
end
-- The n-body problem.
local function nbody(steps)
    local b = {{0, 0, 0, 0, 0, 0, 39.47}, {4.84, -1.16, -0.10, 0.606, 2.81, -0.02, 0.037}, {8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.011}}
    for _ = 1, steps do
        for i = 1, #b do
            for j = i + 1, #b do
                local p, q = b[i], b[j]
                local dx, dy, dz = p[1] - q[1], p[2] - q[2], p[3] - q[3]
                local d = dx * dx + dy * dy + dz * dz
                local m = 0.001 / (d * math.sqrt(d))
                for k, v in ipairs {dx, dy, dz} do
                    p[3 + k] = p[3 + k] - v * q[7] * m
                    q[3 + k] = q[3 + k] + v * p[7] * m
                end
            end
        end
        for _, p in ipairs(b) do
            for k = 1, 3 do p[k] = p[k] + 0.001 * p[3 + k] end
        end
    end
    return string.format("%.12f %.12f", b[1][1], b[2][2])
end
print(nbody(20000))
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
print(fib(24))
