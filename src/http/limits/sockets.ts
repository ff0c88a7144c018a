/**
 * Limits the connections of a process and of an address.
 *
 * To make room it closes connections that are idle or have not sent a complete request head.
 */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { BlockList, isIP, type Socket } from 'node:net'
import { rateLimitAddress, readAddress } from './client-address.ts'

export interface SocketLimits {
  /** Connections of this process. */
  max: number
  /**
   * Connections of one address. A trusted proxy's connections carry many callers, so only `max`
   * limits them.
   */
  ofOneAddress: number
  /**
   * Idle connections of one address that stay open. A response beyond this limit sends `connection:
   * close`.
   */
  idleOfOneAddress: number
}

export interface Sockets {
  /** Call before each response. @returns false: the connection must be closed after it */
  mayStay(socket: Socket): boolean
}

interface Peer {
  socket: Socket
  /** undefined: a trusted proxy. */
  address: string | undefined
  /** Monotonic, ms: when it connected, or when its last response ended. */
  since: number
  /** Counted as one of its address's idle connections that stay open. */
  stays: boolean
}

/** A client that sends a request head in one piece needs no longer than this, ms. */
const unfinishedMs = 250
const idleShare = 100
/**
 * Reserved for files other than callers' connections: the database, HubSpot, logs, the embedded
 * database.
 */
const otherFiles = 160

/** @param files how many files this process may open; undefined: unlimited */
export function socketLimits(load: { requests: number; streams: number }, files?: number): SocketLimits {
  const wanted = Math.max(256, 2 * (load.requests + load.streams))
  const max = Math.max(64, Math.min(wanted, files === undefined ? wanted : files - otherFiles))
  return {
    max,
    ofOneAddress: Math.ceil(max / 2),
    idleOfOneAddress: Math.min(idleShare, Math.ceil(max / 8)),
  }
}

/**
 * How many files this process may open, on Linux. (Node raises the soft limit to the hard limit.)
 */
export function maxOpenFiles(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/**
 * Limits the connections of a server from now on. A new connection is refused only when all others
 * are busy, so idle connections cannot lock anyone out.
 *
 * @param trusted addresses and networks, in the form of SPOKE_TRUSTED_PROXIES
 * @param now monotonic, ms
 * @param onClosed called for each connection that was closed to stay within a limit
 */
export function limitSockets(
  server: Server,
  limits: SocketLimits,
  options: { trusted: readonly string[]; now: () => number; onClosed: () => void },
): Sockets {
  const { now, onClosed } = options
  const isTrusted = matcherOf(options.trusted)
  const peers = new Map<Socket, Peer>()
  /** Connections that have not sent a request yet, oldest first. */
  const withoutRequest = new Set<Peer>()
  const idle = new Set<Peer>()
  const open = new Map<string, number>()
  const staying = new Map<string, number>()

  function setBusy(peer: Peer): void {
    withoutRequest.delete(peer)
    idle.delete(peer)
    if (peer.stays && peer.address !== undefined) add(staying, peer.address, -1)
    peer.stays = false
  }

  function mayStay(peer: Peer): boolean {
    const { address } = peer
    if (peer.stays || address === undefined) return true
    if (of(staying, address) >= limits.idleOfOneAddress) return false
    peer.stays = true
    add(staying, address, 1)
    return true
  }

  function removePeer(peer: Peer): void {
    setBusy(peer)
    if (peers.delete(peer.socket) && peer.address !== undefined) add(open, peer.address, -1)
  }

  /** @param address absent: any address */
  function closeOne(address?: string): boolean {
    const fits = (peer: Peer) => address === undefined || peer.address === address
    const peer =
      firstOf(idle, fits) ?? firstOf(withoutRequest, (one) => fits(one) && now() - one.since >= unfinishedMs)
    if (!peer) return false
    removePeer(peer)
    peer.socket.destroy()
    onClosed()
    return true
  }

  function hasRoom(address: string | undefined): boolean {
    if (address !== undefined && of(open, address) >= limits.ofOneAddress && !closeOne(address)) return false
    return peers.size < limits.max || closeOne()
  }

  server.on('connection', (socket: Socket) => {
    const from = readAddress(socket.remoteAddress)
    const address = from === undefined || isTrusted(from) ? undefined : rateLimitAddress(from)
    if (!hasRoom(address)) {
      socket.destroy()
      return onClosed()
    }
    const peer: Peer = { socket, address, since: now(), stays: false }
    peers.set(socket, peer)
    if (address !== undefined) add(open, address, 1)
    withoutRequest.add(peer)
    socket.once('close', () => removePeer(peer))
  })

  // Must run before the server's own listener, which may respond at once.
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const peer = peers.get(socket)
    if (!peer) return
    setBusy(peer)
    response.once('close', () => {
      if (!peers.has(socket)) return
      // A stream skips the check before the response and always sends `connection: close`.
      if (!mayStay(peer)) return void socket.end()
      peer.since = now()
      idle.add(peer)
    })
  })

  return {
    mayStay(socket) {
      const peer = peers.get(socket)
      return !peer || mayStay(peer)
    },
  }
}

const of = (counts: Map<string, number>, name: string) => counts.get(name) ?? 0

function add(counts: Map<string, number>, name: string, more: number): void {
  const count = of(counts, name) + more
  if (count > 0) counts.set(name, count)
  else counts.delete(name)
}

function firstOf(peers: Iterable<Peer>, fits: (peer: Peer) => boolean): Peer | undefined {
  for (const peer of peers) if (fits(peer)) return peer
  return undefined
}

function matcherOf(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
