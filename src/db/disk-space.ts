/**
 * Whether the database has room on its disk. PGlite on a full disk never comes back from a write, so nothing may be stored once
 * there is less than a margin left; a PostgreSQL server refuses what it has no room for, and is believed for a while.
 */
import { statfsSync } from 'node:fs'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { DatabaseStartError } from './reach.ts'

/** Nothing is stored, because there is no room. The code is PostgreSQL's disk_full. */
export class DiskFullError extends Error {
  override name = 'DiskFullError' as const
  readonly code = '53100'

  constructor() {
    super('the disk of the database has less room than SPOKE_MIN_FREE_DISK')
  }
}

export interface DiskSpace {
  /** Looks now, where that is possible. @returns whether nothing may be stored */
  check(): boolean
  /** PostgreSQL has just said so. */
  noteFull(): void
  /** Aborts as soon as there is no room; another one each time. */
  untilFull(): AbortSignal
  /** Resolves when there is room, or the signal aborts. */
  room(signal: AbortSignal): Promise<void>
  stop(): void
}

const never = new AbortController().signal
const checkEveryMs = 500
/** So long a server that has no room is not asked to prove the opposite. */
const believedMs = 5_000
/** What an empty embedded database takes. */
const newDatabaseBytes = 40 * 2 ** 20

export const freeBytes = (dir: string): number => {
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize
}

const mib = (bytes: number) => Math.floor(bytes / 2 ** 20)

/** Of a server's disk nobody knows more than that a statement found no room on it just now. */
export function createServerDisk(clock: Clock): DiskSpace {
  let believedUntil = Number.NEGATIVE_INFINITY
  return {
    check: () => clock.monotonic() < believedUntil,
    noteFull() {
      believedUntil = clock.monotonic() + believedMs
    },
    untilFull: () => never,
    room: async () => {},
    stop() {},
  }
}

interface DiskSpaceParts {
  dir: string
  minFreeBytes: number
  log: Log
  clock: Clock
}

/** The disk that `dir` is on. */
export function createDiskSpace({ dir, minFreeBytes, log, clock }: DiskSpaceParts): DiskSpace {
  let isFull = false
  let believedUntil = Number.NEGATIVE_INFINITY
  let full = new AbortController()
  const waiting: (() => void)[] = []

  /** A little more than the margin is asked for before work begins again, so that it does not come and go. */
  const lacksRoom = (free: number) => free < minFreeBytes + (isFull ? minFreeBytes / 8 : 0)

  let unreadable = false

  /** A file system that does not answer leaves what was known: its next write says more. */
  function check(): boolean {
    let free: number
    try {
      free = freeBytes(dir)
      unreadable = false
    } catch (err) {
      if (!unreadable) log.warn({ err, dir }, 'the free room of the disk cannot be read')
      unreadable = true
      return isFull
    }
    const now = clock.monotonic() < believedUntil || lacksRoom(free)
    if (now !== isFull) turn(now, free)
    return isFull
  }

  function turn(now: boolean, free: number): void {
    isFull = now
    const facts = { free_mib: mib(free), min_free_mib: mib(minFreeBytes) }
    if (isFull) {
      log.error(facts, 'the disk of the database is full; nothing is stored until there is room')
      full.abort(new DiskFullError())
      return
    }
    log.info(facts, 'the disk of the database has room again')
    full = new AbortController()
    for (const resume of waiting.splice(0)) resume()
  }

  const timer = setInterval(check, checkEveryMs).unref()
  check()
  return {
    check,
    noteFull() {
      believedUntil = clock.monotonic() + believedMs
      check()
    },
    untilFull: () => full.signal,
    room(signal) {
      return new Promise((resolve) => {
        if (!isFull || signal.aborted) return resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
        waiting.push(resolve)
      })
    },
    stop: () => clearInterval(timer),
  }
}

interface Place {
  dir: string
  minFreeBytes: number
  /** Nothing is there yet. */
  isNew: boolean
  waitMs: number
}

const betweenLinesMs = 5_000
const betweenLooksMs = 500

/**
 * Opening writes too (a checkpoint, and whatever was under way when the process ended), so it is not begun without room.
 *
 * @throws DatabaseStartError when there is none after `waitMs`
 */
export async function waitForRoom(place: Place, clock: Clock, log: Log): Promise<void> {
  const { dir, minFreeBytes, isNew, waitMs } = place
  if (minFreeBytes === 0) return
  const needed = minFreeBytes + (isNew ? newDatabaseBytes : 0)
  const began = clock.monotonic()
  let nextLineAt = began
  for (;;) {
    const free = freeBytes(dir)
    if (free >= needed) return
    const now = clock.monotonic()
    const leftMs = began + waitMs - now
    const facts = { dir, free_mib: mib(free), needed_mib: mib(needed) }
    if (leftMs <= 0)
      throw new DatabaseStartError(
        `the disk of ${dir} (SPOKE_DATA_DIR) has ${facts.free_mib} MiB free, and ${facts.needed_mib} MiB are needed to start; make room, or lower SPOKE_MIN_FREE_DISK`,
      )
    if (now >= nextLineAt) {
      nextLineAt = now + betweenLinesMs
      log.warn({ ...facts, seconds_left: Math.ceil(leftMs / 1_000) }, 'the disk is full; waiting for room')
    }
    await clock.sleep(Math.min(betweenLooksMs, leftMs), never)
  }
}
