/** The table that the proof prints while it runs. */
import { verdictFields } from './oracle.ts'
import type { Scenario } from './scenario.ts'
import type { Outcome } from './scenario-runner.ts'

export interface Result {
  scenario: Scenario
  spoke: Outcome
  naive: Outcome | undefined
}

const widths = [70, 11, 8, 6, 6, 10]

const row = (cells: readonly string[]) => cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' ')

export function header(withNaive: boolean): string {
  const cells = ['scenario', 'used/ideal', ...verdictFields]
  return `     ${row(cells)} ${withNaive ? `${'naive: used, m/s/g/d'.padEnd(30)} ` : ''}ended as`
}

export function line({ scenario, spoke, naive }: Result, withNaive: boolean): string {
  const { ideal } = scenario
  const counts = verdictFields.map((field) => String(spoke.verdict[field].length))
  const cells = [scenario.name, `${spoke.requests}/${ideal.requests}`, ...counts]
  const beside = withNaive ? `${naiveCell(scenario, naive).padEnd(30)} ` : ''
  const text = `${spoke.passed ? 'ok  ' : 'FAIL'} ${row(cells)} ${beside}${shorten(spoke.endedAs)}`
  return [text, ...(spoke.passed ? [] : details(spoke))].join('\n')
}

function naiveCell({ withoutNaive }: Scenario, naive: Outcome | undefined): string {
  if (!naive) return withoutNaive ? 'cannot take part' : ''
  const counts = verdictFields.map((field) => naive.verdict[field].length).join('/')
  const verdict = naive.passed ? 'ok' : naive.ended ? 'FAIL' : 'FAIL, never ended'
  return `${naive.requests}, ${counts} ${verdict}`
}

/** Why it failed: the first few tickets of each kind, and what else was not so. */
export function details({ verdict, faults, ended }: Outcome): string[] {
  const rows = verdictFields.flatMap((field) => {
    const all = verdict[field]
    return all.length === 0 ? [] : [`${all.length} ${field}: ${all.slice(0, 3).join(' | ')}`]
  })
  return [...rows, ...faults, ...(ended ? [] : ['a run never ended'])].map((text) => `       ${text}`)
}

function shorten(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ')
  return flat.length > 160 ? `${flat.slice(0, 157)}...` : flat
}
