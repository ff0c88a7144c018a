/** Chromium, whose binary comes as a package, and what a page does there that it should not. */
import type { TestContext } from 'node:test'
import chromium from '@sparticuz/chromium'
import { type Browser, type BrowserContext, type Page, chromium as playwright } from 'playwright-core'

/**
 * Arguments of the package that are left out: a browser that checks nothing shows nothing about a
 * policy, and one process for all sometimes hangs when it closes.
 */
const leftOut = ['--disable-web-security', '--allow-running-insecure-content', '--single-process']

/** @returns undefined where Chromium does not start; the test is then reported as skipped */
export async function startBrowser(t: TestContext): Promise<Browser | undefined> {
  try {
    return await playwright.launch({
      executablePath: await chromium.executablePath(),
      args: [...chromium.args.filter((one) => !leftOut.includes(one)), '--disable-background-networking'],
    })
  } catch (error) {
    t.skip(`Chromium does not start: ${String(error).split('\n')[0]}`)
    return undefined
  }
}

/** A page, and the list of its faults: requests to other hosts, errors, violations of the policy. */
export async function openPage(
  context: BrowserContext,
  url: string,
): Promise<{ page: Page; faults: string[] }> {
  const page = await context.newPage()
  // A busy machine may be several times slower than an idle one.
  page.setDefaultTimeout(60_000)
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol !== 'data:' && protocol !== 'blob:' && origin !== new URL(url).origin)
      faults.push(`request to ${request.url()}`)
  })
  await page.exposeFunction('reportViolation', (what: string) => faults.push(`violates ${what}`))
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (e) => reportViolation(e.violatedDirective + ': ' + e.blockedURI))",
  )
  await page.goto(url)
  return { page, faults }
}
