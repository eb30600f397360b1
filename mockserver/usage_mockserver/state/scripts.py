"""What Redis does for us in one step, in Lua: all of a script happens, or, where its first write fails, nothing.

A version is the microsecond of the last change by Redis' own clock, and always later than the one before: no two
states have the same, also when Redis was emptied, or came back with what it knew an hour ago.
"""

from __future__ import annotations

from hashlib import sha1
from typing import NamedTuple


class Script(NamedTuple):
    """A script, and the name under which Redis remembers it."""

    source: bytes
    digest: str


def _script(*parts: str) -> Script:
    source = "\n".join(part.strip() for part in parts).encode()
    return Script(source, sha1(source, usedforsecurity=False).hexdigest())


_DROP = """
local function drop(prefix, name)
    for _, kind in ipairs({'settings', 'counted', 'journal', 'notes'}) do
        redis.call('DEL', prefix .. kind .. ':' .. name)
    end
    for _, provider in ipairs(PROVIDERS) do
        redis.call('DEL', prefix .. 'events:' .. name .. ':' .. provider)
    end
    redis.call('ZREM', prefix .. 'used', name)
    return redis.call('HDEL', prefix .. 'versions', name)
end
"""
_VERSION = """
local function instant()
    local now = redis.call('TIME')
    return now[1] * 1000000 + now[2]
end
local function renew(key, name, held)
    local version = instant()
    if held and tonumber(held) >= version then version = tonumber(held) + 1 end
    local text = string.format('%.0f', version)
    redis.call('HSET', key, name, text)
    return text
end
"""

BEGIN = _script(
    "local PROVIDERS = {unpack(ARGV, 3)}",
    _DROP,
    _VERSION,
    # A read-only replica refuses the very first line, a full Redis takes it.
    """
local prefix, origin = ARGV[1], ARGV[2]
redis.call('DEL', prefix .. 'probe')
local held = redis.call('GET', KEYS[1])
if held and held ~= origin then return {held, ''} end
if not held then
    redis.call('SET', KEYS[1], origin)
    for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do drop(prefix, name) end
end
if redis.call('HEXISTS', KEYS[2], '') == 0 then
    for _, name in ipairs(redis.call('ZRANGE', prefix .. 'used', 0, -1)) do drop(prefix, name) end
    drop(prefix, '')
    renew(KEYS[2], '', false)
end
return {origin, string.format('%.0f', instant())}
""",
)
"""Keys origin, versions; arguments prefix, our origin, providers. The origin held, and a name for this process."""

COMMIT = _script(
    _VERSION,
    """
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held ~= ARGV[2] then return false end
local version = renew(KEYS[1], ARGV[1], held)
local at = 3
while at <= #ARGV do
    local count = tonumber(ARGV[at])
    local command = {unpack(ARGV, at + 1, at + count)}
    at = at + count + 1
    if command[1] == 'MOVE' then
        local entry = redis.call('LPOP', command[2])
        while entry do
            redis.call('RPUSH', command[3], entry)
            entry = redis.call('LPOP', command[2])
        end
    else
        redis.call(unpack(command))
    end
end
return version
""",
)
"""Key versions; arguments session, the version it must have, then commands, each with its length before it.

The new version, nil when somebody else was first.
"""

NOTE = _script(
    _VERSION,
    """
local prefix, name, version, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local most, bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('HGET', KEYS[1], name) ~= version then return {0} end
local requests = ''
if #ARGV > 6 then
    local counted, provider = prefix .. 'counted:' .. name, ARGV[7]
    local more, expected, before, after = ARGV[8], ARGV[9], ARGV[10], ARGV[11]
    if expected ~= '' then
        local held = redis.call('HMGET', counted, provider .. ':requests', provider .. ':faults')
        local sofar, faults = held[1] or '0', held[2] or ''
        if sofar ~= expected or faults ~= before then return {1, sofar, faults} end
    end
    requests = redis.call('HINCRBY', counted, provider .. ':requests', more)
    if before ~= after then redis.call('HSET', counted, provider .. ':faults', after) end
end
if name ~= '' then redis.call('ZADD', prefix .. 'used', 'XX', instant(), name) end
if most == 0 then return {2, requests} end
local journal, notes = prefix .. 'journal:' .. name, prefix .. 'notes:' .. name
entry = redis.call('HINCRBY', notes, 'number', 1) .. ' ' .. entry
redis.call('RPUSH', journal, entry)
local size = redis.call('HINCRBY', notes, 'size', #entry)
local length = redis.call('LLEN', journal)
while length > most or size > bytes do
    local gone = redis.call('LPOP', journal)
    if not gone then break end
    length = length - 1
    size = redis.call('HINCRBY', notes, 'size', -#gone)
end
return {2, requests}
""",
)
"""Key versions; arguments prefix, session, the version it was answered at, entry, entries and bytes at most. Where
something was counted also provider, requests more, requests so far if the answer hangs on them, fault memory before
and after.

0: the version is another; 1: they were counted elsewhere; 2: noted, with the requests so far. An error comes only
from what is written, so it says that the version was right.
"""

OPEN = _script(
    "local PROVIDERS = {unpack(ARGV, 4)}",
    _DROP,
    _VERSION,
    """
local prefix, name, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
while name == '' do
    local number = tostring(redis.call('INCR', KEYS[3]))
    if redis.call('HEXISTS', KEYS[1], number) == 0 then name = number end
end
if redis.call('HEXISTS', KEYS[1], name) == 0 then renew(KEYS[1], name, false) end
redis.call('ZADD', KEYS[2], instant(), name)
while redis.call('ZCARD', KEYS[2]) > most do
    drop(prefix, redis.call('ZRANGE', KEYS[2], 0, 0)[1])
end
return name
""",
)
"""Keys versions, used, numbers; arguments prefix, name or nothing, most sessions, providers. The name."""

CLOSE = _script(
    "local PROVIDERS = {unpack(ARGV, 3)}",
    _DROP,
    "return drop(ARGV[1], ARGV[2])",
)
"""Arguments prefix, name, providers. 1 if there was this session, else 0."""
