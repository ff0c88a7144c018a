/** The list of planted faults fits the source, and the document fits the list. Planting them is `npm run faults`. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { read, root } from '../documents/markdown.ts'
import { faults } from './list/all.ts'
import { pagePath, pageText } from './page.ts'
import { planted } from './trial.ts'

test('each fault changes one place of its file, and names a test that is there', () => {
  assert.ok(faults.length >= 40, `${faults.length}`)
  assert.equal(new Set(faults.map(({ name }) => name)).size, faults.length)
  for (const fault of faults) {
    const before = read(fault.file)
    assert.notEqual(planted(before, fault), before, fault.name)
    assert.ok(existsSync(join(root, fault.test)), fault.test)
    assert.match(fault.name, /^[a-z]+(-[a-z]+)+$/)
    // The page's table would end a cell there.
    assert.doesNotMatch(fault.gain, /\||\n|\.$/, fault.name)
    // A name may be made from parts: its beginning must be there.
    const named = fault.only?.split(' ').slice(0, 2).join(' ')
    if (named) assert.ok(read(fault.test).includes(named), `${fault.name}: no test is named so`)
  }
})

test('docs/planted-faults.md is what `npm run faults -- --write` writes', () => {
  assert.equal(read(pagePath), pageText())
})
