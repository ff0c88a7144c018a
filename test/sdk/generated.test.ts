/** What is generated from openapi.json is committed as it would be generated now, and the client reaches every operation. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { generate, readGenerated } from '../../packages/sdk/scripts/generate.ts'
import { createSpoke } from '../../packages/sdk/src/spoke.ts'

const root = join(import.meta.dirname, '../..')
const tenantId = '5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11'
const id = '01a2044e-3639-7888-95cf-ef6ead9b1a46'

type Document = {
  paths: Record<string, Record<string, { operationId: string; parameters?: { $ref?: string }[] }>>
}
const document: Document = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8'))

test('the generated files are what openapi.json gives; `npm run sdk` writes them', async () => {
  for (const [name, text] of Object.entries(await generate()))
    assert.ok(readGenerated(name) === text, `${name} differs: npm run sdk`)
})

test('every operation of openapi.json is a method that sends its request', async () => {
  const sent: Request[] = []
  const spoke = createSpoke({
    baseUrl: 'http://spoke.invalid/base/',
    fetch: async (request) => {
      sent.push(request)
      return Response.json({ success: true })
    },
  })
  let count = 0
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { operationId, parameters = [] }] of Object.entries(item)) {
      const [group, name] = operationId.split('.') as [string, string]
      const ofTenant = path.includes('{tenant_id}')
      // biome-ignore lint/suspicious/noExplicitAny: names come from the document
      const target: any = ofTenant ? spoke.tenant(tenantId) : spoke
      const methods = ofTenant && group === 'tenants' ? target : target[group]
      assert.equal(typeof methods?.[name], 'function', operationId)
      const ids = [...path.matchAll(/\{(\w+)\}/g)].filter(([, one]) => one !== 'tenant_id').map(() => id)
      await methods[name](...ids, {}, { idempotencyKey: 'a-key' })
      const request = sent.pop() as Request
      const expected = path.replace('{tenant_id}', tenantId).replaceAll(/\{\w+\}/g, id)
      assert.equal(request.method, method.toUpperCase())
      assert.equal(request.url, `http://spoke.invalid/base${expected}`)
      const accepts = parameters.some(({ $ref }) => $ref === '#/components/parameters/Idempotency-Key')
      assert.equal(request.headers.get('idempotency-key'), accepts ? 'a-key' : null, operationId)
      count++
    }
  }
  assert.ok(count > 45)
})

/** `npm run check` compiles it without the types of Node. */
test('the client imports nothing but openapi-fetch', () => {
  const files = globSync('packages/sdk/src/**/*.ts', { cwd: root })
  assert.ok(files.length > 8)
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8')
    const imports = [...text.matchAll(/^(?:import|export|\}).* from '([^']+)'|\bimport\('([^']+)'/gm)]
      .map(([, name, called]) => (name ?? called) as string)
      .map((name) => (name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name))
    const others = imports.filter((name) => !name.startsWith('packages/sdk/src/') && name !== 'openapi-fetch')
    assert.deepEqual(others, [], file)
  }
})
