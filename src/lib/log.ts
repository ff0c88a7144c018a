/**
 * Structured logs: one JSON line each, scrubbed after serialising, because path redaction misses
 * nested secrets.
 */
import pino, { type Logger } from 'pino'

export type Log = Logger

/**
 * What secrets look like in a log line. The Secret type keeps secrets out of logs; this catches
 * those in foreign text (an error message, a URL, a driver's detail).
 */
const patterns: [RegExp, string][] = [
  [/\b(spk_[0-9a-f]{16}_)[A-Za-z0-9_-]{20,}/g, '$1[secret]'],
  // Endpoint secrets of outgoing webhooks.
  [/\bwhsec_[A-Za-z0-9+/=_-]{16,}/g, '[secret]'],
  [/\bpat-[a-z]{2,4}\d?-[0-9a-fA-F-]{8,}/g, '[secret]'],
  [/\b(?:na|eu|ap)\d-[0-9a-fA-F]{4}[0-9a-fA-F-]{12,}/g, '[secret]'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+/gi, '$1 [secret]'],
  [/\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_.-]*/g, '[secret]'],
  [
    /((?:access_token|refresh_token|client_secret|code_verifier|tokenKey|password)(?:\\?"\s*:\s*\\?"|=|%3D))[^"\\&\s,}]+/gi,
    '$1[secret]',
  ],
  // Session tokens anywhere, and whole cookie headers.
  [/\bsp[sc]_[A-Za-z0-9_-]{20,}/g, '[secret]'],
  [/((?:set-)?cookie\\?"\s*:\s*(?:\[\s*)?\\?")(?:[^"\\]|\\[^"])*/gi, '$1[secret]'],
  [/\b((?:set-)?cookie:\s*)[^"\\\r\n]+/gi, '$1[secret]'],
  [/((?:__Host-)?spoke_session=)[^;"\\\s]+/g, '$1[secret]'],
  [/([?&](?:code|state)=)[^"\\&\s]+/g, '$1[secret]'],
  [/(postgres(?:ql)?:\/\/[^:@/\s"]*:)[^@\s"]+@/g, '$1[secret]@'],
]

/** Replaces everything in a line that looks like a secret. Pure. */
export function scrub(line: string): string {
  let clean = line
  for (const [pattern, by] of patterns) clean = clean.replace(pattern, by)
  return clean
}

/** @param write receives each finished line, scrubbed, ending in a newline */
export function createLog(
  level: string,
  write: (line: string) => void = (line) => process.stdout.write(line),
): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    { write: (line: string) => write(scrub(line)) },
  )
}
