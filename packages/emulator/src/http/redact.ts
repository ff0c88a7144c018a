// What may be shown of a URL.
const SECRET_NAMES =
  /^(code|code_verifier|client_secret|access_token|refresh_token|token|hapikey|secret|password)$/i

// A token in a URL lands in other people's logs. The log keeps that it happened, not what it was.
export function redact(
  path: string,
  query: URLSearchParams,
  isToken: (text: string) => boolean,
): { path: string; query: Record<string, string>; secret_in_url: boolean } {
  let secret = false
  const hide = (text: string) => {
    secret = true
    return text === '' ? '' : '[redacted]'
  }
  const shown = path.replace(
    /^(\/oauth\/v1\/(?:access|refresh)-tokens\/)([^/]+)/,
    (_all, start: string, token: string) => start + hide(token),
  )
  const safe = shown
    .split('/')
    .map((part) => (isToken(safeDecode(part)) ? hide(part) : part))
    .join('/')
  const shownQuery: Record<string, string> = {}
  for (const [name, value] of query) {
    const secretValue = SECRET_NAMES.test(name) || isToken(value)
    // HubSpot itself puts a signature into the address of a file, so it is hidden and not held against the client.
    const signed = name === 'signature' ? '[redacted]' : value
    const text = secretValue ? hide(value) : signed
    shownQuery[name] = name in shownQuery ? `${shownQuery[name]},${text}` : text
  }
  return { path: safe, query: shownQuery, secret_in_url: secret }
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
