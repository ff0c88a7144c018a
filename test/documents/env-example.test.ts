/** .env.example and the configuration's schema say the same: the same names, the same defaults, no secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretNames, variables } from '../../src/config.ts'
import { matches, read } from './markdown.ts'

type Name = keyof typeof variables

const example = read('.env.example')
/** Each `NAME=value`, commented out or not. */
const shown = [...example.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(({ 1: name, 2: value }) => ({
  name: name as Name,
  value: value as string,
}))

test('every variable of the schema stands in .env.example once, and no other', () => {
  const names: string[] = shown.map(({ name }) => name)
  assert.deepEqual(names.toSorted(), Object.keys(variables).sort())
})

test('every variable has a line that says what it means', () => {
  const told = matches(example, /^# (?![A-Z0-9_]+=).{10,}\n(?:# )?([A-Z][A-Z0-9_]*)=/gm)
  assert.deepEqual(told.sort(), Object.keys(variables).sort())
})

test('the default shown is the default of the schema', () => {
  for (const { name, value } of shown) {
    const byDefault = variables[name].parse(undefined)
    const asShown = value === '' ? undefined : variables[name].parse(value)
    // Empty and absent are the same, so an empty default is shown as nothing.
    assert.deepEqual(asShown, byDefault === '' ? undefined : byDefault, name)
  }
})

test('no secret has a value, and the NAME_FILE rule names each of them', () => {
  const rule = example.slice(0, example.indexOf('NAME_FILE'))
  for (const secret of secretNames) {
    assert.equal(shown.find(({ name }) => name === secret)?.value, '', secret)
    assert.match(rule, new RegExp(`\\b${secret}\\b`))
  }
})
