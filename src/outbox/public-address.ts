/**
 * Decides where webhooks may be sent: a tenant chooses the address, so it must not reach our own
 * network.
 */
import { BlockList, isIP } from 'node:net'

/**
 * Not publicly reachable: loopback, private, link local (including cloud metadata), shared,
 * reserved, multicast.
 */
const closed = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  // Azure's own, within each of its machines.
  ['168.63.129.16', 32],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  closed.addSubnet(network, bits, 'ipv4')

/**
 * For IPv6 only ranges assigned for public use, except those that embed an IPv4 address or serve
 * another purpose.
 */
const open6 = new BlockList()
open6.addSubnet('2000::', 3, 'ipv6')
const closed6 = new BlockList()
for (const [network, bits] of [
  // Teredo, benchmarks, ORCHID and the like; documentation; 6to4; segment routing.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const)
  closed6.addSubnet(network, bits, 'ipv6')

/** Whether the address is publicly reachable. Anything that is not an IP address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  if (family === 4) return !closed.check(address, 'ipv4')
  // A zone selects one of our local links; mapped addresses (::ffff:a.b.c.d) are not in 2000::/3.
  return !address.includes('%') && open6.check(address, 'ipv6') && !closed6.check(address, 'ipv6')
}

const maxUrlLength = 2_000

/**
 * Whether a tenant's URL is permitted, as far as its text shows. The resolved address is checked
 * again when connecting.
 *
 * @param allowPrivate for developers: any http(s) URL
 * @returns what is wrong, in words for the caller; undefined when nothing is
 */
export function endpointUrlFault(text: string, allowPrivate: boolean): string | undefined {
  if (text.length > maxUrlLength) return `must have at most ${maxUrlLength} characters`
  const url = URL.parse(text)
  if (!url) return 'must be a URL'
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:'))
    return 'must begin with https://'
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password'
  if (url.hash !== '') return 'must not have a fragment'
  if (allowPrivate) return undefined
  if (url.port !== '') return 'must use port 443'
  // URL has already normalized 0x7f.1, 017700000001 and ①②⑦.0.0.1 to 127.0.0.1.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (isIP(host)) return isPublicAddress(host) ? undefined : 'must not have a private network address'
  const name = host.split('.')
  const inner =
    name.length < 2 ||
    ['localhost', 'local', 'internal', 'intranet', 'lan', 'home', 'corp'].includes(name.at(-1) ?? '')
  return inner || host.endsWith('.home.arpa') ? 'must have a publicly resolvable host name' : undefined
}
