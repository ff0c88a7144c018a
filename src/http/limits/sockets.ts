/** How many connections a process and an address may have. What is closed for a newer one is idle, or has sent no whole head. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { BlockList, isIP, type Socket } from 'node:net'
import { limitedAs, readAddress } from './client-address.ts'

export interface SocketLimits {
  /** Connections of this process. */
  most: number
  /** Of one address; those of a trusted proxy are everybody's and count only in all. */
  ofOneAddress: number
  /** Kept open without a request, of one address: an answer beyond it says `connection: close`. */
  idleOfOneAddress: number
}

export interface Sockets {
  /** Called before each answer. @returns false: the connection is to be closed behind it */
  mayStay(socket: Socket): boolean
}

interface Peer {
  socket: Socket
  /** undefined: a trusted proxy. */
  address: string | undefined
  /** Monotonic, ms: when it connected, or when its last answer was out. */
  since: number
  /** Counted among those of its address that stay open without a request. */
  stays: boolean
}

/** Sends the head of a request in one go and needs no longer for it, ms. */
const silentMs = 250
const idleShare = 100
/** Files that are no connections of callers: the database, HubSpot, logs, the embedded database. */
const otherFiles = 160

/** @param files how many this process may have open; undefined: as many as it likes */
export function socketLimits(load: { requests: number; streams: number }, files?: number): SocketLimits {
  const wanted = Math.max(256, 2 * (load.requests + load.streams))
  const most = Math.max(64, Math.min(wanted, files === undefined ? wanted : files - otherFiles))
  return {
    most,
    ofOneAddress: Math.ceil(most / 2),
    idleOfOneAddress: Math.min(idleShare, Math.ceil(most / 8)),
  }
}

/** How many files this process may have open, on Linux. (Node has raised the soft limit to the hard one.) */
export function openFiles(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/**
 * Bounds the connections of a server from now on. A new connection is refused only where all others are busy: nobody is kept out by
 * connections that do nothing.
 *
 * @param trusted addresses and networks, as SPOKE_TRUSTED_PROXIES has them
 * @param now monotonic, ms
 * @param onClosed called for each connection that was closed to stay within a limit
 */
export function limitSockets(
  server: Server,
  limits: SocketLimits,
  parts: { trusted: readonly string[]; now: () => number; onClosed: () => void },
): Sockets {
  const { now, onClosed } = parts
  const isTrusted = matcherOf(parts.trusted)
  const peers = new Map<Socket, Peer>()
  /** Those without a request under way, the longest first. */
  const silent = new Set<Peer>()
  const idle = new Set<Peer>()
  const open = new Map<string, number>()
  const staying = new Map<string, number>()

  function setBusy(peer: Peer): void {
    silent.delete(peer)
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

  function forget(peer: Peer): void {
    setBusy(peer)
    if (peers.delete(peer.socket) && peer.address !== undefined) add(open, peer.address, -1)
  }

  /** @param address absent: of any */
  function closeOne(address?: string): boolean {
    const fits = (peer: Peer) => address === undefined || peer.address === address
    const peer = firstOf(idle, fits) ?? firstOf(silent, (one) => fits(one) && now() - one.since >= silentMs)
    if (!peer) return false
    forget(peer)
    peer.socket.destroy()
    onClosed()
    return true
  }

  function hasRoom(address: string | undefined): boolean {
    if (address !== undefined && of(open, address) >= limits.ofOneAddress && !closeOne(address)) return false
    return peers.size < limits.most || closeOne()
  }

  server.on('connection', (socket: Socket) => {
    const from = readAddress(socket.remoteAddress)
    const address = from === undefined || isTrusted(from) ? undefined : limitedAs(from)
    if (!hasRoom(address)) {
      socket.destroy()
      return onClosed()
    }
    const peer: Peer = { socket, address, since: now(), stays: false }
    peers.set(socket, peer)
    if (address !== undefined) add(open, address, 1)
    silent.add(peer)
    socket.once('close', () => forget(peer))
  })

  // Before the server's own listener, which may answer at once.
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const peer = peers.get(socket)
    if (!peer) return
    setBusy(peer)
    response.once('close', () => {
      if (!peers.has(socket)) return
      // A stream has asked nobody, and says `connection: close`.
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
