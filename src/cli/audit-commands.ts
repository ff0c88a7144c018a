/** `spoke audit`: does each chain hold together, and what is a tenant called in the operator's. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import type { z } from 'zod'
import { besideService } from '../app/open.ts'
import { StartError } from '../app/preflight.ts'
import { type Head, headFault, verifyChains } from '../audit/chain.ts'
import type { Verdict } from '../audit/event.ts'
import { pseudonymsOf } from '../audit/pseudonym.ts'
import type { auditEvent } from '../audit/schema.ts'
import type { Database } from '../db/database.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { ask } from './ask.ts'
import { commandLog, config, say } from './console.ts'

export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description('the audit log: one chain per tenant, and the operator’s')

  audit
    .command('verify')
    .description(
      'walk every chain and print its head; exit 1 and the first broken place where one does not hold, or lacks its oldest events',
    )
    .option('--heads <file>', 'what an earlier `verify --json` printed: those heads must still stand')
    .option('--json', 'print one JSON object a chain and line')
    .action(async ({ heads, json }: { heads?: string; json?: boolean }) => {
      const read = config()
      await besideService(read, commandLog(), async (db) => {
        const { chains, events, faults, cuts } = await printVerdicts(db, json === true)
        const gone = heads === undefined ? 0 : await checkHeads(db, heads, cuts)
        for (const [chain, { from }] of cuts) say(`spoke: ${chain}: the events before event ${from} are gone`)
        const broken = faults + gone + cuts.size
        if (!json) console.log(`${chains} chains, ${events} events, ${broken} broken`)
        if (broken > 0) process.exitCode = 1
      })
    })

  audit
    .command('list')
    .description('the last events of a tenant, or of the operator’s chain, newest first')
    .argument('[tenant_id]')
    .option('--limit <count>', 'how many, up to 500', '100')
    .option('--json', 'print the answer as JSON')
    .action(async (tenantId: string | undefined, { limit, json }: { limit: string; json?: boolean }) => {
      const path =
        tenantId === undefined ? '/api/audit' : `/api/tenants/${encodeURIComponent(tenantId)}/audit`
      const page = await ask('GET', `${path}?limit=${encodeURIComponent(limit)}`)
      if (json) return console.log(JSON.stringify(page))
      for (const one of page.events as z.infer<typeof auditEvent>[])
        console.log(
          [one.seq, one.at, one.actor, one.action, one.target ?? '-', one.phase, one.result ?? '-'].join(
            '\t',
          ),
        )
    })

  audit
    .command('names <tenant_id>')
    .description(
      'what the operator’s chain calls a tenant that is not there: one name for each key of the ring',
    )
    .action((tenantId: string) => {
      for (const name of pseudonymsOf(config().keyRing, parseTenantId(tenantId))) console.log(name)
    })
}

/** Chains that lack their oldest events, and what the first that is there follows. */
type Cuts = Map<string, { from: number; follows: string }>

async function printVerdicts(db: Database, json: boolean) {
  const cuts: Cuts = new Map()
  const sum = { chains: 0, events: 0, faults: 0, cuts }
  for await (const verdict of verifyChains(db)) {
    sum.chains += 1
    sum.events += verdict.events
    const { chain, from, follows } = verdict
    if (verdict.fault !== undefined) sum.faults += 1
    else if (from !== null && from > 1) cuts.set(chain, { from, follows })
    if (json) console.log(JSON.stringify(verdict))
    else if (verdict.events > 0 || verdict.fault !== undefined) console.log(shown(verdict))
  }
  return sum
}

function shown({ chain, from, seq, head, fault }: Verdict): string {
  if (fault !== undefined) return `${chain}\tBROKEN: ${fault}`
  const began =
    from === 1 ? '' : `\twhat stood before event ${from} is gone, and event ${from} is taken at its word`
  return `${chain}\tholds up to event ${seq}\t${head}${began}`
}

/**
 * A noted head right before the oldest event explains a cut, which is then taken from `cuts`: what was verified up to there may be
 * deleted by the owner.
 *
 * @returns how many heads no longer stand
 */
async function checkHeads(db: Database, file: string, cuts: Cuts): Promise<number> {
  let gone = 0
  let line = 0
  for await (const text of createInterface({ input: createReadStream(file) })) {
    line += 1
    if (text.trim() === '') continue
    const head = headIn(text)
    if (!head) throw new StartError(`${file}, line ${line}: not what \`spoke audit verify --json\` prints`)
    const cut = cuts.get(head.chain)
    if (cut && head.seq === cut.from - 1 && head.head === cut.follows) {
      cuts.delete(head.chain)
      continue
    }
    const fault = await headFault(db, head)
    if (fault === undefined) continue
    gone += 1
    say(`spoke: ${head.chain}: ${fault}`)
  }
  return gone
}

function headIn(text: string): Head | undefined {
  try {
    const { chain, seq, head } = JSON.parse(text) as Head
    const good = typeof chain === 'string' && Number.isSafeInteger(seq) && /^[0-9a-f]{64}$/.test(head)
    return good ? { chain, seq, head } : undefined
  } catch {
    return undefined
  }
}
