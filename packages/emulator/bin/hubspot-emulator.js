#!/usr/bin/env node
// In a checkout the sources run as they are; a published package has the build, because Node runs no TypeScript in node_modules.
import { existsSync } from 'node:fs'

const built = new URL('../dist/main.js', import.meta.url)
await import(existsSync(built) ? built.href : '../src/main.ts')
