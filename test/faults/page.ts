/** docs/planted-faults.md, made from the list. */
import type { Fault } from './fault.ts'
import { faults, kinds } from './list/all.ts'

export const pagePath = 'docs/planted-faults.md'

const link = (path: string) => `[${path.replace(/^test\//, '').replace(/\.test\.ts$/, '')}](../${path})`

const row = ({ name, in: declared, gain, test }: Fault) =>
  `| \`${name}\` | ${declared === undefined ? '' : `\`${declared}\``} | ${gain} | ${link(test)} |`

const table = ([heading, some]: [string, Fault[]]) => `## ${heading}

| fault | planted in | what somebody would gain | caught by |
|---|---|---|---|
${some.map(row).join('\n')}
`

export const pageText = () => `# Planted faults

A protection that nobody tests is a protection until the next change. Here are ${faults.length} ways to break one, each a small edit of
the source, and the test that turns red for it.

\`\`\`sh
npm run faults
npm run faults -- --only state-good-twice
\`\`\`

copies the tree to a temporary folder, runs the tests there once without a fault, and then plants one fault at a time. Each must
make a named test fail by an assertion of its own; a copy that does not load, or a hook that breaks, does not count. It ends with 1
when a fault survives.

The list is data: [test/faults/list](../test/faults/list). A fault names the declaration it is planted in and the code that it
replaces there, so that moving or formatting a file does not break it. A new protection brings its fault; \`npm run faults --
--write\` then writes this page. \`npm run faults -- --check\` runs no test: it says whether each fault still has its place and
whether this page is the one that the list makes. The full run begins with the same check.

${kinds.map(table).join('\n')}`
