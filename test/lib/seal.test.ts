/** Sealing: a value opens with the key ring, for its own row only, and errors do not contain the value. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { type KeyRing, newDataKey, SealError, tenantSealer } from '../../src/lib/seal.ts'
import { Secret } from '../../src/lib/secret.ts'

const key = (fill: number) => new Uint8Array(32).fill(fill)
const ring: KeyRing = [
  { kid: 'new', key: key(2) },
  { kid: 'old', key: key(1) },
]
const tenant = 'tenant-1'
const token = { integration: 'i1', field: 'access_token' }

test('what was sealed opens again, also under an older key of the ring', async () => {
  for (const sealing of [ring, ring.slice(1)]) {
    const dataKey = await newDataKey(sealing, tenant)
    const sealed = await (await tenantSealer(sealing, tenant, dataKey)).seal(new Secret('pat-na1-x'), token)
    assert.doesNotMatch(sealed, /pat-na1/)
    assert.equal(
      (await (await tenantSealer(ring, tenant, dataKey)).open(sealed, token)).reveal(),
      'pat-na1-x',
    )
  }
})

test('two seals of one value differ', async () => {
  const sealer = await tenantSealer(ring, tenant, await newDataKey(ring, tenant))
  assert.notEqual(await sealer.seal(new Secret('x'), token), await sealer.seal(new Secret('x'), token))
})

test('a value copied to another tenant, integration or field does not open there', async () => {
  const dataKey = await newDataKey(ring, tenant)
  const sealer = await tenantSealer(ring, tenant, dataKey)
  const sealed = await sealer.seal(new Secret('x'), token)
  await assert.rejects(sealer.open(sealed, { ...token, integration: 'i2' }), SealError)
  await assert.rejects(sealer.open(sealed, { ...token, field: 'refresh_token' }), SealError)
  await assert.rejects(sealer.open(sealed, { field: 'access_token' }), SealError)
  const other = await tenantSealer(ring, 'tenant-2', await newDataKey(ring, 'tenant-2'))
  await assert.rejects(other.open(sealed, token), SealError)
  await assert.rejects(tenantSealer(ring, 'tenant-2', dataKey), /a sealed data_key belongs to another row/)
})

test('a changed byte, a foreign form and a missing key are refused by name', async () => {
  const dataKey = await newDataKey(ring, tenant)
  const sealer = await tenantSealer(ring, tenant, dataKey)
  const sealed = await sealer.seal(new Secret('x'), token)
  const parts = sealed.split('.')
  for (const at of [0, 2, 3, 4]) {
    const changed = parts
      .with(
        at,
        (parts[at] as string).replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
      )
      .join('.')
    await assert.rejects(sealer.open(changed, token), SealError, `part ${at}`)
  }
  await assert.rejects(sealer.open('plain text', token), SealError)
  await assert.rejects(
    tenantSealer([{ kid: 'third', key: key(3) }], tenant, dataKey),
    /no key "new" in the ring/,
  )
  await assert.rejects(
    tenantSealer([{ kid: 'new', key: key(3) }], tenant, dataKey),
    /does not open with key "new"/,
  )
})

test('a secret prints as [secret] everywhere', () => {
  const secret = new Secret('pat-na1-hidden')
  const holder = { nested: [{ secret }], map: new Map([['k', secret]]) }
  const printed = [
    `${secret}`,
    String(secret),
    JSON.stringify(holder),
    inspect(holder, { depth: 9, showHidden: true }),
    JSON.stringify({ ...secret }),
    Object.entries(secret).join(),
  ]
  for (const text of printed) assert.doesNotMatch(text, /hidden/)
  assert.equal(`${secret}`, '[secret]')
})
