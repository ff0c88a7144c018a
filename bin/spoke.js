#!/usr/bin/env node
import '../scripts/require-node.js'

await import('../src/main.ts')
