/**
 * Tracks whether the database has room on its disk. PGlite never recovers from a write to a full
 * disk, so writes stop while less than a margin is free. A PostgreSQL server rejects a write it has
 * no room for, and is then treated as full for a while.
 */
import { statfsSync } from 'node:fs'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { DatabaseStartError } from './wait-for-postgres.ts'

/** Writes are refused because the disk is full. The code is PostgreSQL's disk_full. */
export class DiskFullError extends Error {
  override name = 'DiskFullError' as const
  readonly code = '53100'

  constructor() {
    super('the database disk has less free space than SPOKE_MIN_FREE_DISK')
  }
}

export interface DiskSpace {
  /**
   * Checks now, if possible.
   *
   * @returns whether writes are refused
   */
  check(): boolean
  /** Records that PostgreSQL just reported a full disk. */
  noteFull(): void
  /** Aborts as soon as the disk is full. Each time it fills up has its own signal. */
  untilFull(): AbortSignal
  /** Resolves when there is room, or when the signal aborts. */
  untilFree(signal: AbortSignal): Promise<void>
  stop(): void
}

const never = new AbortController().signal
const checkEveryMs = 500
/** How long a server that reported a full disk is treated as full. */
const assumedFullMs = 5_000
/** The size of an empty embedded database. */
const newDatabaseBytes = 40 * 2 ** 20

export const freeBytes = (dir: string): number => {
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize
}

const mib = (bytes: number) => Math.floor(bytes / 2 ** 20)

/**
 * For a server, whose disk cannot be inspected: full for a while after a statement found no room.
 */
export function createServerDisk(clock: Clock): DiskSpace {
  let fullUntil = Number.NEGATIVE_INFINITY
  return {
    check: () => clock.monotonic() < fullUntil,
    noteFull() {
      fullUntil = clock.monotonic() + assumedFullMs
    },
    untilFull: () => never,
    untilFree: async () => {},
    stop() {},
  }
}

interface DiskSpaceOptions {
  dir: string
  minFreeBytes: number
  log: Log
  clock: Clock
}

/** The disk that `dir` is on. */
export function createDiskSpace({ dir, minFreeBytes, log, clock }: DiskSpaceOptions): DiskSpace {
  let isFull = false
  let fullUntil = Number.NEGATIVE_INFINITY
  let full = new AbortController()
  const waiting: (() => void)[] = []

  /**
   * After the disk was full, work resumes only with some extra free space, so that it does not
   * flap.
   */
  const isBelowMinimum = (free: number) => free < minFreeBytes + (isFull ? minFreeBytes / 8 : 0)

  let unreadable = false

  /** If the file system cannot be read, the last known state stays; the next write shows more. */
  function check(): boolean {
    let free: number
    try {
      free = freeBytes(dir)
      unreadable = false
    } catch (err) {
      if (!unreadable) log.warn({ err, dir }, 'the free space of the disk cannot be read')
      unreadable = true
      return isFull
    }
    const now = clock.monotonic() < fullUntil || isBelowMinimum(free)
    if (now !== isFull) setFull(now, free)
    return isFull
  }

  function setFull(now: boolean, free: number): void {
    isFull = now
    const facts = { free_mib: mib(free), min_free_mib: mib(minFreeBytes) }
    if (isFull) {
      log.error(facts, 'the database disk is full; nothing is stored until there is free space')
      full.abort(new DiskFullError())
      return
    }
    log.info(facts, 'the database disk has free space again')
    full = new AbortController()
    for (const resume of waiting.splice(0)) resume()
  }

  const timer = setInterval(check, checkEveryMs).unref()
  check()
  return {
    check,
    noteFull() {
      fullUntil = clock.monotonic() + assumedFullMs
      check()
    },
    untilFull: () => full.signal,
    untilFree(signal) {
      return new Promise((resolve) => {
        if (!isFull || signal.aborted) return resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
        waiting.push(resolve)
      })
    },
    stop: () => clearInterval(timer),
  }
}

interface DiskRequirements {
  dir: string
  minFreeBytes: number
  /** The database has not been created yet. */
  isNew: boolean
  waitMs: number
}

const betweenLinesMs = 5_000
const recheckMs = 500

/**
 * Waits for disk space before the embedded database is opened, because opening also writes (a
 * checkpoint, and recovery of what was in progress when the process ended).
 *
 * @throws DatabaseStartError when there is not enough after `waitMs`
 */
export async function waitForDiskSpace(
  requirements: DiskRequirements,
  clock: Clock,
  log: Log,
): Promise<void> {
  const { dir, minFreeBytes, isNew, waitMs } = requirements
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
        `the disk of ${dir} (SPOKE_DATA_DIR) has ${facts.free_mib} MiB free, but ${facts.needed_mib} MiB are needed to start; free some space, or lower SPOKE_MIN_FREE_DISK`,
      )
    if (now >= nextLineAt) {
      nextLineAt = now + betweenLinesMs
      log.warn(
        { ...facts, seconds_left: Math.ceil(leftMs / 1_000) },
        'the disk is full; waiting for free space',
      )
    }
    await clock.sleep(Math.min(recheckMs, leftMs), never)
  }
}
