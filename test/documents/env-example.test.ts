/** .env.example matches the configuration's schema: the same names, the same defaults, no secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretNames, variables } from '../../src/environment.ts'
import { matches, read } from './markdown.ts'

type Name = keyof typeof variables

/** Read by deploy/compose.yml, and not by Spoke. */
const ofContainers = ['POSTGRES_PASSWORD', 'SPOKE_SERVING_PASSWORD']

const example = read('.env.example')
/** Each `NAME=value`, commented out or not. */
const shown = [...example.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(({ 1: name, 2: value }) => ({
  name: name as Name,
  value: value as string,
}))

test('.env.example has every variable of the schema once, and no other', () => {
  const names: string[] = shown.map(({ name }) => name)
  assert.deepEqual(names.toSorted(), [...Object.keys(variables), ...ofContainers].sort())
})

test('every variable has a line that explains it', () => {
  const explained = matches(example, /^# (?![A-Z0-9_]+=).{10,}\n(?:# )?([A-Z][A-Z0-9_]*)=/gm)
  assert.deepEqual(explained.sort(), [...Object.keys(variables), ...ofContainers].sort())
})

test('the default shown is the default of the schema', () => {
  for (const { name, value } of shown.filter(({ name }) => !ofContainers.includes(name))) {
    const byDefault = variables[name].parse(undefined)
    const asShown = value === '' ? undefined : variables[name].parse(value)
    // Empty and absent are the same, so an empty default is shown as nothing.
    assert.deepEqual(asShown, byDefault === '' ? undefined : byDefault, name)
  }
})

test('no secret has a value, and the NAME_FILE rule names each of them', () => {
  const rule = example.slice(0, example.indexOf('NAME_FILE'))
  for (const secret of [...secretNames, ...ofContainers])
    assert.equal(shown.find(({ name }) => name === secret)?.value, '', secret)
  for (const secret of secretNames) {
    assert.match(rule, new RegExp(`\\b${secret}\\b`))
  }
})
