/** Where we may send to: a tenant chooses the address, so it must not lead into the house that we stand in. */
import { BlockList, isIP } from 'node:net'

/** Not reachable by everybody: loopback, private, link local (and the clouds' metadata on it), shared, reserved, multicast. */
const closed = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  // Azure's own, within every machine of it.
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

/** Of IPv6 only what is given out to be reached by everybody, less what holds an IPv4 address or is for something else. */
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

/** Whether the address is reachable by everybody. Anything that is no IP address is not. */
export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  if (family === 4) return !closed.check(address, 'ipv4')
  // A zone leads to a link of ours; mapped addresses (::ffff:a.b.c.d) are not in 2000::/3.
  return !address.includes('%') && open6.check(address, 'ipv6') && !closed6.check(address, 'ipv6')
}

const longest = 2_000

/**
 * Whether a tenant's URL may be sent to, as far as the text says. What its name resolves to is checked again when connecting.
 *
 * @param allowPrivate for developers: any http(s) URL
 * @returns what is wrong, in words for the caller; undefined when nothing is
 */
export function urlFault(text: string, allowPrivate: boolean): string | undefined {
  if (text.length > longest) return `must have at most ${longest} characters`
  const url = URL.parse(text)
  if (!url) return 'must be a URL'
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:'))
    return 'must begin with https://'
  if (url.username !== '' || url.password !== '') return 'must not hold a login'
  if (url.hash !== '') return 'must not have a fragment'
  if (allowPrivate) return undefined
  if (url.port !== '') return 'must use port 443'
  // URL has written 0x7f.1, 017700000001 and ①②⑦.0.0.1 as 127.0.0.1 by now.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (isIP(host)) return isPublic(host) ? undefined : 'must not be an address of a private network'
  const name = host.split('.')
  const inner =
    name.length < 2 ||
    ['localhost', 'local', 'internal', 'intranet', 'lan', 'home', 'corp'].includes(name.at(-1) ?? '')
  return inner || host.endsWith('.home.arpa') ? 'must be a name that everybody can resolve' : undefined
}
