/** Client addresses: one canonical form, and which proxies are trusted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../../src/config.ts'
import { callerAddress, rateLimitAddress, readAddress } from '../../../src/http/limits/client-address.ts'

const read: [text: string | undefined, address: string | undefined][] = [
  ['203.0.113.9', '203.0.113.9'],
  ['203.0.113.9:4711', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['::ffff:cb00:7109', '203.0.113.9'],
  ['[::ffff:203.0.113.9]:80', '203.0.113.9'],
  ['2001:db8::1', '2001:db8::1'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['::1', '::1'],
  ['203.0.113', undefined],
  ['203.0.113.999', undefined],
  ['unknown', undefined],
  ['_hidden', undefined],
  ['1'.repeat(5_000), undefined],
  ['', undefined],
  [undefined, undefined],
]

for (const [text, address] of read)
  test(`${String(text).slice(0, 40)} is read as ${address}`, () => assert.equal(readAddress(text), address))

const limited: [address: string, as: string][] = [
  ['203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/64'],
]

for (const [address, as] of limited)
  test(`${address} is limited as ${as}`, () => assert.equal(rateLimitAddress(address), as))

/** What the server takes for the caller, when the peer is 127.0.0.1. */
async function callerBehind(trusted: string, forwarded: string | undefined): Promise<string> {
  const { trustedProxies } = readConfig({
    SPOKE_ADMIN_KEY: 'k'.repeat(24),
    SPOKE_ENCRYPTION_KEYS: `k:${Buffer.alloc(32).toString('base64')}`,
    SPOKE_TRUSTED_PROXIES: trusted,
  })
  const app = Fastify({ trustProxy: trustedProxies.length > 0 && [...trustedProxies] })
  app.get('/', async (request) => String(callerAddress(request)))
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  const { body } = await app.inject({ path: '/', headers, remoteAddress: '127.0.0.1' })
  await app.close()
  return body
}

const chains: [what: string, trusted: string, forwarded: string | undefined, caller: string][] = [
  ['no trusted proxy', '', '203.0.113.9', '127.0.0.1'],
  ['another trusted', '10.0.0.0/8', '203.0.113.9', '127.0.0.1'],
  ['the peer trusted', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['by its network', '10.0.0.0/8, 127.0.0.0/8', '203.0.113.9', '203.0.113.9'],
  ['a forged entry on the left', '127.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['a forged entry that names the proxy', '127.0.0.1', '127.0.0.1, 203.0.113.9', '203.0.113.9'],
  ['two proxies', '127.0.0.1,10.0.0.0/8', '198.51.100.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
  ['a second proxy that is not trusted', '127.0.0.1', '203.0.113.9, 10.1.2.3', '10.1.2.3'],
  ['IPv4 as IPv6', '127.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ['with a port', '127.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  ['IPv6', '127.0.0.1', '2001:db8::1', '2001:db8::1'],
  ['text instead of an address', '127.0.0.1', 'unknown', '127.0.0.1'],
  ['text with a forged address', '127.0.0.1', '203.0.113.9, evil\u0001"', '127.0.0.1'],
  ['no header', '127.0.0.1', undefined, '127.0.0.1'],
  ['an empty header', '127.0.0.1', ' , ', '127.0.0.1'],
]

for (const [what, trusted, forwarded, caller] of chains)
  test(`${what}: ${forwarded} is ${caller}`, async () =>
    assert.equal(await callerBehind(trusted, forwarded), caller))
