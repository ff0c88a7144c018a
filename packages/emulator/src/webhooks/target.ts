// Where deliveries may go: https, except on this machine.
export function isTarget(url: unknown): url is string {
  if (typeof url !== 'string' || !URL.canParse(url)) return false
  return /^https:\/\//i.test(url) || /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/?]|$)/i.test(url)
}
