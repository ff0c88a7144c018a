/**
 * `npm run names`: exported names of src/ that more than one file declares. With `--draw 15 --seed 7` it prints functions drawn
 * at random instead, for the question whether a reader guesses their file from the name.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const exported = /^export (?:async )?(?:abstract )?(function\*?|const|class|interface|type|enum) +(\w+)/gm

interface Declared {
  name: string
  file: string
  kind: string
}

const declared: Declared[] = globSync('src/**/*.ts', { cwd: root })
  .sort()
  .flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(exported)].map(([, kind = '', name = '']) => ({
      name,
      file,
      kind,
    })),
  )

/** mulberry32: small, and the same everywhere. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const { values } = parseArgs({
  options: { draw: { type: 'string' }, seed: { type: 'string', default: '1' } },
})

if (values.draw !== undefined) {
  const next = random(Number(values.seed))
  const functions = declared.filter(({ kind }) => kind.startsWith('function'))
  for (let n = 0; n < Number(values.draw); n++) {
    const [one] = functions.splice(Math.floor(next() * functions.length), 1)
    if (one) console.log(`${one.name}  ${one.file}`)
  }
} else {
  const shared = [...Map.groupBy(declared, ({ name }) => name)].filter(([, all]) => all.length > 1)
  for (const [name, all] of shared) console.log(`${name}: ${all.map(({ file }) => file).join(', ')}`)
  console.log(`${shared.length} of ${declared.length} exported names are declared in more than one file`)
}
