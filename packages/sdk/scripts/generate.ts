/**
 * `npm run sdk`: writes src/generated/ from openapi.json. schema.ts is openapi-typescript's; operations.ts
 * lists each operation for the client, with one method per operationId.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import openapiTypeScript, { astToString, type OpenAPI3 } from 'openapi-typescript'
import { describeOperations } from './describe-operations.ts'
import { writeOperations } from './write-operations.ts'

const document = join(import.meta.dirname, '../../../openapi.json')
const folder = join(import.meta.dirname, '../src/generated')

/** The generated files by name, as openapi.json asks for them now. */
export async function generate(): Promise<Record<string, string>> {
  const text = readFileSync(document, 'utf8')
  const header =
    '/** The types of openapi.json, written by openapi-typescript: `npm run sdk`. Do not edit. */\n'
  // It resolves the references of the object it is given in place, so it gets one of its own.
  const types = astToString(
    await openapiTypeScript(JSON.parse(text) as OpenAPI3, { defaultNonNullable: false }),
  )
  return {
    'schema.ts': header + types,
    'operations.ts': writeOperations(describeOperations(JSON.parse(text))),
  }
}

/** What is committed. */
export const readGenerated = (name: string): string => readFileSync(join(folder, name), 'utf8')

if (import.meta.main)
  for (const [name, text] of Object.entries(await generate())) writeFileSync(join(folder, name), text)
