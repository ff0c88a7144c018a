/** `spoke key-ring`: shows which key seals what, and reseals everything under the newest. */
import type { Command } from 'commander'
import { withCommandDatabase } from '../app/open.ts'
import { requireMatchingKeyRing } from '../app/preflight.ts'
import { newestKey } from '../lib/seal.ts'
import { type KeyRingStatus, keyRingFaults, keyRingStatus, rotateKeyRing } from '../tenants/key-ring.ts'
import { runAuditedCommand } from './audited-command.ts'
import { commandLog, printNotice, readCommandConfig } from './console.ts'

export function addKeyRingCommands(program: Command): void {
  const keyRing = program
    .command('key-ring')
    .description("the keys of SPOKE_ENCRYPTION_KEYS, which seal the tenants' data keys")

  keyRing
    .command('status')
    .description(
      "count the tenants' data keys by the key that seals them; exit 1 when the ring does not match the database",
    )
    .option('--json', 'print the counts as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const read = readCommandConfig()
      await withCommandDatabase(read, commandLog(), async (db) => {
        const status = await keyRingStatus(db, read.keyRing)
        const faults = await keyRingFaults(db, read.keyRing)
        console.log(json ? JSON.stringify({ ...status, faults }) : shown(status))
        if (!json) for (const fault of faults) printNotice(`spoke: ${fault}`)
        if (faults.length > 0) process.exitCode = 1
      })
    })

  keyRing
    .command('rotate')
    .description(
      "reseal every tenant's data key under the newest key; can run beside the service, and can be killed and run again",
    )
    .option('--json', 'print the outcome as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const read = readCommandConfig()
      await withCommandDatabase(read, commandLog(), async (db) => {
        await requireMatchingKeyRing(db, read)
        const onProgress = (resealed: number) => json || printNotice(`${resealed} resealed`)
        const audit = { db, ring: read.keyRing }
        const target = { target: `key:${newestKey(read.keyRing).kid}` }
        const rotate = () => rotateKeyRing(db, read.keyRing, onProgress)
        const done = await runAuditedCommand(audit, 'key-ring.rotate', target, rotate)
        const { newest, resealed, failed, left } = done
        if (json) console.log(JSON.stringify(done))
        else console.log(`${resealed} data keys resealed under "${newest}"; ${left} left under other keys`)
        if (!json)
          for (const { tenant_id, error } of failed) printNotice(`spoke: tenant ${tenant_id}: ${error}`)
        if (left > 0) process.exitCode = 1
      })
    })
}

function shown({ ring, missing }: KeyRingStatus): string {
  const line = (kid: string, tenants: number, what: string) => `${kid}\t${tenants} tenants\t${what}`
  return [
    ...ring.map(({ kid, newest, tenants }) =>
      line(kid, tenants, newest ? 'newest: seals' : tenants > 0 ? 'opens' : 'seals nothing: can be removed'),
    ),
    ...missing.map(({ kid, tenants }) => line(kid, tenants, 'NOT IN THE RING')),
  ].join('\n')
}
