/**
 * 1. How much a first load costs beside what it cannot do without (the floor) and beside a first draft (the naive
 * sync). All in one run against one emulator and one PostgreSQL, one after the other, each in a database of its own that
 * is dropped before the next begins, so that none pays for the vacuum of another.
 */
import {
  allScopes,
  type Harness,
  type HubSpotProcess,
  newAccount,
  noLimits,
  startHubSpot,
} from './harness.ts'
import { type Load, loadByBaseline, loadByNaive, loadBySpoke, type Seen } from './loaders.ts'
import { type BenchResult, type Figure, round } from './result.ts'

export async function firstLoad(harness: Harness): Promise<BenchResult> {
  const hubspot = await startHubSpot()
  try {
    await hubspot.control('POST', '/limits', noLimits)
    return await compare(harness, hubspot)
  } finally {
    await hubspot.stop()
  }
}

async function compare(harness: Harness, hubspot: HubSpotProcess): Promise<BenchResult> {
  const tickets = Math.max(1_000, Math.round(100_000 * harness.scale))
  const few = Math.max(500, Math.round(10_000 * harness.scale))
  const some = Math.max(1_000, Math.round(20_000 * harness.scale))

  harness.say('1. first load: a small one first, which warms the emulator and shows what Spoke requests')
  const warm = await newAccount(hubspot, { tickets: 1_000 })
  const { seen } = await loadBySpoke(harness, hubspot, warm, 1_000)
  const plain = await newAccount(hubspot, { tickets })
  const floor: Load[] = []
  const spoke: Load[] = []
  // There and back again: whatever grows slower or faster with time falls on both alike.
  for (const one of ['floor', 'spoke', 'spoke', 'floor'] as const) {
    const load =
      one === 'floor'
        ? await loadByBaseline(harness, hubspot, plain, tickets, seen)
        : (await loadBySpoke(harness, hubspot, plain, tickets)).load
    ;(one === 'floor' ? floor : spoke).push(load)
    harness.say(`   ${one}: ${perSecond([load])} tickets/s, ${micros([load])} µs of CPU a ticket`)
  }

  const draft = await newAccount(hubspot, { tickets: few })
  const naive = [await loadByNaive(harness, hubspot, draft, few)]
  harness.say(`   naive: ${perSecond(naive)} tickets/s, ${micros(naive)} µs of CPU a ticket`)

  const linked = await newAccount(
    hubspot,
    { tickets: some, associations: { contacts: 2, companies: 1, deals: 1 } },
    allScopes,
  )
  const linkedSpoke = await loadBySpoke(harness, hubspot, linked, some)
  const linkedFloor = await loadByBaseline(harness, hubspot, linked, some, linkedSpoke.seen)

  const time = secondsOf(spoke) / secondsOf(floor)
  const cpu = microsOf(spoke) / microsOf(floor)
  return {
    number: 1,
    name: 'first load against the floor',
    aim: 'at most 2 times the floor, in time and in CPU of service and PostgreSQL together',
    met: time <= 2 && cpu <= 2,
    figures: {
      times_the_floor_in_time: round(time),
      times_the_floor_in_cpu: round(cpu),
      times_faster_than_naive: round(perSecond(spoke) / perSecond(naive)),
      times_less_cpu_than_naive: round(microsOf(naive) / microsOf(spoke)),
      spoke: show(spoke),
      floor: show(floor),
      naive: show(naive),
      with_associations: {
        times_the_floor_in_time: round(linkedSpoke.load.seconds / linkedFloor.seconds),
        times_the_floor_in_cpu: round(microsOf([linkedSpoke.load]) / microsOf([linkedFloor])),
        spoke: show([linkedSpoke.load]),
        floor: show([linkedFloor]),
      },
      pages_asked_for: pagesOf(seen),
    },
    notes: [
      'CPU of the emulator is not in it, and it shares the cores: times say less than CPU where there are few',
      `the naive sync loaded ${few} tickets only, and the pair with associations ${some}`,
      "with associations, time is bound by Spoke's own budget: no response names the limit of association reads, so it uses 100 in 10 s",
    ],
  }
}

const sum = (loads: Load[], of: (load: Load) => number) => loads.reduce((total, load) => total + of(load), 0)
const secondsOf = (loads: Load[]) => sum(loads, (load) => load.seconds)
const ticketsOf = (loads: Load[]) => sum(loads, (load) => load.tickets)
const microsOf = (loads: Load[]) =>
  sum(loads, (load) => load.processMicros + load.postgresMicros) / ticketsOf(loads)
const perSecond = (loads: Load[]) => Math.round(ticketsOf(loads) / secondsOf(loads))
const micros = (loads: Load[]) => Math.round(microsOf(loads))

function show(loads: Load[]): Figure {
  const each = (of: (load: Load) => number) => round(sum(loads, of) / ticketsOf(loads), 1)
  return {
    tickets: loads.map((load) => load.tickets).join(' + '),
    seconds: loads.map((load) => round(load.seconds, 1)).join(' + '),
    tickets_per_second: perSecond(loads),
    cpu_micros_per_ticket: round(microsOf(loads), 1),
    of_it_the_process: each((load) => load.processMicros),
    of_it_postgres: each((load) => load.postgresMicros),
    emulator_micros_per_ticket_not_counted: each((load) => load.emulatorMicros),
  }
}

const pagesOf = ({ lists }: Seen): string =>
  lists
    .map((list) => (list.length > 100 ? `${list.slice(0, 60)}… (${list.length} characters)` : list))
    .join(' ')
