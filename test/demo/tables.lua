-- Strings, tables, closures, metatables and the collector.
print(select("#", ...), ...)
local words = {}
for i = 1, 20000 do words[i] = string.format("%x-%d", (i * 2654435761) % 4294967296, i % 97) end
table.sort(words)
print(words[1], words[10000], words[20000], #table.concat(words, ","))
local count = {}
for w in table.concat(words, " "):gmatch("%-(%d+)") do count[w] = (count[w] or 0) + 1 end
local keys = {}
for k in pairs(count) do keys[#keys + 1] = tonumber(k) end
table.sort(keys, function(a, b) return a > b end)
print(#keys, keys[1], keys[97], count["5"])
print(("hello world"):gsub("o", "0"), ("key = value"):match("^(%w+)%s*=%s*(%w+)$"), ("x"):rep(5, "-"), ("abc"):reverse():upper())
print(("%d items at %5.2f"):format(3, 9.5), #("\u{20AC}\0z"), ("a,b,,c"):find(",,", 1, true), ("€"):byte(1, -1))
print(string.pack("<i4 >i8 z d", 1, -2, "text", 0.5):byte(1, -1))
print(string.unpack("<i2 s1", "\x34\x12\3abc"), utf8.len("naïve"), utf8.codepoint("€", 1))
local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({x = a.x + b.x}, Vector) end
Vector.__eq = function(a, b) return a.x == b.x end
Vector.__lt = function(a, b) return a.x < b.x end
Vector.__tostring = function(a) return "<" .. a.x .. ">" end
Vector.__call = function(a, n) return a.x * n end
local v = setmetatable({x = 3}, Vector) + setmetatable({x = 4}, Vector)
print(tostring(v), v == setmetatable({x = 7}, Vector), v < v, v(6), rawequal(v, v), rawlen({1, 2}))
local closed = {}
do
    local resource <close> = setmetatable({}, {__close = function() closed[#closed + 1] = "closed" end})
    closed[#closed + 1] = "used"
end
print(table.concat(closed, ", "), pcall(function(...) return select(2, ...) end, 1, 2, 3))
local weak = setmetatable({}, {__mode = "v"})
for i = 1, 50000 do weak[i] = {i, tostring(i), function() return i end} end
collectgarbage()
local left = 0
for _ in pairs(weak) do left = left + 1 end
print(left, collectgarbage("count") < 20000, load("return ... + 1")(41))
local sieve, primes = {}, 0
for i = 2, 100000 do
    if not sieve[i] then
        primes = primes + 1
        for j = i * i, 100000, i do sieve[j] = true end
    end
end
print(primes, #table.pack(table.unpack({1, 2, 3, nil, 5}, 1, 5)), next({}), type(print), math.type(1), math.type(1.0))
goto done
print("never")
::done:: io.write("done\n")
