/** docs/security/planted-faults.md, made from the list. */
import type { Fault } from './fault.ts'
import { faults, kinds } from './list/all.ts'

export const pagePath = 'docs/security/planted-faults.md'

const link = (path: string) => `[${path.replace(/^test\//, '').replace(/\.test\.ts$/, '')}](../../${path})`

const row = ({ name, in: declared, gain, test }: Fault) =>
  `| \`${name}\` | ${declared === undefined ? '' : `\`${declared}\``} | ${gain} | ${link(test)} |`

const table = ([heading, some]: [string, Fault[]]) => `## ${heading}

| fault | planted in | consequence | caught by |
|---|---|---|---|
${some.map(row).join('\n')}
`

export const pageText = () => `# Planted faults

A protection without a test is easily lost in the next change. This page lists ${faults.length} ways to
break one. Each fault is a small edit of the source, and each has a test that must then fail.

\`\`\`sh
npm run faults
npm run faults -- --only state-accepted-twice
\`\`\`

The command copies the tree to a temporary folder, runs the tests there once without a fault, and
then plants one fault at a time. Each fault must make a named test fail by one of its own
assertions; a copy that does not load, or a hook that fails, does not count. The exit code is 1 when
no test catches a fault.

The list is data: [test/faults/list](../../test/faults/list). A fault names the declaration that it
changes and the code that it replaces there, so moving or formatting a file does not break it. Every
new protection needs a fault in the list; \`npm run faults -- --write\` then writes this page.
\`npm run faults -- --check\` runs no tests: it checks that each fault still fits the source and that
this page matches the list. The full run begins with the same check.

${kinds.map(table).join('\n')}`
