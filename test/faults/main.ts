/**
 * `npm run faults`: plants each fault of the list in a copy of the tree, one at a time, and demands that its test fails by an
 * assertion. `--only <name>` (again and again, if wanted); `--check` looks whether the list fits the source and the page the
 * list, and plants nothing; `--write` writes the page.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Fault } from './fault.ts'
import { faults } from './list/all.ts'
import { pagePath, pageText } from './page.ts'
import { placeOf, readSources } from './place.ts'
import { type Copy, copyTree, type Trial } from './trial.ts'

const root = join(import.meta.dirname, '../..')

interface Verdict {
  name: string
  caught: boolean
  /** The test that noticed, or why none did. */
  by: string
  ms: number
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

/** Named tests only: a file that could not be loaded is reported under its path. */
const named = ({ outcomes }: Trial, test: string) => outcomes.filter(({ name }) => !name.endsWith(test))

async function tryFault(copy: Copy, fault: Fault): Promise<Verdict> {
  const trial = await copy.run(fault.test, fault.only === undefined ? [] : [fault.only], fault)
  const tests = named(trial, fault.test)
  const hit = tests.find(({ assertion }) => assertion !== undefined)
  const other = tests.find(({ other }) => other !== undefined)
  const by = hit
    ? hit.name
    : trial.exitCode === undefined
      ? 'the run did not end in time'
      : tests.length === 0
        ? 'no test ran'
        : other
          ? `no assertion failed; "${other.name}" ended by ${other.other}`
          : 'every test passed'
  return { name: fault.name, caught: hit !== undefined, by, ms: trial.ms }
}

/**
 * Each test file once, with every choice of tests in it: a fault in a test that fails anyway proves nothing.
 *
 * @returns the files that fail
 */
async function unsound(copy: Copy, chosen: Fault[]): Promise<Set<string>> {
  const failing = new Set<string>()
  for (const [test, some] of Map.groupBy(chosen, ({ test }) => test)) {
    const choices = some.flatMap(({ only }) => only ?? [])
    const trial = await copy.run(test, choices.length < some.length ? [] : choices)
    const tests = named(trial, test)
    const failed = tests.find(({ assertion, other }) => assertion ?? other)
    const passes = trial.exitCode === 0 && tests.length > 0
    console.log(`${passes ? 'passes' : 'FAILS '}  ${test} (${seconds(trial.ms)})`)
    if (failed) console.log(`        "${failed.name}": ${(failed.assertion ?? failed.other)?.slice(0, 300)}`)
    if (!passes) failing.add(test)
  }
  return failing
}

/** What is wrong with the list, before anything is planted. */
function mistakes(): string[] {
  const sources = readSources(root)
  const names = new Set<string>()
  const found: string[] = []
  for (const fault of faults) {
    const { name, test, only, gain, find, put } = fault
    if (names.has(name)) found.push(`${name}: the name is there twice`)
    names.add(name)
    if (!/^[a-z]+(-[a-z]+)+$/.test(name)) found.push(`${name}: a name is words with hyphens`)
    if (find.trim() === put.trim()) found.push(`${name}: changes nothing`)
    // The page's table would end a cell there.
    if (/\||\n|\.$/.test(gain)) found.push(`${name}: the gain is one phrase, without | and full stop`)
    try {
      placeOf(fault, sources)
      // A name may be made from parts: its beginning must be there.
      const begins = only?.split(' ').slice(0, 2).join(' ') ?? ''
      if (!readFileSync(join(root, test), 'utf8').includes(begins))
        found.push(`${name}: no test in ${test} is called ${only}`)
    } catch (error) {
      found.push((error as Error).message)
    }
  }
  if (readFileSync(join(root, pagePath), 'utf8') !== pageText())
    found.push(`${pagePath} is not what npm run faults -- --write makes`)
  return found
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    check: { type: 'boolean' },
    write: { type: 'boolean' },
  },
})

async function main(): Promise<boolean> {
  if (values.write) {
    writeFileSync(join(root, pagePath), pageText())
    return true
  }
  const found = mistakes()
  for (const mistake of found) console.log(mistake)
  if (found.length > 0) return false
  if (values.check) {
    console.log(`${faults.length} faults have their place, and ${pagePath} is in step`)
    return true
  }
  const unknown = (values.only ?? []).filter((name) => !faults.some((fault) => fault.name === name))
  if (unknown.length > 0) throw new Error(`no fault is called ${unknown.join(' or ')}`)
  const chosen = faults.filter(({ name }) => values.only === undefined || values.only.includes(name))
  const began = performance.now()
  const copy = copyTree()
  try {
    console.log(`Without a fault, in a copy of the tree:`)
    const failing = await unsound(copy, chosen)
    console.log(`\nWith one fault at a time:`)
    const verdicts: Verdict[] = []
    for (const fault of chosen) {
      if (failing.has(fault.test)) continue
      const verdict = await tryFault(copy, fault)
      console.log(
        `${verdict.caught ? 'caught  ' : 'SURVIVED'}  ${fault.name} (${seconds(verdict.ms)})  ${verdict.by}`,
      )
      verdicts.push(verdict)
    }
    const survived = verdicts.filter(({ caught }) => !caught)
    console.log(
      `\n${verdicts.length - survived.length} of ${verdicts.length} caught in ${seconds(performance.now() - began)}`,
    )
    for (const { name, by } of survived) console.log(`survived: ${name}: ${by}`)
    for (const test of failing) console.log(`nothing was planted for ${test}, which fails without a fault`)
    return survived.length === 0 && failing.size === 0
  } finally {
    copy.remove()
  }
}

process.exitCode = (await main()) ? 0 : 1
