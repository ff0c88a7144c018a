/** PGlite: PostgreSQL in this process, with its files in a directory, or in memory. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect, type RawBuilder } from 'kysely'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { makePrivate } from '../lib/private-directory.ts'
import { type Database, type DatabaseTarget, parsers } from './database.ts'
import { databaseErrorReason } from './database-errors.ts'
import { LockedError, lockDirectory } from './directory-lock.ts'
import { createDiskSpace, type DiskSpace, waitForDiskSpace } from './disk-space.ts'
import { createCluster, emptyCluster } from './empty-cluster.ts'
import { DatabaseStartError } from './wait-for-postgres.ts'

/**
 * @throws LockedError when another process has locked the directory
 * @throws DatabaseStartError when the database cannot be used
 */
export async function openEmbedded(
  { dataDir, waitMs = 0, minFreeBytes = 0 }: DatabaseTarget,
  log: Log,
  clock: Clock,
): Promise<Database> {
  const unusable = (cause: unknown) =>
    new DatabaseStartError(
      `cannot use the data directory ${dataDir} (SPOKE_DATA_DIR): ${databaseErrorReason(cause)}`,
      { cause },
    )
  let lock: ReturnType<typeof lockDirectory>
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    makePrivate(dataDir, (dir, mode) => log.info({ dir, mode }, 'closed the data directory to other users'))
    lock = lockDirectory(dataDir)
  } catch (error) {
    throw error instanceof LockedError ? error : unusable(error)
  }
  const files = join(dataDir, 'pg')
  const place = { dir: dataDir, minFreeBytes }
  try {
    await waitForDiskSpace({ ...place, isNew: !existsSync(files), waitMs }, clock, log)
    const disk = createDiskSpace({ ...place, log, clock })
    try {
      await createCluster(files)
      return await openPglite({ dataDir: files }, disk, () => {
        disk.stop()
        lock.release()
      })
    } catch (error) {
      disk.stop()
      throw unusable(error)
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** An empty database in the memory of this process, gone when it is closed. */
export const openInMemory = async (): Promise<Database> =>
  await openPglite({ loadDataDir: await emptyCluster() }, undefined, () => {})

/** Keeps a leading U+FEFF, which a TextDecoder drops as a byte order mark by default. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const decodeWhole = decoder.decode.bind(decoder)

/**
 * PGlite decodes values with a TextDecoder of its own that cannot be configured. It does so
 * synchronously while a statement runs, so the prototype is patched for that time only.
 */
class WholeTextPglite extends PGlite {
  override execProtocolRawSync(message: Uint8Array): Uint8Array {
    const { decode } = TextDecoder.prototype
    TextDecoder.prototype.decode = decodeWhole
    try {
      return super.execProtocolRawSync(message)
    } finally {
      TextDecoder.prototype.decode = decode
    }
  }
}

async function openPglite(
  place: { dataDir: string } | { loadDataDir: Blob },
  disk: DiskSpace | undefined,
  closed: () => void,
): Promise<Database> {
  const pglite = new WholeTextPglite({ ...place, parsers })
  await pglite.waitReady
  const kysely: Database['kysely'] = new Kysely({ dialect: new PGliteDialect({ pglite }) })
  return {
    kind: 'embedded',
    kysely,
    ...(disk ? { disk } : {}),
    transaction: async (opening, work) =>
      await pglite.transaction(async (transaction) => {
        await transaction.exec(opening.join(';'))
        return await work(async <Row>(statement: RawBuilder<Row>) => {
          const { sql: text, parameters } = statement.compile(kysely)
          return (await transaction.query<Row>(text, [...parameters])).rows
        })
      }),
    close: async () => {
      await pglite.close()
      closed()
    },
  }
}
