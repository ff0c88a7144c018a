/** The API reference in a real browser: what it loads, and its requests with a key, a session, and neither. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { openPage, startBrowser } from '../../support/browser.ts'
import { freePort } from '../../support/free-port.ts'
import { startTestService } from '../../support/service.ts'

const adminKey = 'an-admin-key-of-the-reference-tests'

interface Fixture {
  /** As the browser reaches it. */
  url: string
  context: BrowserContext
}

async function withPage(
  t: TestContext,
  env: Record<string, string>,
  run: (fixture: Fixture) => Promise<void>,
) {
  const browser = await startBrowser(t)
  if (!browser) return
  try {
    const port = String(await freePort())
    const service = await startTestService('http://127.0.0.1:9', { PORT: port, ...env })
    try {
      await run({ url: `http://localhost:${port}`, context: await browser.newContext() })
    } finally {
      await service.stop()
    }
  } finally {
    await browser.close()
  }
}

interface Described {
  tags: { 'x-displayName': string }[]
  paths: Record<string, Record<string, { summary: string }>>
}

/** Opens an operation, such as `get /api/tenants`, sends the request, and returns its response. */
async function tryOperation(page: Page, operation: string) {
  const [method = '', path = ''] = operation.split(' ')
  await page.getByRole('button', { name: `Test Request (${operation})`, exact: true }).click()
  const sent = page.waitForResponse(
    (one) => new URL(one.url()).pathname === path && one.request().method() === method.toUpperCase(),
  )
  await page.getByRole('button', { name: /^Send/ }).filter({ visible: true }).first().click()
  return await sent
}

test('the page lists every operation, loads nothing from elsewhere, and violates no policy', async (t) => {
  await withPage(t, {}, async ({ url, context }) => {
    const { page, faults } = await openPage(context, `${url}/docs`)
    const described = (await (await fetch(`${url}/openapi.json`)).json()) as Described
    for (const { 'x-displayName': name } of described.tags) {
      const group = page.getByRole('button', { name: `Open Group - ${name}`, exact: true })
      // The first one is open.
      if (name === described.tags[0]?.['x-displayName'])
        await page.getByRole('button', { name: `Close Group - ${name}` }).waitFor()
      else await group.click()
    }
    const listed = await page.locator('body').innerText()
    const summaries = Object.values(described.paths).flatMap((path) =>
      Object.values(path).map(({ summary }) => summary),
    )
    assert.ok(summaries.length > 45)
    assert.deepEqual(
      summaries.filter((summary) => !listed.includes(summary)),
      [],
    )
    assert.equal(await page.title(), 'Spoke API')
    assert.equal(
      await page
        .getByText(/Scalar|Ask AI|MCP/)
        .filter({ visible: true })
        .count(),
      0,
    )
    assert.deepEqual(faults, [])
  })
})

test('a pasted key is used for a request, and forgotten with the page', async (t) => {
  await withPage(t, { SPOKE_ADMIN_KEY: adminKey }, async ({ url, context }) => {
    const { page, faults } = await openPage(context, `${url}/docs#tag/tenants/GET/api/tenants`)
    await page.getByPlaceholder('Token').first().fill(adminKey)
    const response = await tryOperation(page, 'get /api/tenants')
    assert.equal(response.status(), 200)
    assert.equal(await response.request().headerValue('authorization'), `Bearer ${adminKey}`)
    // Longer than the page waits before it stores something.
    await page.waitForTimeout(1_500)
    const stored = await page.evaluate(
      'indexedDB.databases().then((all) => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, all, document.cookie]))',
    )
    assert.doesNotMatch(String(stored), /reference-tests/)
    assert.match(String(stored), /,\[\],""\]$/)
    assert.deepEqual(faults, [])
  })
})

test('without a key the session of the browser is used, with its CSRF token', async (t) => {
  await withPage(t, { SPOKE_ADMIN_KEY: adminKey }, async ({ url, context }) => {
    const { page, faults } = await openPage(context, `${url}/docs#tag/tenants/POST/api/tenants`)
    const logIn = `fetch('/api/session', { method: 'POST', headers: { authorization: 'Bearer ${adminKey}' } }).then((r) => r.status)`
    assert.equal(await page.evaluate(logIn), 200)
    const response = await tryOperation(page, 'post /api/tenants')
    assert.equal(response.status(), 201)
    assert.match((await response.request().headerValue('cookie')) ?? '', /^spoke_session=/)
    assert.equal(await response.request().headerValue('authorization'), null)
    assert.deepEqual(faults, [])
  })
})

test('in open mode a request needs neither', async (t) => {
  await withPage(t, {}, async ({ url, context }) => {
    const { page, faults } = await openPage(context, `${url}/docs#tag/tenants/GET/api/tenants`)
    assert.equal((await tryOperation(page, 'get /api/tenants')).status(), 200)
    assert.deepEqual(faults, [])
  })
})

test('the page cannot send a pasted key to another server', async (t) => {
  await withPage(t, {}, async ({ url, context }) => {
    const { page, faults } = await openPage(context, `${url}/docs`)
    const elsewhere = `http://127.0.0.1:${new URL(url).port}/livez`
    assert.equal(await page.evaluate(`fetch('${elsewhere}').catch(() => 'refused')`), 'refused')
    // Without the policy it would be refused too, because the service sends no CORS headers.
    const byPolicy = faults.filter(
      (fault) => fault.includes(elsewhere) && fault.includes("connect-src 'self'"),
    )
    assert.equal(byPolicy.length, 1, faults.join('\n'))
  })
})
