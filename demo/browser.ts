/** A person's browser on its way back from HubSpot: it stores the cookie, reads the page that names the account, and presses a button. */

export interface Came {
  /** Where the page is: it holds no code and no state. */
  path: string
  /** As the browser sends it back. */
  cookie: string
  page: string
}

export interface Pressed {
  status: number
  /** Where it leads; empty when it leads nowhere. */
  location: string
  text: string
}

/** @param base where the service is, without a slash at its end */
export function createBrowser(base: string, signal: AbortSignal = AbortSignal.timeout(30_000)) {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${base}${path}`, { redirect: 'manual', signal, ...init })

  return {
    /** Returns with a code and a state, as HubSpot redirects it. @throws Error when there is no confirmation page */
    async comeBack(callback: string): Promise<Came> {
      const { pathname, search } = new URL(callback, base)
      const sent = await ask(`${pathname}${search}`, { headers: { accept: 'text/html' } })
      const [cookie = ''] = (sent.headers.get('set-cookie') ?? '').split(';')
      const path = sent.headers.get('location') ?? ''
      if (sent.status !== 303) throw new Error(`the callback answered ${sent.status}: ${await sent.text()}`)
      const shown = await ask(path, { headers: { accept: 'text/html', cookie } })
      const page = await shown.text()
      if (shown.status !== 200) throw new Error(`the page answered ${shown.status}: ${page}`)
      return { path, cookie, page }
    },

    /** Sends the headers that a browser sends. @param over other headers, or other values of these */
    async press(
      { path, cookie }: Pick<Came, 'path' | 'cookie'>,
      decision: 'connect' | 'cancel' = 'connect',
      over: Record<string, string> = {},
    ): Promise<Pressed> {
      const headers = { accept: 'text/html', cookie, 'sec-fetch-site': 'same-origin', ...over }
      const answer = await ask(path, { method: 'POST', headers, body: new URLSearchParams({ decision }) })
      return {
        status: answer.status,
        location: answer.headers.get('location') ?? '',
        text: await answer.text(),
      }
    },
  }
}
