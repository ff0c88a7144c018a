/** Normalizes the address that a request comes from, and groups addresses for rate limits. */
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * The caller's address, for logs and limits: the peer's, or the one that trusted proxies report.
 * Only a valid address is returned, because a proxy may pass on arbitrary text. Undefined when the
 * caller is gone.
 */
export function callerAddress(request: FastifyRequest): string | undefined {
  return readAddress(request.ip) ?? readAddress(request.raw.socket.remoteAddress)
}

/**
 * @returns IPv4 also where it is written as IPv6, without a port or a zone; undefined for anything
 *   else
 */
export function readAddress(text: string | undefined): string | undefined {
  if (text === undefined || text.length > 64) return undefined
  const [, bare = text] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? /^([\d.]+):\d{1,5}$/.exec(text) ?? []
  const address = bare.replace(/%.*$/, '')
  if (isIP(address) === 4) return address
  if (isIP(address) !== 6) return undefined
  const groups = groupsOf(address)
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  return mapped
    ? groups
        .slice(6)
        .flatMap((group) => [group >> 8, group & 255])
        .join('.')
    : address
}

/** One caller usually has a whole IPv6 /64 to choose from, so a /64 counts as one caller. */
export function rateLimitAddress(address: string): string {
  if (isIP(address) !== 6) return address
  const network = groupsOf(address).slice(0, 4)
  return `${network.map((group) => group.toString(16)).join(':')}::/64`
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [, v4] = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? []
  const bytes = v4?.split('.').map(Number)
  const hex = bytes
    ? address.replace(/\d+\.\d+\.\d+\.\d+$/, `${pair(bytes[0], bytes[1])}:${pair(bytes[2], bytes[3])}`)
    : address
  const [head = '', tail] = hex.split('::')
  const read = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  if (tail === undefined) return read(head)
  const gap = 8 - read(head).length - read(tail).length
  return [...read(head), ...Array.from({ length: gap }, () => 0), ...read(tail)]
}

const pair = (high = 0, low = 0) => ((high << 8) | low).toString(16)
