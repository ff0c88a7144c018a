/**
 * `spoke audit`: verify the chains, list events, and show a tenant's names in the operator's chain.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import type { z } from 'zod'
import { withCommandDatabase } from '../app/open.ts'
import { StartError } from '../app/preflight.ts'
import { type ChainHead, chainHeadFault, verifyChains } from '../audit/chain.ts'
import type { ChainState } from '../audit/event.ts'
import type { auditEvent } from '../audit/schema.ts'
import { tenantHashes } from '../audit/tenant-hash.ts'
import type { Database } from '../db/database.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { commandLog, printNotice, readCommandConfig } from './console.ts'
import { requestAsOperator } from './operator-request.ts'

export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description('the audit log: one chain per tenant, and one for the operator')

  audit
    .command('verify')
    .description(
      'verify every chain and print its head; if one is broken or lacks its oldest events, print the first broken place and exit 1',
    )
    .option('--heads <file>', 'the output of an earlier `verify --json`: those heads must still match')
    .option('--json', 'print one JSON object per chain, each on its own line')
    .action(async ({ heads, json }: { heads?: string; json?: boolean }) => {
      const read = readCommandConfig()
      await withCommandDatabase(read, commandLog(), async (db) => {
        const { chains, events, faults, cuts } = await printVerification(db, json === true)
        const gone = heads === undefined ? 0 : await checkHeads(db, heads, cuts)
        for (const [chain, { from }] of cuts)
          printNotice(`spoke: ${chain}: the events before event ${from} are gone`)
        const broken = faults + gone + cuts.size
        if (!json) console.log(`${chains} chains, ${events} events, ${broken} broken`)
        if (broken > 0) process.exitCode = 1
      })
    })

  audit
    .command('list')
    .description('list the latest events of a tenant, or of the operator’s chain, newest first')
    .argument('[tenant_id]')
    .option('--limit <count>', 'how many, up to 500', '100')
    .option('--json', 'print the response as JSON')
    .action(async (tenantId: string | undefined, { limit, json }: { limit: string; json?: boolean }) => {
      const path =
        tenantId === undefined ? '/api/audit' : `/api/tenants/${encodeURIComponent(tenantId)}/audit`
      const page = await requestAsOperator('GET', `${path}?limit=${encodeURIComponent(limit)}`)
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
      'print the names that the operator’s chain uses for a tenant that does not exist: one for each key of the ring',
    )
    .action((tenantId: string) => {
      for (const name of tenantHashes(readCommandConfig().keyRing, parseTenantId(tenantId))) console.log(name)
    })
}

/**
 * Chains that lack their oldest events, each with its first event and the hash that event follows.
 */
type Cuts = Map<string, { from: number; follows: string }>

async function printVerification(db: Database, json: boolean) {
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

function shown({ chain, from, seq, head, fault }: ChainState): string {
  if (fault !== undefined) return `${chain}\tBROKEN: ${fault}`
  const began =
    from === 1
      ? ''
      : `\tthe events before event ${from} are gone, so event ${from} cannot be checked against them`
  return `${chain}\tvalid up to event ${seq}\t${head}${began}`
}

/**
 * Compares the chains with recorded heads. A recorded head right before the oldest event explains a
 * cut, which is then removed from `cuts`: the owner may delete events that were verified.
 *
 * @returns how many recorded heads no longer match
 */
async function checkHeads(db: Database, file: string, cuts: Cuts): Promise<number> {
  let gone = 0
  let line = 0
  for await (const text of createInterface({ input: createReadStream(file) })) {
    line += 1
    if (text.trim() === '') continue
    const head = headIn(text)
    if (!head) throw new StartError(`${file}, line ${line}: not output of \`spoke audit verify --json\``)
    const cut = cuts.get(head.chain)
    if (cut && head.seq === cut.from - 1 && head.head === cut.follows) {
      cuts.delete(head.chain)
      continue
    }
    const fault = await chainHeadFault(db, head)
    if (fault === undefined) continue
    gone += 1
    printNotice(`spoke: ${head.chain}: ${fault}`)
  }
  return gone
}

function headIn(text: string): ChainHead | undefined {
  try {
    const { chain, seq, head } = JSON.parse(text) as ChainHead
    const good = typeof chain === 'string' && Number.isSafeInteger(seq) && /^[0-9a-f]{64}$/.test(head)
    return good ? { chain, seq, head } : undefined
  } catch {
    return undefined
  }
}
