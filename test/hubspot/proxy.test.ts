/** HubSpot behind the operator's proxy: every call goes through it, and the log names a failing proxy. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { claimsFor, environmentOf, newKey, type Provider, sign, startProvider } from '../support/provider.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'
let emulator: TestEmulator
let proxy: TestProxy
let provider: Provider
before(async () => {
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  proxy = await startProxy()
  provider = await startProvider()
})
beforeEach(() => {
  proxy.targets = []
  proxy.answer = 200
})
after(async () => {
  await proxy.close()
  await emulator.close()
  await provider.close()
})

/** The emulator under another name. */
const at = (host: string) => emulator.url.replace('127.0.0.1', host)

async function connect(service: TestService, headers: Record<string, string> = {}) {
  const { portal_id } = await emulator.control('POST', '/portals', { tickets: 3 })
  const { token } = await emulator.control('POST', `/portals/${portal_id}/tokens`, { kind: 'private_app' })
  return await service.post(`/api/hubspot/integrations/${T}`, { access_token: token }, headers)
}

test('calls to HubSpot go through the proxy, except where NO_PROXY excludes them; loopback never does', async () => {
  const key = await newKey()
  provider.keys = [key]
  const closed = { SPOKE_ADMIN_KEY: 'k'.repeat(32), ...environmentOf(provider) }
  const headers = { authorization: `Bearer ${'k'.repeat(32)}` }
  const HTTP_PROXY = proxy.url.replace('http://', 'http://me:hidden-word@')
  // This machine too, on Linux and macOS, and no loopback address: what would go through the proxy, and can be reached without it.
  const other = at('0.0.0.0')
  for (const [url, env, through] of [
    [at('hubspot.test'), { HTTP_PROXY }, true],
    [emulator.url, { HTTP_PROXY }, false],
    [other, { HTTP_PROXY }, true],
    [other, { http_proxy: proxy.url, no_proxy: '0.0.0.0' }, false],
    [other, { HTTPS_PROXY: proxy.url }, false],
  ] as const) {
    proxy.targets = []
    const service = await startTestService(url, { ...closed, ...env })
    try {
      const { status, body } = await connect(service, headers)
      assert.equal(status, 201, JSON.stringify(body))
      await eventually(async () => {
        const answer = await service.get(`/api/hubspot/sync/${T}/${body.integration_id}`, headers)
        return answer.body.running.length === 0
      }, 'the first full ends')
      const jwt = await sign(key, claimsFor(provider, T))
      const issues = await service.get(`/api/hubspot/issues/${T}`, { authorization: `Bearer ${jwt}` })
      assert.deepEqual([issues.status, issues.body.issues?.length], [200, 3])
      // The provider's http keys are trusted because this machine answers, and so never come from the proxy's.
      assert.deepEqual([...new Set(proxy.targets)], through ? [new URL(url).host] : [])
      assert.ok(!service.lines.join('').includes('hidden-word'))
      assert.equal(proxy.others, 0)
    } finally {
      await service.stop()
    }
    // Sooner than either side would close an idle one.
    await eventually(async () => (await provider.connections()) === 0, 'no connection is left', 2_000)
  }
})

test('a proxy that refuses or hangs is hubspot_unavailable in time, and the log names it', async () => {
  for (const how of [407, 'hang'] as const) {
    const service = await startTestService(at('hubspot.test'), {
      HTTP_PROXY: proxy.url,
      HUBSPOT_TIMEOUT: '1s',
    })
    try {
      proxy.answer = how
      const began = performance.now()
      const { status, body } = await connect(service)
      assert.ok([502, 504].includes(status), String(status))
      assert.equal(body.code, 'hubspot_unavailable')
      assert.ok(performance.now() - began < 3_000, `${Math.round(performance.now() - began)} ms`)
      await eventually(
        async () =>
          service.lines.some(
            (line) => line.includes('the proxy did not open a connection') && line.includes(proxy.url),
          ),
        'the log names the proxy',
      )
      proxy.answer = 200
      const again = await eventually(async () => {
        const answer = await connect(service)
        return answer.status === 201 && answer
      }, 'it works again')
      assert.equal(again.body.success, true)
    } finally {
      await service.stop()
    }
  }
})
